//! What can happen in a simulated cluster, and how it reads in a trace.

use std::fmt;

use stator_core::effect::Input;
use stator_core::membership::MembershipMessage;
use stator_core::membership::effect::SaveId;
use stator_core::message::{AckStage, ReadAnswer, ShardMessage};
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, ClientRequest, Done, Operation};
use stator_core::time::Instant;

use crate::faults::FaultKind;
use crate::history::CallId;
use crate::network::Direction;
use crate::world::Act;

/// A node's process: which node, and which of its starts. What is meant for one process never
/// reaches a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// The node's place.
    pub node: usize,
    /// Counts its starts.
    pub boot: u64,
}

/// Something that happens.
#[derive(Debug)]
pub enum Event {
    /// A shard takes a turn.
    Turn {
        /// Whose.
        at: Process,
        /// Which shard.
        shard: u8,
        /// What it is told.
        input: Box<Input>,
        /// The process that sent it, if it is a frame.
        from: Option<Process>,
    },
    /// A client's next call is due.
    Think(usize),
    /// A call reaches its node.
    Arrive {
        /// The call.
        call: CallId,
        /// The node's place.
        node: usize,
        /// What it asks.
        request: Box<ClientRequest>,
    },
    /// An answer reaches its client.
    Answer(CallId, Box<ClientReply>),
    /// The client's connection breaks.
    ConnectionLost(CallId),
    /// The client waits no longer.
    Patience(CallId),
    /// The store writer has committed.
    Committed(Process),
    /// The store writer has synced.
    Synced(Process),
    /// A node looks whether its connection to a peer is as it should be.
    CheckLink(Direction),
    /// A node's failure detector judges a peer.
    Detect(Direction),
    /// A fault strikes, and will strike again.
    Strike(FaultKind),
    /// A direction of the network is cut.
    Cut(Direction, Instant),
    /// A stopped process goes on, a slow one is quick again.
    Recover(usize),
    /// A node stops cleanly, once it has nothing unsynced.
    Stop(Process),
    /// A node is started.
    Start(usize),
    /// A membership's message arrives.
    Gossip {
        /// Whose.
        from: Process,
        /// At whom.
        to: Process,
        /// The message.
        message: Box<MembershipMessage>,
    },
    /// What a membership has saved is on disk.
    Saved(Process, SaveId),
    /// A membership wanted to be woken at this time.
    Tick(Process, Instant),
    /// An operator does something.
    Operate(Act),
}

impl Event {
    /// A turn that no frame of a peer causes.
    pub fn turn(at: Process, shard: u8, input: Input) -> Self {
        Self::Turn { at, shard, input: Box::new(input), from: None }
    }
}

/// Shows an event in one short line, without the bytes of values.
#[derive(Debug)]
pub struct Line<'a>(pub &'a Event);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Event::Turn { at, shard, input, from } => {
                write!(f, "n{}.{}/{shard} ", at.node + 1, at.boot)?;
                if let Some(from) = from {
                    write!(f, "from n{}.{} ", from.node + 1, from.boot)?;
                }
                show_input(input, f)
            }
            Event::Arrive { call, node, request } => {
                write!(f, "call #{} reaches n{}: ", call.0, node + 1)?;
                show_operation(&request.operation, f)
            }
            Event::Answer(call, reply) => {
                write!(f, "call #{} is answered: ", call.0)?;
                show_reply(reply, f)
            }
            Event::Think(client) => write!(f, "client {client} goes on"),
            Event::ConnectionLost(call) => write!(f, "call #{} loses its connection", call.0),
            Event::Patience(call) => write!(f, "call #{} is waited for no longer", call.0),
            Event::Committed(at) => write!(f, "n{}.{} has committed", at.node + 1, at.boot),
            Event::Synced(at) => write!(f, "n{}.{} has synced", at.node + 1, at.boot),
            Event::CheckLink(way) => write!(f, "n{} looks at n{}", way.from + 1, way.to + 1),
            Event::Detect(way) => write!(f, "n{} judges n{}", way.from + 1, way.to + 1),
            Event::Strike(kind) => write!(f, "fault {}", kind.name()),
            Event::Cut(way, until) => {
                write!(f, "n{} to n{} is cut until {}", way.from + 1, way.to + 1, Clock(*until))
            }
            Event::Recover(node) => write!(f, "n{} recovers", node + 1),
            Event::Stop(at) => write!(f, "n{}.{} stops", at.node + 1, at.boot),
            Event::Start(node) => write!(f, "n{} is started", node + 1),
            Event::Gossip { from, to, message } => {
                write!(f, "n{}.{} from n{}.{} ", to.node + 1, to.boot, from.node + 1, from.boot)?;
                write!(f, "{}", Kind(message))
            }
            Event::Saved(at, id) => write!(f, "n{}.{} has saved {}", at.node + 1, at.boot, id.0),
            Event::Tick(at, _) => write!(f, "n{}.{} is woken", at.node + 1, at.boot),
            Event::Operate(act) => write!(f, "an operator: {act:?}"),
        }
    }
}

