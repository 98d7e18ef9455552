//! That a form was sent by one of these pages. Browsers say where a form comes from, and let no
//! page lie about it: without that, any page that somebody has open could have their browser write
//! here.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

use super::super::problem::{Problem, kind};

/// Refuses a form that does not come from this very host and port.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let from = text(ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    match (from, text(HOST)) {
        (Some(from), Some(host)) if from.eq_ignore_ascii_case(host) => Ok(()),
        _ => {
            let detail = "the form does not come from a page of this console, so nothing was done: \
                          open the console and send it from there; programs use /v1";
            Err(Problem::new(kind::FOREIGN_ORIGIN, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_same_host_and_port_may_send_forms() {
        let may = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:7411"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_str(origin).expect("a header"));
            }
            check(&headers).is_ok()
        };
        assert!(may(Some("http://127.0.0.1:7411")));
        for foreign in ["http://127.0.0.1:7421", "http://evil.example", "null", "http://127.0.0.1"]
        {
            assert!(!may(Some(foreign)), "{foreign}");
        }
        assert!(!may(None), "a browser always says");
    }
}
