//! One object: read, stored, deleted.

pub(super) mod get;
pub(super) mod headers;
pub(super) mod put;
mod siblings;
pub(super) mod told;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode};
use stator_core::request::{Answered, Done};

use super::front::Shared;
use super::listing;
use super::path::{self, Named, Target};
use super::problem::{Answer, Intent, Problem, kind};
use super::query::{OBJECT_WORDS, Words};

const OBJECT_METHODS: &str = "GET, HEAD, PUT, DELETE";

/// `/v1/kv/{bucket}/{key}`, or the listing of `/v1/kv/{bucket}`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    let target = Target::of(&request);
    let key = match path::named(target.behind("/v1/kv/"), front.config.max_key_bytes) {
        Ok(Named::Bucket(bucket)) if request.method() == Method::GET => {
            return listing::answer(front, bucket, target).await;
        }
        Ok(Named::Bucket(_)) => return Err(Problem::method_not_allowed(request.method(), "GET")),
        Ok(Named::Object(key)) => Ok(key),
        Err(problem) => Err(problem),
    };
    match *request.method() {
        Method::GET | Method::HEAD => {
            let words = Words::parse(target.query, OBJECT_WORDS)?;
            get::get(&front, key?, &words, request.headers()).await
        }
        Method::PUT => put::put(&front, key, request).await,
        Method::DELETE => {
            let words = Words::parse(target.query, OBJECT_WORDS)?;
            put::delete(&front, key?, &words, request.headers()).await
        }
        _ => Err(Problem::method_not_allowed(request.method(), OBJECT_METHODS)),
    }
}

/// The answer to a write that was acknowledged.
fn written(done: Done) -> Answer {
    let Done::Written(reply) = done else { return Err(Problem::mismatched(Intent::Write)) };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(headers::CONTEXT, headers::context_value(&reply.context));
    headers.insert(headers::REPLICAS, replicas(reply.answered, Intent::Write));
    Ok(response)
}

/// `Stator-Replicas`: who answered, and how many there are if that is fewer than the bucket wants.
fn replicas(answered: Answered, intent: Intent) -> HeaderValue {
    let told = told::Replicas::of(answered, intent);
    HeaderValue::from_str(&told.to_string()).expect("words and numbers are a header's value")
}

/// Conditions on writes are refused, never ignored: they need the `strong` buckets that are to
/// come.
fn no_conditions(headers: &http::HeaderMap, names: &[http::HeaderName]) -> Result<(), Problem> {
    let Some(name) = names.iter().find(|name| headers.contains_key(*name)) else { return Ok(()) };
    let detail = format!(
        "{name} is not built yet for this method: leave it out; a write that must not overwrite \
         what its writer has not seen sends the Stator-Context of its read"
    );
    Err(Problem::new(kind::NOT_BUILT, detail))
}
