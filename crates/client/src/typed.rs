//! Typed values: what a bucket holds as a type of the application, and how its siblings are merged.
//!
//! Stator is always writable, so two writers that did not know of each other both succeed, and a
//! reader finds what both wrote: siblings. Only the application knows what they are together
//! (the paper, 4.4). It says so once, as [`Merge`], and from then on sees one value.

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ClientError;
use crate::object::{Context, Fetched, NewObject, ObjectName, RequestOptions, Written};
use crate::ring::RingClient;
use crate::transport::SERVER_TIMEOUT;

/// The type of what is stored.
const JSON: &str = "application/json";
/// How often an update is begun again with a fresh read, where that is safe.
const BEGINNINGS: u32 = 5;
/// The pause before the first time; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(10);

/// What concurrent versions of a value are together.
///
/// It should not depend on their order, and merging what is merged already should change nothing:
/// two readers that merge the same siblings then come to the same value.
pub trait Merge: Sized {
    /// One value of several, at least two.
    fn merge(siblings: Vec<Self>) -> Self;
}

/// A bucket whose values are of one type, stored as JSON.
///
/// The shopping cart, as the paper has it: the union of both carts, so that nothing that was put
/// into one is ever lost.
///
/// ```no_run
/// use std::collections::BTreeSet;
/// use serde::{Deserialize, Serialize};
/// use stator_client::{Bucket, Merge, RingClient, RingOptions};
///
/// #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
/// struct Cart {
///     items: BTreeSet<String>,
/// }
///
/// impl Merge for Cart {
///     fn merge(siblings: Vec<Self>) -> Self {
///         Self { items: siblings.into_iter().flat_map(|cart| cart.items).collect() }
///     }
/// }
///
/// # async fn shop() -> Result<(), Box<dyn std::error::Error>> {
/// let client = RingClient::new(RingOptions::new("http://127.0.0.1:7411".parse()?));
/// let carts: Bucket<Cart> = client.bucket("carts");
///
/// // On the phone and on the laptop, at the same time, through whichever nodes answer:
/// carts.update("alice", |cart| { cart.items.insert("apples".to_owned()); }).await?;
/// carts.update("alice", |cart| { cart.items.insert("pears".to_owned()); }).await?;
///
/// // Whatever happened in between, both are there.
/// let cart = carts.get("alice").await?.value.unwrap_or_default();
/// assert!(cart.items.contains("apples") && cart.items.contains("pears"));
/// # Ok(())
/// # }
/// ```
///
/// What a union can't do is forget: an item that one writer removed while another changed the cart
/// comes back (the paper says so of Amazon's). A type that must forget keeps what was removed.
pub struct Bucket<T> {
    client: RingClient,
    name: Bytes,
    options: RequestOptions,
    values: PhantomData<fn() -> T>,
}

/// What a typed read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The value, merged of all siblings; none if there is none.
    pub value: Option<T>,
    /// Sent back with a put that takes the place of all that was read.
    pub context: Option<Context>,
    /// How many versions there were, deletions among them; 0 if nothing is there.
    pub versions: usize,
}

/// Why a typed request was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypedError {
    /// The client's word; [`ClientError::outcome`] says what is known of a write.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What is stored there is not of the bucket's type. Nothing was written.
    #[error("{key} does not hold a value of this type: {cause}")]
    Stored {
        /// Where.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The value can't be written down as JSON. Nothing was written.
    #[error("the value can't be written as JSON: {0}")]
    Value(String),
}

impl<T> Bucket<T> {
    pub(crate) fn new(client: RingClient, name: Bytes) -> Self {
        Self { client, name, options: RequestOptions::default(), values: PhantomData }
    }

    /// The same with other quorums or another deadline for each request.
    pub fn with_options(self, options: RequestOptions) -> Self {
        Self { options, ..self }
    }

    /// The client beneath, for values as bytes.
    pub const fn client(&self) -> &RingClient {
        &self.client
    }

    fn object<'a>(&'a self, key: &'a [u8]) -> ObjectName<'a> {
        ObjectName { bucket: &self.name, key }
    }
}

impl<T: Serialize + DeserializeOwned> Bucket<T> {
    /// Reads a value; siblings come merged.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Found<T>, TypedError>
    where
        T: Merge,
    {
        let (values, context, versions) = self.read(key.as_ref()).await?;
        Ok(Found { value: merged(values), context, versions })
    }

    /// Reads all siblings as they are, deletions left out.
    pub async fn siblings(
        &self,
        key: impl AsRef<[u8]>,
    ) -> Result<(Vec<T>, Option<Context>), TypedError> {
        let (values, context, _) = self.read(key.as_ref()).await?;
        Ok((values, context))
    }

