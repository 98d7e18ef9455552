//! A bucket's properties, read and set.

pub(super) mod properties;

use axum::extract::Request;
use http::{Method, StatusCode};
use stator_core::membership::admin::{AdminDone, AdminRequest};
use stator_core::object::BucketName;

use self::properties::Changes;
use super::front::Shared;
use super::path::{self, Target};
use super::problem::{Answer, Intent, Problem, kind};
use super::query::{ADMIN_TIMEOUT, Words};
use super::{body, json};

/// `/v1/buckets/{bucket}`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    let target = Target::of(&request);
    let raw = target.behind("/v1/buckets/");
    if raw.contains(&b'/') {
        let detail = "a bucket is named up to the first slash: write /v1/buckets/BUCKET, and a \
                      slash in its name as %2F";
        return Err(Problem::new(kind::NO_SUCH_PATH, detail));
    }
    let bucket = path::bucket(raw)?;
    match *request.method() {
        Method::GET | Method::HEAD => read(front, bucket, target).await,
        Method::PUT => set(front, bucket, request).await,
        _ => Err(Problem::method_not_allowed(request.method(), "GET, HEAD, PUT")),
    }
}

async fn read(front: Shared, bucket: BucketName, target: Target<'_>) -> Answer {
    let words = Words::parse(target.query, &["timeout"])?;
    let timeout = words.timeout(ADMIN_TIMEOUT)?;
    let done = front.administer(AdminRequest::Bucket(bucket.clone()), timeout).await?;
    let AdminDone::Bucket { properties, fact } = done else {
        return Err(Problem::mismatched(Intent::Read));
    };
    let document = properties::document(&bucket, &properties, fact.is_some());
    Ok(json::response(StatusCode::OK, &document))
}

/// What is named changes; what is not stays as it is.
async fn set(front: Shared, bucket: BucketName, request: Request) -> Answer {
    let words = Words::parse(Target::of(&request).query, &["timeout"])?;
    let timeout = words.timeout(ADMIN_TIMEOUT)?;
    let (parts, mut content) = request.into_parts();
    let document = body::document(&front, &parts.headers, &mut content).await?;
    let changes = Changes::parse(&document)?;

    let done = front.administer(AdminRequest::Bucket(bucket.clone()), timeout).await?;
    let AdminDone::Bucket { properties: current, fact } = done else {
        return Err(Problem::mismatched(Intent::Write));
    };
    let mutable = changes.applied(&current, fact.as_ref())?;
    let request = AdminRequest::SetBucket {
        bucket: bucket.clone(),
        n: changes.n,
        conflicts: changes.conflicts,
        mutable,
    };
    let AdminDone::BucketSet(held) = front.administer(request, timeout).await? else {
        return Err(Problem::mismatched(Intent::Write));
    };
    let document = properties::document(&bucket, &held, true);
    Ok(json::response(StatusCode::OK, &document))
}
