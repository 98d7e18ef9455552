//! The console: the cluster as this node sees it, for people, served by every node at `/console`.
//!
//! ```text
//! sheet     a page: blocks, some of which are kept up to date
//! layout    what stands around every page; headers that keep foreign content out
//! asset     style, script and icon, as they lie beside this file
//! events    the same pages again every second, sent where they have changed
//! survey    what only the other nodes know, asked of them within bounds
//! form      what a page was asked for, or sends; origin: that it was one of these pages
//! ring, nodes, key, changes, traffic   the pages
//! wheel, plot, show                    how a ring, a series, a number and a value are drawn
//! ```
//!
//! Pages are whole without script, which only fetches what has changed. A page reads what anybody
//! may read by `/v1`; what it writes passes the same guards and goes the same way. Everything that
//! users have stored is escaped by the templates (`docs/decisions/0011-console.md`).

mod asset;
mod changes;
mod desk;
mod events;
mod form;
mod key;
mod layout;
mod nodes;
mod origin;
mod page;
mod plot;
mod ring;
mod sheet;
mod show;
mod survey;
mod traffic;
mod wheel;

use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};

use self::form::Form;
use self::page::Page;
use super::front::{Front, Shared};
use super::path::Target;
use super::problem::{Answer, Problem};
use crate::memory::Part;

pub(super) use desk::Desk;

/// `/console` and everything below it.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    let place = place(&request);
    if let Some(asset) = asset::named(&place) {
        only_reads(&request)?;
        return Ok(asset.answer(request.headers()));
    }
    if let Some(of) = place.strip_prefix("events/") {
        only_reads(&request)?;
        // What keeps itself up to date reads nothing by quorum, whoever asks it to.
        let asked = asked(&request).without("edit");
        return events::answer(front, Page::read(of, &asked)?);
    }
    match (request.method(), place.as_str()) {
        (&Method::POST, "key") => key::posted(&front, request).await,
        (&Method::POST, "changes") => changes::posted(&front, request).await,
        _ => {
            let page = Page::read(&place, &asked(&request));
            shown(&front, page, request.method().clone()).await
        }
    }
}

/// What is named behind `/console`; the first page has no name.
fn place(request: &Request) -> String {
    let path = String::from_utf8_lossy(Target::of(request).behind("/console"));
    path.trim_start_matches('/').to_owned()
}

fn asked(request: &Request) -> Form {
    Form::read(Target::of(request).query)
}

async fn shown(front: &Front, page: Result<Page, Problem>, method: Method) -> Answer {
    if !is_read(&method) {
        let allowed = page.map_or("GET, HEAD", |page| page.methods());
        return Err(Problem::method_not_allowed(&method, allowed));
    }
    match page {
        Ok(page) => Ok(page_response(front, &page).await),
        Err(problem) => Err(problem),
    }
}

/// A page; if it can't be made, one that says why.
async fn page_response(front: &Front, page: &Page) -> Response {
    match page.sheet(front).await {
        Ok(sheet) => layout::response(StatusCode::OK, &layout::whole(front, page, &sheet)),
        Err(problem) => layout::trouble(front, page, &problem),
    }
}

/// What a form that was sent says, if one of these pages sent it; and its part of the door's memory.
async fn sent(front: &Front, request: Request) -> Result<(Form, Part), Problem> {
    origin::check(request.headers())?;
    let (parts, mut content) = request.into_parts();
    let held = super::body::object(front, &parts.headers, &mut content).await?;
    Ok((Form::read(&held.bytes), held.part))
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn only_reads(request: &Request) -> Result<(), Problem> {
    if is_read(request.method()) {
        return Ok(());
    }
    Err(Problem::method_not_allowed(request.method(), "GET, HEAD"))
}
