//! A bucket's properties: `n`, quorums, how conflicts are settled, and the rest.
//!
//! They go through as the server names them: which exist and what each may be is the server's to
//! know, so that an older client can set what a newer server has.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Map, Value};

use crate::error::ClientError;
use crate::path::bucket_path;
use crate::transport::{Call, Client};

/// All properties of a bucket, by name.
pub type BucketDocument = Map<String, Value>;

/// Properties to set, by name; those not named stay as they are.
pub type BucketSettings = Map<String, Value>;

impl Client {
    /// The properties of a bucket.
    pub async fn bucket(&self, bucket: &[u8]) -> Result<BucketDocument, ClientError> {
        self.document(Call::get(bucket_path(bucket))).await
    }

    /// Makes a bucket, or changes its properties; returns those that hold if the server says.
    pub async fn set_bucket(
        &self,
        bucket: &[u8],
        settings: &BucketSettings,
    ) -> Result<Option<BucketDocument>, ClientError> {
        let body = Bytes::from(Value::Object(settings.clone()).to_string());
        let mut call = Call::write(Method::PUT, bucket_path(bucket), body);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = self.accepted(self.authorized(call)?).await?;
        Ok(serde_json::from_slice(answer.body()).ok())
    }
}
