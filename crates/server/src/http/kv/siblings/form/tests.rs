use http::HeaderValue;
use http::header::ACCEPT;

use super::*;

fn preferred(accepts: &[&str]) -> Form {
    let mut headers = HeaderMap::new();
    for accept in accepts {
        headers.append(ACCEPT, HeaderValue::from_str(accept).expect("a header's value"));
    }
    Form::preferred(&headers)
}

#[test]
fn json_is_given_to_who_prefers_it() {
    for accept in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/*",
        "application/json, text/plain, */*",
        "multipart/mixed;q=0.5, application/json;q=0.6",
        "multipart/*, application/json",
        "text/html, application/json;q=0.1",
    ] {
        assert_eq!(preferred(&[accept]), Form::Json, "{accept}");
    }
    assert_eq!(preferred(&["text/html", "application/json"]), Form::Json);
}

#[test]
fn parts_are_given_to_everybody_else() {
    for accept in [
        "*/*",
        "multipart/mixed",
        "multipart/mixed, application/json",
        "application/json;q=0",
        "application/json;q=0, */*",
        "application/json;q=0.2, */*",
        "application/json;q=much",
        "application/json;q=NaN",
        "image/png",
        "json",
        "",
    ] {
        assert_eq!(preferred(&[accept]), Form::Multipart, "{accept}");
    }
    assert_eq!(preferred(&[]), Form::Multipart);
}
