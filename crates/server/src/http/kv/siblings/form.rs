//! Which of the two forms of siblings a request prefers.

use http::HeaderMap;

use super::super::super::accept;

/// A form in which siblings can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Multipart,
    Json,
}

impl Form {
    /// The form that the request prefers; multipart if it does not say.
    pub(super) fn preferred(asked: &HeaderMap) -> Self {
        let json = accept::wanted(asked, "application", "json");
        let multipart = accept::wanted(asked, "multipart", "mixed");
        if json.0 > 0 && json > multipart { Self::Json } else { Self::Multipart }
    }
}

#[cfg(test)]
mod tests;
