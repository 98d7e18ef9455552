//! Style, script and icon: plain files beside this one, part of the program, with strong ETags.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::layout;

/// A file.
pub(super) struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "style.css",
        kind: "text/css; charset=utf-8",
        content: include_str!("style.css"),
    },
    Asset {
        name: "console.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("console.js"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", content: include_str!("icon.svg") },
];

/// The asset of this name.
pub(super) fn named(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// Names these very bytes.
    fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.content.hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }

    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let tag = self.tag();
        let has = asked.get_all(IF_NONE_MATCH).iter().any(|given| {
            given.to_str().is_ok_and(|given| given.split(',').any(|one| one.trim() == tag))
        });
        let mut response = Response::new(Body::from(if has { "" } else { self.content }));
        if has {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        layout::guard(headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(ETAG, HeaderValue::from_str(&tag).expect("hex in quotes"));
        response
    }
}
