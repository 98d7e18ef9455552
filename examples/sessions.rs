//! Sessions of a web site (the paper, 1: "session management"): each request of a user reads what
//! their last one wrote, whichever node answers, and a session that nobody uses expires.
//!
//! ```text
//! stator demo                       (in another terminal; it prints the next line as it must be)
//! export STATOR_CLIENT_KEY=$(STATOR_SECRET_FILE=… stator secret --client)   (else over HTTP)
//! cargo run --release --example sessions
//! ```
//!
//! It ends with status 1 if a user read something older than they had written.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use stator_client::{
    Fetched, NewObject, ObjectName, RequestOptions, RingClient, RingOptions, Session,
};

const USERS: usize = 8;
const PAGES: usize = 25;

type Failed = Box<dyn Error + Send + Sync>;

/// What is stored of a user: the page they looked at last.
fn page(number: usize) -> NewObject {
    NewObject {
        value: format!("page {number}").into(),
        content_type: Some("text/plain".to_owned()),
        // As long as nobody logs in again, that is how long it is kept.
        ttl: Some(Duration::from_hours(1)),
        ..NewObject::default()
    }
}

/// One user's visit: how often they read something older than they had written.
async fn visit(mut session: Session, user: String) -> Result<usize, Failed> {
    let name = ObjectName { bucket: b"sessions", key: user.as_bytes() };
    let options = RequestOptions::default();
    let mut stale = 0;
    // What an earlier visit left is what this one takes the place of.
    session.get(name, &options).await?;
    for number in 0..PAGES {
        session.put(name, page(number), &options).await?;
        let read = session.get(name, &options).await?;
        let is_own = matches!(&read, Fetched::Object(object) if object.value == page(number).value);
        stale += usize::from(!is_own);
    }
    session.delete(name, &options).await?;
    let after_leaving = session.get(name, &options).await?;
    stale += usize::from(!matches!(after_leaving, Fetched::NotFound { .. }));
    Ok(stale)
}

/// All users at once: how often any of them read something older than they had written.
pub(crate) async fn browse(options: RingOptions) -> Result<usize, Failed> {
    let client = RingClient::new(options);
    let visits = (0..USERS).map(|user| {
        let user = format!("user-{}-{user}", std::process::id());
        tokio::spawn(visit(client.session(), user))
    });
    let mut stale = 0;
    for visit in visits.collect::<Vec<_>>() {
        stale += visit.await??;
    }
    Ok(stale)
}

#[tokio::main]
#[cfg_attr(test, allow(dead_code))]
async fn main() -> ExitCode {
    let stale = match RingOptions::from_environment() {
        Ok(options) => browse(options).await,
        Err(error) => Err(error.into()),
    };
    match stale {
        Ok(stale) => {
            println!("{USERS} users looked at {PAGES} pages each; read too old: {stale}");
            if stale == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