/// Shows what kind of message of membership it is, and what it says of rings.
struct Kind<'a>(&'a MembershipMessage);

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            MembershipMessage::Heartbeat { sequence, .. } => write!(f, "heartbeat {sequence}"),
            MembershipMessage::Probe { .. } => write!(f, "probe"),
            MembershipMessage::Digest(digest) => write!(f, "digest, ring {:?}", digest.ring),
            MembershipMessage::Delta { facts, .. } | MembershipMessage::Push { facts, .. } => {
                let ring = facts.ring.as_ref().map(|ring| ring.version);
                let said = facts.nodes.iter().map(|(node, fact)| (node, fact.version.sequence));
                let said: Vec<_> = said.collect();
                write!(f, "facts: ring {ring:?}, {:?}, of {said:?}", facts.change.settled)
            }
            MembershipMessage::Pushed { number } => write!(f, "has what push {number} told"),
            MembershipMessage::Register { base, message } => {
                let kind = format!("{message:?}");
                let kind = kind.split([' ', '(']).next().unwrap_or_default();
                write!(f, "{kind} after ring {}", base.0)
            }
        }
    }
}

/// Shows a time of the world in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub Instant);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

fn show_input(input: &Input, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match input {
        Input::Client(request) => show_operation(&request.operation, f),
        Input::Peer { message, .. } => show_message(message, f),
        Input::NotSent { to, message } => {
            write!(f, "not sent to {to}: ")?;
            show_message(message, f)
        }
        Input::View(view) => write!(f, "suspects {:?}", view.suspected),
        other => write!(f, "{other:?}"),
    }
}

fn show_operation(operation: &Operation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match operation {
        Operation::Get { key, quorum } => write!(f, "get {} {}", Short(key), Quorum(quorum)),
        Operation::Delete { key, quorum } => write!(f, "delete {} {}", Short(key), Quorum(quorum)),
        Operation::List(order) => write!(f, "list {:?}", order.partition),
        Operation::Put(order) => {
            let context = if order.context.is_some() { "with" } else { "without" };
            let quorum = Quorum(&order.quorum);
            write!(f, "put {} {context} a context {quorum}", Short(&order.key))
        }
    }
}

/// Shows a key, cut where it is long.
#[derive(Clone, Copy, Debug)]
pub struct Short<'a>(pub &'a ObjectKey);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.key().as_bytes().len() < 60 {
            return write!(f, "{}", self.0);
        }
        write!(f, "{:.60}…", self.0.to_string())
    }
}

struct Quorum<'a>(&'a stator_core::quorum::QuorumOptions);

impl fmt::Display for Quorum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.0;
        let levels =
            [("r", asked.r), ("pr", asked.pr), ("w", asked.w), ("pw", asked.pw), ("dw", asked.dw)];
        for (name, level) in levels {
            if let Some(level) = level {
                write!(f, "{name}={level} ")?;
            }
        }
        match asked.mode {
            Some(mode) => write!(f, "{mode:?}"),
            None => Ok(()),
        }
    }
}

/// Shows a frame in short.
pub(crate) fn show_message(message: &ShardMessage, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match message {
        ShardMessage::Replicate { request, key, state, .. } => {
            let (key, state) = (Short(key), Print(state.as_bytes()));
            write!(f, "Replicate {:x} {key} {state}", request.to_bits())
        }
        ShardMessage::Replicated { request, stage, .. } => match stage {
            Ok(AckStage::Durable) => write!(f, "Replicated {:x} durably", request.to_bits()),
            Ok(AckStage::Received) => write!(f, "Replicated {:x} in memory", request.to_bits()),
            Err(why) => write!(f, "Replicated {:x} refused: {why:?}", request.to_bits()),
        },
        ShardMessage::Read { request, key, wish, .. } => {
            write!(f, "Read {:x} {} {wish:?}", request.to_bits(), Short(key))
        }
        ShardMessage::ReadAnswered { request, answer, .. } => {
            write!(f, "ReadAnswered {:x} ", request.to_bits())?;
            match answer {
                ReadAnswer::State(Some(state)) => write!(f, "{}", Print(state.as_bytes())),
                other => write!(f, "{other:?}"),
            }
        }
        ShardMessage::ForwardPut { request, order, remaining, .. } => {
            let key = Short(&order.key);
            write!(f, "ForwardPut {:x} {key} {remaining:?} left", request.to_bits())
        }
        ShardMessage::PutAnswered { request, result } => {
            write!(f, "PutAnswered {:x} ", request.to_bits())?;
            match result {
                Ok(reply) => write!(f, "{:?}", reply.answered),
                Err(error) => write!(f, "{error}"),
            }
        }
        other => write!(f, "{other:?}"),
    }
}

fn show_reply(reply: &ClientReply, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match reply {
        Ok(Done::Got(got)) => {
            write!(f, "{} versions, digest {}", got.state.siblings().len(), got.digest)
        }
        Ok(Done::Written(reply)) => write!(f, "{:?}", reply.answered),
        Ok(Done::Listed(page)) => write!(f, "{} keys", page.entries.len()),
        Err(error) => write!(f, "{error}"),
    }
}

/// The fingerprint of an encoded state: its length and a hash of it, or of both ends of a long one.
struct Print<'a>(&'a [u8]);

impl fmt::Display for Print<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        let ends = bytes.len().min(512);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes[..ends]).update(&bytes[bytes.len() - ends..]);
        let hash = hasher.finalize();
        write!(f, "{}B:{}", bytes.len(), &hash.to_hex()[..12])
    }
}