    /// Stores a value in the place of what the context covers; without one it takes the place of
    /// none and may become a sibling.
    pub async fn put(
        &self,
        key: impl AsRef<[u8]>,
        value: &T,
        context: Option<&Context>,
    ) -> Result<Written, TypedError> {
        self.write(key.as_ref(), value, context, &self.options).await
    }

    /// Deletes what the context covers; without one, what the coordinator reads first.
    pub async fn delete(
        &self,
        key: impl AsRef<[u8]>,
        context: Option<&Context>,
    ) -> Result<Written, TypedError> {
        let name = self.object(key.as_ref());
        Ok(self.client.delete(name, context, &self.options).await?)
    }

    /// Reads a value (the type's default if there is none), merges its siblings, changes it, and
    /// stores it in their place. What others store meanwhile stays beside it as a sibling, and is
    /// merged by the next read.
    ///
    /// Where nothing was written, it is begun again with a fresh read, within the deadline. A write
    /// that may appear later is an error ([`crate::Outcome::Indeterminate`]) and not tried again: a
    /// change that adds twice may be fatal, and only the caller knows.
    pub async fn update(
        &self,
        key: impl AsRef<[u8]>,
        mut change: impl FnMut(&mut T),
    ) -> Result<(T, Written), TypedError>
    where
        T: Merge + Default,
    {
        let key = key.as_ref();
        let until = Instant::now() + self.options.timeout.unwrap_or(SERVER_TIMEOUT);
        let mut begun = 0;
        loop {
            match self.update_once(key, &mut change, until).await {
                Err(TypedError::Client(error)) if begun_again(&error) && begun < BEGINNINGS => {
                    let pause = PAUSE * 2_u32.pow(begun);
                    if Instant::now() + pause >= until {
                        return Err(error.into());
                    }
                    tokio::time::sleep(pause).await;
                    begun += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn update_once(
        &self,
        key: &[u8],
        change: &mut impl FnMut(&mut T),
        until: Instant,
    ) -> Result<(T, Written), TypedError>
    where
        T: Merge + Default,
    {
        let (values, context, _) = self.read(key).await?;
        let mut value = merged(values).unwrap_or_default();
        change(&mut value);
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let options = RequestOptions { timeout: Some(left), ..self.options.clone() };
        let written = self.write(key, &value, context.as_ref(), &options).await?;
        Ok((value, written))
    }

    async fn read(&self, key: &[u8]) -> Result<(Vec<T>, Option<Context>, usize), TypedError> {
        Ok(match self.client.get(self.object(key), &self.options).await? {
            Fetched::NotFound { context } => (Vec::new(), context, 0),
            Fetched::Object(object) => {
                (vec![self.parse(key, &object.value)?], object.head.context, 1)
            }
            Fetched::Siblings(found) => {
                let versions = found.siblings.len();
                let live = found.siblings.iter().filter(|sibling| !sibling.deleted);
                let values = live.map(|sibling| self.parse(key, &sibling.value));
                (values.collect::<Result<_, _>>()?, found.context, versions)
            }
        })
    }

    fn parse(&self, key: &[u8], stored: &[u8]) -> Result<T, TypedError> {
        serde_json::from_slice(stored).map_err(|error| TypedError::Stored {
            key: format!("{}/{}", self.name.escape_ascii(), key.escape_ascii()),
            cause: error.to_string(),
        })
    }

    async fn write(
        &self,
        key: &[u8],
        value: &T,
        context: Option<&Context>,
        options: &RequestOptions,
    ) -> Result<Written, TypedError> {
        let json =
            serde_json::to_vec(value).map_err(|error| TypedError::Value(error.to_string()))?;
        let object = NewObject {
            value: json.into(),
            content_type: Some(JSON.to_owned()),
            ..NewObject::default()
        };
        Ok(self.client.put(self.object(key), object, context, options).await?)
    }
}

/// One value of those that were read.
fn merged<T: Merge>(mut values: Vec<T>) -> Option<T> {
    match values.len() {
        0 | 1 => values.pop(),
        _ => Some(T::merge(values)),
    }
}

/// Whether a fresh read and another write may do what this one did not, and can't do it twice.
fn begun_again(error: &ClientError) -> bool {
    let crowded = matches!(error, ClientError::Problem(problem) if problem.status == 429);
    error.is_retryable() || crowded
}

impl<T> Clone for Bucket<T> {
    fn clone(&self) -> Self {
        let (client, name, options) =
            (self.client.clone(), self.name.clone(), self.options.clone());
        Self { client, name, options, values: PhantomData }
    }
}

impl<T> fmt::Debug for Bucket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({}, {:?})", self.name.escape_ascii(), self.client)
    }
}

#[cfg(test)]
mod tests;
