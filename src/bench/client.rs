//! One thread of the load: its connections, on a runtime of its own, so that nothing is handed from
//! thread to thread.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::future::join_all;
use stator_client::{RingClient, RingOptions};
use tokio::sync::oneshot;

use crate::bench::clock::MachineClock;
use crate::bench::door::{Door, HttpDoor, NativeDoor, Objects, RespDoor};
use crate::bench::pace::Pace;
use crate::bench::plan::{Doors, LoadPlan};
use crate::bench::tally::Tally;
use crate::bench::worker::{Work, Worker};
use crate::failure::Failure;

/// What a thread has in common with the others.
#[derive(Clone)]
pub(super) struct Share {
    pub(super) plan: Arc<LoadPlan>,
    pub(super) work: Arc<Work>,
    pub(super) objects: Objects,
}

/// A thread that has begun.
pub(super) struct ClientThread {
    /// How many keys could not be stored before the load begins.
    pub(super) missing: oneshot::Receiver<usize>,
    begin: oneshot::Sender<Arc<Pace>>,
    thread: JoinHandle<Result<Tally, Failure>>,
}

impl ClientThread {
    /// Starts the thread with this number; it stores missing keys and waits.
    pub(super) fn start(share: Share, number: usize) -> Result<Self, Failure> {
        let (filled, missing) = oneshot::channel();
        let (begin, begun) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(format!("bench-{number}"))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(no_thread)?;
                Ok(runtime.block_on(share.run(number, filled, begun)))
            })
            .map_err(no_thread)?;
        Ok(Self { missing, begin, thread })
    }

    /// Lets it begin.
    pub(super) fn begin(self, pace: Arc<Pace>) -> Running {
        // A thread that has ended early tells so when it is joined.
        let _ = self.begin.send(pace);
        Running(self.thread)
    }
}

fn no_thread(error: std::io::Error) -> Failure {
    Failure::new(format!("the system gives no threads: {error}"))
}

/// A thread that sends its part of the load.
pub(super) struct Running(JoinHandle<Result<Tally, Failure>>);

impl Running {
    /// Waits for its end.
    pub(super) async fn tally(self) -> Result<Tally, Failure> {
        let joined = tokio::task::spawn_blocking(|| self.0.join()).await;
        match joined {
            Ok(Ok(tally)) => tally,
            _ => Err(Failure::new("a thread of the load ended early")),
        }
    }
}

impl Share {
    async fn run(
        self,
        number: usize,
        filled: oneshot::Sender<usize>,
        begun: oneshot::Receiver<Arc<Pace>>,
    ) -> Tally {
        let plan = self.plan.clone();
        let numbers = (number..plan.conns.get()).step_by(plan.threads.get());
        match &plan.doors {
            Doors::Http(endpoints) => {
                let door = |number: usize| {
                    HttpDoor::new(endpoints[number % endpoints.len()].clone(), self.objects.clone())
                };
                self.drive(numbers, door, filled, begun).await
            }
            Doors::Resp(doors) => {
                let door = |number: usize| {
                    let address = doors.addresses[number % doors.addresses.len()].clone();
                    RespDoor::new(address, doors.dbnum, doors.wait, self.objects.clone())
                };
                self.drive(numbers, door, filled, begun).await
            }
            Doors::Native(endpoints, key) => {
                let mut options =
                    RingOptions::new(endpoints[0].clone()).with_key(Some(key.clone()));
                options.endpoints = endpoints.clone();
                let client = RingClient::new(options);
                let door = |_| NativeDoor::new(client.clone(), self.objects.clone());
                self.drive(numbers, door, filled, begun).await
            }
        }
    }

    async fn drive<D: Door>(
        &self,
        numbers: impl Iterator<Item = usize>,
        door: impl Fn(usize) -> D,
        filled: oneshot::Sender<usize>,
        begun: oneshot::Receiver<Arc<Pace>>,
    ) -> Tally {
        let clock = MachineClock::default();
        let worker = |number: usize| {
            let worker = Worker::new(self.work.clone(), door(number), clock.clone(), number as u64);
            (number, worker)
        };
        let mut workers: Vec<_> = numbers.map(worker).collect();
        if self.fill(&mut workers, filled).await.is_break() {
            return Tally::default();
        }
        // Whoever lets nobody begin has failed, and said why.
        let Ok(pace) = begun.await else { return Tally::default() };
        let running = workers.into_iter().map(|(_, worker)| worker.run(pace.clone()));
        let tallies = tokio::select! {
            biased;
            tallies = join_all(running) => tallies,
            never = clock.run() => match never {},
        };
        let mut whole = Tally::default();
        for tally in &tallies {
            whole.absorb(tally);
        }
        whole
    }

    async fn fill<D: Door>(
        &self,
        workers: &mut [(usize, Worker<D, MachineClock>)],
        filled: oneshot::Sender<usize>,
    ) -> ControlFlow<()> {
        let mut missing = 0;
        if self.plan.fill {
            let keys = |number: usize| {
                (number as u32..self.plan.keys.get()).step_by(self.plan.conns.get())
            };
            let filling = workers.iter_mut().map(|(number, worker)| worker.fill(keys(*number)));
            missing = join_all(filling).await.into_iter().sum();
        }
        match filled.send(missing) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}
