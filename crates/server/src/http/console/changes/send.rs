//! A form of the page of changes, sent: staged, committed or discarded as by the interface, with
//! the same rights.

use axum::extract::Request;
use serde_json::{Map, Value, json};
use stator_core::membership::admin::{AdminDone, AdminRequest};
use stator_core::ring::RingVersion;

use super::super::super::cluster::change;
use super::super::super::front::Front;
use super::super::super::guard;
use super::super::super::problem::{Answer, Intent, Problem, kind};
use super::super::super::query::ADMIN_TIMEOUT;
use super::super::form::Form;
use super::super::page::Page;
use super::super::{layout, sent, survey};
use super::Asked;

/// `POST /console/changes`.
pub(in super::super) async fn posted(front: &Front, request: Request) -> Answer {
    let (form, _held) = sent(front, request).await?;
    match carried_out(front, &form).await {
        Ok(done) => Ok(layout::see_other(&format!("/console/changes?done={done}"))),
        Err(problem) => Ok(layout::trouble(front, &Page::Changes(Asked::read(&form)), &problem)),
    }
}

async fn carried_out(front: &Front, form: &Form) -> Result<&'static str, Problem> {
    may_administer(front, form)?;
    match form.get("action") {
        Some("stage") => stage(front, form).await,
        Some("commit") => commit(front, form).await,
        Some("discard") => match front.administer(AdminRequest::Discard, ADMIN_TIMEOUT).await? {
            AdminDone::Discarded => Ok("discarded"),
            _ => Err(Problem::mismatched(Intent::Write)),
        },
        _ => {
            let detail = "the form says neither stage nor commit nor discard";
            Err(Problem::new(kind::BODY_MALFORMED, detail))
        }
    }
}

/// A form can't send `Authorization`: off loopback it carries the token in a field.
fn may_administer(front: &Front, form: &Form) -> Result<(), Problem> {
    if front.config.is_loopback {
        return Ok(());
    }
    let given = form.get("token").map(|token| format!("Bearer {token}"));
    guard::check_token(&front.config, given.as_ref().map(String::as_bytes))
}

async fn stage(front: &Front, form: &Form) -> Result<&'static str, Problem> {
    let known = survey::cluster(front).await?;
    let mut answer = "staged";
    for change in change::read(&document(form)?, &known)? {
        let request = AdminRequest::Stage { node: change.node, change: change.change };
        match front.administer(request, ADMIN_TIMEOUT).await? {
            AdminDone::Staged => {}
            AdminDone::DeclaredDead { .. } => answer = "dead",
            _ => return Err(Problem::mismatched(Intent::Write)),
        }
    }
    Ok(answer)
}

/// The change as the interface takes it: of the form's fields those that its kind has a use for.
fn document(form: &Form) -> Result<Map<String, Value>, Problem> {
    let kind = form.get("kind").unwrap_or_default();
    let mut document = Map::from_iter([
        ("kind".to_owned(), json!(kind)),
        ("node".to_owned(), json!(form.get("node").unwrap_or_default())),
    ]);
    if matches!(kind, "weight" | "join")
        && let Some(weight) = form.number("weight")?
    {
        document.insert("weight".to_owned(), json!(weight));
    }
    for (name, of) in [("zone", &["zone", "join"][..]), ("with", &["replace"])] {
        if let Some(text) = form.get(name).filter(|_| of.contains(&kind)) {
            document.insert(name.to_owned(), json!(text));
        }
    }
    Ok(document)
}

async fn commit(front: &Front, form: &Form) -> Result<&'static str, Problem> {
    let Some(version) = form.number("version")? else {
        let detail = "a commit names the version of the plan that is meant";
        return Err(Problem::new(kind::BODY_MALFORMED, detail));
    };
    let request = AdminRequest::Commit { version: RingVersion(version.into()) };
    match front.administer(request, ADMIN_TIMEOUT).await? {
        AdminDone::Committed(_) => Ok("committed"),
        AdminDone::DeclaredDead { .. } => Ok("dead"),
        _ => Err(Problem::mismatched(Intent::Write)),
    }
}
