//! One client of the simulator, at work over HTTP.

use std::sync::Arc;
use std::time::Duration;

use stator_client::{
    ClientError, Context, Fetched, NewObject, ObjectName, Outcome, RequestOptions, Written,
};
use stator_core::context::SealedContext;
use stator_core::object::Content;
use stator_core::quorum::{ReadQuorum, WriteQuorum};
use stator_sim::client::{Action, Client, Held, Intent};
use stator_sim::history::{CallId, Fate, Seen, WriteKind};
use stator_sim::payload::payload;
use tokio::time::{Instant, sleep};

use super::record::End;
use super::round::Round;

/// Calls one after the other, until the end.
pub(super) async fn work(round: Arc<Round>, number: usize, mut client: Client, end: Instant) {
    while Instant::now() < end {
        let intent = tamed(client.next(&round.layout));
        let key = intent.key;
        match intent.action {
            Action::Get => match get(&round, number, &intent, End::Before).await {
                Ok((_, held)) => client.got(key, held),
                Err(_) => client.failed(),
            },
            _ => match write(&round, number, intent).await {
                Some(held) => client.wrote(key, held),
                None => client.failed(),
            },
        }
        sleep(client.pause().min(Duration::from_millis(500))).await;
    }
}

/// Deletes happen to every other key only, since what is read of deleted keys proves less.
fn tamed(intent: Intent) -> Intent {
    let deletes = matches!(intent.action, Action::Delete(_) | Action::DeleteWhatIsRead);
    if deletes && intent.key.is_multiple_of(2) {
        return Intent { action: Action::Get, ..intent };
    }
    intent
}

/// Reads: the call and what the client holds then, or the call that failed.
pub(super) async fn get(
    round: &Round,
    client: usize,
    intent: &Intent,
    when: End,
) -> Result<(CallId, Option<Held>), CallId> {
    let key = &round.layout.keys[intent.key];
    let properties = round.layout.properties(intent.key);
    let existing = round.layout.replicas(intent.key);
    let quorum: ReadQuorum =
        properties.read_quorum(existing, &intent.quorum).expect("clients ask for what can be");
    let (call, sent) = {
        let mut record = round.record();
        let begun = record.begun(intent.key, client, intent.node);
        (record.begin_get(begun, quorum), std::time::Instant::now())
    };
    let name = ObjectName { bucket: key.bucket().as_bytes(), key: key.key().as_bytes() };
    let answer: Result<Fetched, ClientError> =
        round.nodes[intent.node].get(name, &options(intent)).await;
    match answer {
        Ok(fetched) => Ok((call, round.record().read(call, fetched, when))),
        Err(error) => {
            fail(round, call, intent.node, sent, &error);
            Err(call)
        }
    }
}

async fn write(round: &Round, client: usize, intent: Intent) -> Option<Held> {
    let options = options(&intent);
    let Intent { key, node, action, quorum, .. } = intent;
    let properties = round.layout.properties(key);
    let existing = round.layout.replicas(key);
    let needs: WriteQuorum =
        properties.write_quorum(existing, &quorum).expect("clients ask for what can be");
    let (kind, held) = match action {
        Action::Put { len, held } => (WriteKind::Value(len), held),
        Action::Delete(held) => (WriteKind::Tombstone, Some(held)),
        Action::Get | Action::DeleteWhatIsRead => (WriteKind::DeleteWhatIsRead, None),
    };
    let (context, seen) = match held {
        Some(held) => (Some(text(&held.context)), held.seen),
        None => (None, Seen::default()),
    };
    let (call, sent) = {
        let mut record = round.record();
        let begun = record.begun(key, client, node);
        (record.begin_write(begun, kind, needs, &seen), std::time::Instant::now())
    };
    let name = &round.layout.keys[key];
    let name = ObjectName { bucket: name.bucket().as_bytes(), key: name.key().as_bytes() };
    let http = &round.nodes[node];
    let answer: Result<Written, ClientError> = match kind {
        WriteKind::Value(len) => {
            http.put(name, object(call, len), context.as_ref(), &options).await
        }
        WriteKind::Tombstone | WriteKind::DeleteWhatIsRead => {
            http.delete(name, context.as_ref(), &options).await
        }
    };
    match answer {
        Ok(Written { context: Some(context), replicas }) => {
            let seen = round.record().acknowledged(call, replicas.durable);
            Some(Held { context: SealedContext(context.0.into()), seen })
        }
        // Nothing was there to delete: nothing was written.
        Ok(Written { context: None, .. }) if kind == WriteKind::DeleteWhatIsRead => {
            round.record().end(call, Fate::Refused("nothing was there".to_owned()));
            None
        }
        Ok(Written { context: None, .. }) => {
            let mut record = round.record();
            record.odd.push(format!("the write #{} was acknowledged without a context", call.0));
            record.end(call, Fate::Done);
            None
        }
        Err(error) => {
            fail(round, call, node, sent, &error);
            None
        }
    }
}

/// Notes a call that was not carried out, and answers that nobody should ever get.
fn fail(round: &Round, call: CallId, node: usize, sent: std::time::Instant, error: &ClientError) {
    let mut record = round.record();
    match error {
        ClientError::TimedOut { .. } if round.trouble.ran_since(node, sent) => {
            record.unanswered(call);
        }
        ClientError::Problem(problem) if !matches!(problem.status, 429 | 503 | 504) => {
            record.odd.push(format!("#{}: {problem}", call.0));
        }
        ClientError::Protocol { .. } | ClientError::Invalid(_) => {
            record.odd.push(format!("#{}: {error}", call.0));
        }
        _ => {}
    }
    let fate = match error.outcome() {
        Outcome::Refused => Fate::Refused(error.to_string()),
        Outcome::Indeterminate => Fate::Indeterminate(error.to_string()),
    };
    record.end(call, fate);
}

fn options(intent: &Intent) -> RequestOptions {
    RequestOptions { quorum: intent.quorum, timeout: Some(intent.timeout) }
}

fn text(context: &SealedContext) -> Context {
    Context(String::from_utf8(context.0.to_vec()).expect("it came as a header's text"))
}

fn object(call: CallId, len: usize) -> NewObject {
    let Content::Value(value) = payload(call, len) else { return NewObject::default() };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    NewObject {
        value: value.bytes,
        content_type: Some(text(&value.metadata.content_type)),
        meta: value.metadata.user.iter().map(|(name, is)| (text(name), text(is))).collect(),
        ttl: None,
    }
}
