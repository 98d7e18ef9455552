//! TCP connections: reading, carrying out, writing back.
//!
//! One task serves a connection. It takes commands from what has come and lets those go on at a
//! time that don't meet on a key ([`super::batch`]); while they do it reads nothing more, so a
//! client that asks faster than it is answered, or that does not read its answers, waits on its own
//! socket and holds what one batch may hold. Silence in the midst of a command, and a reader that
//! takes nothing, end the connection; nobody else notices.

mod stream;

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::stream::{Stream, Waits};
use super::RespConfig;
use super::batch::Batch;
use super::call::Call;
use super::client::{Client, Transaction};
use super::commands::transaction;
use super::failure::{Answer, Failure};
use super::front::{Front, Shared};
use super::reply::{HeldValue, Reply};
use super::request::{Parser, Request, Taken};
use super::table::{Answerer, Command};
use super::window::Window;
use crate::backend::Backend;
use crate::listener::{self, ConnectionLimits};
use crate::memory::Part;

/// Replies are sent once there are so many bytes of them, or once there is nothing more to do.
const SENT_AT: usize = 64 * 1024;

/// What a connection may hold of requests before it takes its part of the door's memory.
const FREE_BYTES: usize = 16 * 1024;

/// Serves the Redis protocol until `shutdown` resolves, then lets commands under way end.
pub async fn serve(
    listener: TcpListener,
    backend: impl Backend,
    config: RespConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_within(ConnectionLimits::default(), listener, backend, config, shutdown).await
}

/// [`serve`] within other limits.
pub async fn serve_within(
    limits: ConnectionLimits,
    listener: TcpListener,
    backend: impl Backend,
    config: RespConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let front = Front::new(backend, config, limits);
    let mut connections = JoinSet::new();
    let (open, closing) = watch::channel(());
    let serve = |stream| {
        let connection = Connection::new(Arc::clone(&front), stream, closing.clone());
        async move {
            if let Err(error) = connection.serve().await {
                tracing::debug!(%error, "a connection of the Redis protocol ended early");
            }
        }
    };
    let runtime = || front.backend.runtime();
    listener::accept(&listener, limits, &mut connections, shutdown, refuse, runtime, serve).await;
    drop((listener, open));
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, ended).await.is_err() {
        tracing::warn!("commands that did not end in time are cut off");
    }
    connections.shutdown().await;
    Ok(())
}

/// Tells a client that there is no room, as far as that can be told without waiting.
fn refuse(stream: &TcpStream) {
    // A client that can't take these bytes at once learns it from the close alone.
    let _ = stream.try_write(b"-ERR max number of clients reached\r\n");
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    On,
    Away,
}

/// One connection.
struct Connection {
    front: Shared,
    stream: Stream,
    client: Client,
    parser: Parser,
    /// What has come and is not taken yet.
    read: BytesMut,
    /// Replies that are not sent yet.
    written: BytesMut,
    batch: Batch,
    window: Arc<Window>,
    /// The part of the door's memory that what was read takes.
    part: Option<Part>,
}

impl Connection {
    fn new(front: Shared, stream: TcpStream, closing: watch::Receiver<()>) -> Self {
        Self {
            stream: Stream::new(stream, front.limits, closing),
            client: Client::new(front.next_client()),
            parser: Parser::new(front.request_limits()),
            read: BytesMut::new(),
            written: BytesMut::new(),
            batch: Batch::default(),
            window: Arc::new(Window::new()),
            part: None,
            front,
        }
    }

    async fn serve(mut self) -> io::Result<()> {
        loop {
            if self.turn().await? == Goes::Away {
                return Ok(());
            }
            let waits = if self.parser.is_under_way() || !self.read.is_empty() {
                Waits::ForTheRest
            } else {
                self.rest();
                Waits::ForACommand
            };
            if self.stream.read(&mut self.read, waits).await? == 0 {
                return Ok(());
            }
            if !self.has_memory() {
                return self.leave(Failure::no_memory()).await;
            }
        }
    }

    /// Lets go of what a large request has left behind.
    fn rest(&mut self) {
        self.part = None;
        if self.read.capacity() > SENT_AT {
            self.read = BytesMut::new();
        }
    }

