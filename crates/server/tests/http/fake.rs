//! A node that records what it is asked and answers what the test says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use stator_core::context::{Context, ContextError, SealedContext};
use stator_core::identity::{ActorId, ClusterId, NodeId};
use stator_core::membership::admin::{
    AdminDone, AdminError, AdminReply, AdminRequest, ClusterStatus,
};
use stator_core::object::{
    BucketName, ConflictRule, Content, Key, Metadata, ObjectDigest, ObjectKey, ObjectState,
    Sibling, Value,
};
use stator_core::request::{
    Answered, ClientReply, Done, GetReply, ListPage, Operation, PutReply, RequestError,
};
use stator_core::ring::{Member, Ring, Weight};
use stator_core::status::{NodeStatus, OwnCopy};
use stator_core::time::{Stamp, WallTime};
use stator_core::token::PartitionCount;
use stator_core::version::Dot;
use stator_core::view::View;
use stator_node::TopKeys;
use stator_server::{Backend, Readiness, Reply};

pub(crate) const ME: NodeId = NodeId::new(0xa1);

type Answers<Q, A> = Mutex<Box<dyn FnMut(&Q) -> A + Send>>;

/// The node behind the door.
pub(crate) struct Fake {
    operations: Mutex<Vec<(Operation, Duration)>>,
    orders: Mutex<Vec<AdminRequest>>,
    answers: Answers<Operation, ClientReply>,
    admin_answers: Answers<AdminRequest, AdminReply>,
    view: Mutex<View>,
    readiness: Mutex<Readiness>,
    condition: Mutex<NodeStatus>,
    top: Mutex<TopKeys>,
    asked_top: Mutex<Vec<usize>>,
    own_copy: Mutex<Option<OwnCopy>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fake {
    /// A member of a ring of its own with four partitions, which acknowledges every write and has
    /// no object.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            operations: Mutex::default(),
            orders: Mutex::default(),
            answers: Mutex::new(Box::new(|operation| Ok(acknowledged(operation)))),
            admin_answers: Mutex::new(Box::new(|_| Err(AdminError::Busy))),
            view: Mutex::new(view()),
            readiness: Mutex::new(Readiness::Ready),
            condition: Mutex::default(),
            top: Mutex::default(),
            asked_top: Mutex::default(),
            own_copy: Mutex::default(),
        })
    }

    pub(crate) fn answering(
        answers: impl FnMut(&Operation) -> ClientReply + Send + 'static,
    ) -> Arc<Self> {
        let fake = Self::new();
        fake.set_answers(answers);
        fake
    }

    pub(crate) fn refusing(error: RequestError) -> Arc<Self> {
        Self::answering(move |_| Err(error.clone()))
    }

    pub(crate) fn having(state: ObjectState) -> Arc<Self> {
        Self::answering(move |_| Ok(Done::Got(found(state.clone()))))
    }

    pub(crate) fn administered(
        answers: impl FnMut(&AdminRequest) -> AdminReply + Send + 'static,
    ) -> Arc<Self> {
        let fake = Self::new();
        *lock(&fake.admin_answers) = Box::new(answers);
        fake
    }

    pub(crate) fn set_answers(
        &self,
        answers: impl FnMut(&Operation) -> ClientReply + Send + 'static,
    ) {
        *lock(&self.answers) = Box::new(answers);
    }

    pub(crate) fn set_view(&self, change: impl FnOnce(&mut View)) {
        change(&mut lock(&self.view));
    }

    pub(crate) fn set_readiness(&self, readiness: Readiness) {
        *lock(&self.readiness) = readiness;
    }

    pub(crate) fn set_condition(&self, condition: NodeStatus) {
        *lock(&self.condition) = condition;
    }

    pub(crate) fn set_top(&self, top: TopKeys) {
        *lock(&self.top) = top;
    }

    /// How many of the busiest keys were asked for so far.
    pub(crate) fn asked_top(&self) -> Vec<usize> {
        lock(&self.asked_top).clone()
    }

    /// What shards were asked so far.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        lock(&self.operations).iter().map(|(operation, _)| operation.clone()).collect()
    }

    /// How long the answers may take that were asked for so far.
    pub(crate) fn timeouts(&self) -> Vec<Duration> {
        lock(&self.operations).iter().map(|(_, timeout)| *timeout).collect()
    }

    /// What membership was asked so far; but for how it is, which the door itself looks at every
    /// second.
    pub(crate) fn orders(&self) -> Vec<AdminRequest> {
        let asked = lock(&self.orders);
        asked.iter().filter(|order| **order != AdminRequest::Status).cloned().collect()
    }

    /// What the node itself has of any object.
    pub(crate) fn set_own_copy(&self, copy: OwnCopy) {
        *lock(&self.own_copy) = Some(copy);
    }
}

