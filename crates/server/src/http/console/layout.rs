//! What stands around every page, and the headers under which browsers show it: nothing from
//! elsewhere, nothing inline, in nobody else's frame.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, html};
use stator_core::request::Outcome;

use super::super::front::Front;
use super::super::problem::Problem;
use super::page::{Page, TABS};
use super::sheet::Sheet;

/// What a browser may load and where forms may go: only what this node serves.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The headers that all answers of the console have.
pub(super) fn guard(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Stricter would hide from forms where they come from, and they would be refused.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

/// A page as an answer.
pub(super) fn response(status: StatusCode, page: &Markup) -> Response {
    let mut response = Response::new(Body::from(page.0.clone()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    guard(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// To another page, after something was done: loading that again does nothing again.
pub(super) fn see_other(address: &str) -> Response {
    let mut response = response(StatusCode::SEE_OTHER, &html! {});
    let address = HeaderValue::from_str(address).expect("an address is percent-encoded");
    response.headers_mut().insert(LOCATION, address);
    response
}

/// A whole page.
pub(super) fn whole(front: &Front, page: &Page, sheet: &Sheet) -> Markup {
    let events = page.events();
    frame(
        front,
        page.place(),
        &sheet.title,
        Some(&events),
        &html! {
            @for block in &sheet.blocks {
                @match block.live {
                    Some(name) => div id=(name) { (block.content) },
                    None => (block.content),
                }
            }
        },
    )
}

/// A page that says why there is none, or why what it was told to do was not done.
pub(super) fn trouble(front: &Front, page: &Page, problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status());
    let content =
        html! { (refusal(problem)) p { a href={ "/console/" (page.place()) } { "Back" } } };
    let page = frame(front, page.place(), problem.title(), None, &content);
    response(status.expect("the table of kinds names statuses that exist"), &page)
}

/// What went wrong.
pub(super) fn refusal(problem: &Problem) -> Markup {
    html! {
        div class="notice bad" role="alert" {
            strong { (problem.title()) }
            p { (problem.detail()) }
            @if problem.outcome() == Outcome::Indeterminate {
                p { "Indeterminate: it may appear later, whole, or not at all." }
            }
        }
    }
}

fn frame(
    front: &Front,
    place: &str,
    title: &str,
    events: Option<&str>,
    content: &Markup,
) -> Markup {
    let name = front.backend.name();
    let ring = front.backend.view().ring.as_ref().map(|ring| ring.version.0);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (name) " · Stator" }
                link rel="icon" href="/console/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/console/style.css";
                script src="/console/console.js" defer {}
            }
            body data-events=[events] {
                a class="skip" href="#main" { "Skip to the content" }
                header class="top" {
                    a class="brand" href="/console" { "Stator" }
                    nav aria-label="Pages" {
                        @for (tab, called) in TABS {
                            @let current = (tab == place).then_some("page");
                            a href={ "/console" @if !tab.is_empty() { "/" } (tab) } aria-current=[current] {
                                (called)
                            }
                        }
                    }
                    div class="where" {
                        span { "as " strong { (name) } " sees it" }
                        @if let Some(ring) = ring { span class="quiet" { "ring " (ring) } }
                        // Shown by the script: without it, nothing is kept up to date.
                        button id="live" type="button" hidden aria-pressed="true" { "live" }
                    }
                }
                main id="main" {
                    h1 { (title) }
                    (content)
                }
            }
        }
    }
}