    /// Carries out all commands that have come, and sends their replies.
    async fn turn(&mut self) -> io::Result<Goes> {
        loop {
            match self.parser.next(&mut self.read) {
                Ok(Some(Taken::Request(request))) => self.take(request).await?,
                Ok(Some(Taken::Excess(excess))) => {
                    self.settle().await?;
                    self.answer(Err(Failure::err(excess))).await?;
                }
                Ok(None) => break,
                Err(error) => {
                    self.settle().await?;
                    self.leave(Failure::err(error)).await?;
                    return Ok(Goes::Away);
                }
            }
            if self.client.leaves {
                self.send().await?;
                return Ok(Goes::Away);
            }
        }
        self.settle().await?;
        self.send().await?;
        Ok(Goes::On)
    }

    /// Takes up a command: at once, or after those that it must not overtake.
    async fn take(&mut self, request: Request) -> io::Result<()> {
        self.front.count_command();
        let Request { arguments } = request;
        let command = match Command::of(&arguments) {
            Ok(command) => command,
            Err(failure) => return self.answer_in_turn(Err(failure), &arguments).await,
        };
        let is_in_transaction = self.client.transaction == Transaction::Refused;
        if is_in_transaction && !transaction::goes_on_after_multi(command.name) {
            let failure = transaction::not_carried_out(command.name);
            return self.answer_in_turn(Err(failure), &arguments).await;
        }
        match command.answerer {
            Answerer::Connection(answer) => {
                self.settle().await?;
                let answer = answer(&self.front, &mut self.client, &arguments);
                self.answer(answer).await
            }
            Answerer::Nobody(needs) => {
                let failure = Failure::err(format!("{} {needs}", command.name));
                self.answer_in_turn(Err(failure), &arguments).await
            }
            Answerer::Node(access, answer) => {
                let touched = command.touched(access, self.client.database, &arguments);
                if !self.batch.has_room_for(&touched) {
                    self.settle().await?;
                }
                let call = Call {
                    front: Arc::clone(&self.front),
                    arguments: arguments.into(),
                    database: self.client.database,
                    window: Arc::clone(&self.window),
                };
                self.batch.add(touched, answer(call));
                Ok(())
            }
        }
    }

    /// Answers a command that nobody carries out, after those before it.
    async fn answer_in_turn(
        &mut self,
        answer: Answer,
        arguments: &[bytes::Bytes],
    ) -> io::Result<()> {
        self.settle().await?;
        // A page in a browser can make it send a form here: its head must not be taken for
        // commands. Redis closes on these two words as well.
        let first = arguments.first().map(|name| &name[..]).unwrap_or_default();
        if first.eq_ignore_ascii_case(b"POST") || first.eq_ignore_ascii_case(b"HOST:") {
            tracing::warn!("a connection that speaks HTTP to the Redis protocol's port is closed");
            self.client.leaves = true;
        }
        self.answer(answer).await
    }

    /// Lets all commands under way end, and writes their replies down.
    async fn settle(&mut self) -> io::Result<()> {
        while let Some(answer) = self.batch.next().await {
            self.answer(answer).await?;
        }
        Ok(())
    }

    /// Writes a reply down, and sends what there is if that is much. The reply, and with it its part
    /// of the memory, lives until then.
    async fn answer(&mut self, answer: Answer) -> io::Result<()> {
        let reply: Reply = answer.unwrap_or_else(Failure::into_reply);
        if let Reply::Value(value) = &reply
            && value.bytes().len() >= SENT_AT
        {
            // As it is, without a copy of it.
            value.write_head(&mut self.written);
            self.stream.write(&mut self.written).await?;
            self.stream.write(&mut value.bytes().clone()).await?;
            HeldValue::write_end(&mut self.written);
            return Ok(());
        }
        reply.write(self.client.protocol, &mut self.written);
        if self.written.len() >= SENT_AT {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends what is written down.
    async fn send(&mut self) -> io::Result<()> {
        self.stream.write(&mut self.written).await?;
        if self.written.capacity() > 2 * SENT_AT {
            self.written = BytesMut::new();
        }
        Ok(())
    }

    /// Says why, and ends the connection in such a way that its client can read it.
    async fn leave(&mut self, failure: Failure) -> io::Result<()> {
        failure.into_reply().write(self.client.protocol, &mut self.written);
        self.send().await?;
        self.stream.throw_away_the_rest().await;
        Ok(())
    }

    /// Whether what was read has its part of the door's memory.
    fn has_memory(&mut self) -> bool {
        let held = self.parser.held() + self.read.len();
        let Some(beyond) = held.checked_sub(FREE_BYTES).filter(|&beyond| beyond > 0) else {
            return true;
        };
        if let Some(part) = &mut self.part {
            return part.grow_to(beyond, &self.front.memory);
        }
        self.part = self.front.memory.take(beyond);
        self.part.is_some()
    }
}