impl Backend for Fake {
    fn request(&self, operation: Operation, timeout: Duration) -> Reply<'_, ClientReply> {
        let answer = lock(&self.answers)(&operation);
        lock(&self.operations).push((operation, timeout));
        Box::pin(std::future::ready(answer))
    }

    fn has_seen(
        &self,
        _key: &ObjectKey,
        found: Option<&SealedContext>,
        wanted: &SealedContext,
    ) -> Result<bool, ContextError> {
        if wanted.0.is_empty() {
            return Err(ContextError::Malformed);
        }
        Ok(found == Some(wanted))
    }

    fn admin(&self, request: AdminRequest, _timeout: Duration) -> Reply<'_, AdminReply> {
        let answer = lock(&self.admin_answers)(&request);
        lock(&self.orders).push(request);
        Box::pin(std::future::ready(answer))
    }

    fn inspect(&self) -> Reply<'_, NodeStatus> {
        Box::pin(std::future::ready(lock(&self.condition).clone()))
    }

    fn own_copy(&self, _key: ObjectKey) -> Reply<'_, Option<OwnCopy>> {
        Box::pin(std::future::ready(lock(&self.own_copy).clone()))
    }

    fn top(&self, most: usize) -> TopKeys {
        lock(&self.asked_top).push(most);
        lock(&self.top).clone()
    }

    fn view(&self) -> Arc<View> {
        Arc::new(lock(&self.view).clone())
    }

    fn readiness(&self) -> Readiness {
        lock(&self.readiness).clone()
    }

    fn me(&self) -> NodeId {
        ME
    }

    fn name(&self) -> &'static str {
        "n1"
    }
}

fn view() -> View {
    View { ring: Some(Arc::new(ring())), ..View::alone(ME) }
}

pub(crate) fn member(name: &str) -> Member {
    Member { name: name.to_owned(), zone: "z".to_owned(), weight: Weight::DEFAULT }
}

pub(crate) fn ring() -> Ring {
    let partitions = PartitionCount::new(4).expect("a power of two");
    Ring::found(ClusterId::new(7), partitions, 3, ME, member("n1"))
}

pub(crate) fn sealed() -> SealedContext {
    SealedContext(Bytes::from_static(b"\xff\xfecontext"))
}

/// [`sealed`] as clients see it.
pub(crate) const SEALED: &str = "__5jb250ZXh0";

pub(crate) fn acknowledged(operation: &Operation) -> Done {
    let answered = Answered { primaries: 2, fallbacks: 1, durable: 3, wanted: 3, existing: 3 };
    match operation {
        Operation::Get { .. } => Done::Got(GetReply {
            state: ObjectState::default(),
            context: None,
            digest: ObjectDigest::new([0; 16]),
            answered: Answered { durable: 0, ..answered },
        }),
        Operation::List(_) => Done::Listed(ListPage::default()),
        _ => Done::Written(PutReply { context: sealed(), answered }),
    }
}

/// A get's answer that found this state.
pub(crate) fn found(state: ObjectState) -> GetReply {
    GetReply {
        context: (!state.is_unwritten()).then(sealed),
        state,
        digest: ObjectDigest::new([0xd1; 16]),
        answered: Answered { primaries: 2, wanted: 3, existing: 3, ..Answered::default() },
    }
}

/// When the versions of these tests were written: Sun, 06 Nov 1994 08:49:37 GMT.
pub(crate) const WRITTEN: WallTime = WallTime::from_millis(784_111_777_000);

pub(crate) fn value(bytes: &[u8]) -> Content {
    let metadata = Metadata { content_type: "text/x-cart".into(), ..Metadata::default() };
    Content::Value(Value { bytes: Bytes::copy_from_slice(bytes), metadata })
}

/// A value that expired long ago.
pub(crate) fn expired(bytes: &[u8]) -> Content {
    let metadata = Metadata { expires_at: Some(WRITTEN), ..Metadata::default() };
    Content::Value(Value { bytes: Bytes::copy_from_slice(bytes), metadata })
}

/// A state of concurrent versions.
pub(crate) fn state(versions: impl IntoIterator<Item = Content>) -> ObjectState {
    let mut state = ObjectState::default();
    for (counter, content) in (1..).zip(versions) {
        let dot = Dot { actor: ActorId::new(5), counter };
        let sibling = Sibling { dot, stamp: Stamp::at(WRITTEN), content };
        state.write(ConflictRule::Siblings, &Context::default(), sibling);
    }
    state
}

pub(crate) fn key(bucket: &str, key: &[u8]) -> ObjectKey {
    let bucket = BucketName::new(Bytes::copy_from_slice(bucket.as_bytes())).expect("a bucket");
    ObjectKey::new(bucket, Key::new(Bytes::copy_from_slice(key)).expect("a key"))
}

pub(crate) fn status(members: Vec<stator_core::membership::admin::MemberStatus>) -> AdminDone {
    AdminDone::Status(ClusterStatus { ring: Some(Arc::new(ring())), members, change: None })
}
