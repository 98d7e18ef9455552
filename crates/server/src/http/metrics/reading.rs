//! Everything that a page is made of, read at one moment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminDone, AdminRequest, ClusterStatus};
use stator_core::status::NodeStatus;
use stator_core::time::WallTime;
use stator_core::view::View;
use stator_node::NodeStats;

use super::page::Page;
use super::process::Process;
use super::{cluster, process, replicas, requests, staleness, store};
use crate::backend::Readiness;
use crate::clock;
use crate::http::front::Front;
use crate::http::staleness::{self as estimates, Document};

/// How long membership may take to tell of the cluster. Without it the page is written all the
/// same: a scrape that fails says less than one that lacks something.
const PATIENCE: Duration = Duration::from_secs(1);

/// A node at one moment.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) me: NodeId,
    pub(super) name: String,
    pub(super) is_ready: bool,
    /// After `condition` was asked for, which refreshes some of it.
    pub(super) stats: NodeStats,
    pub(super) condition: NodeStatus,
    pub(super) view: Arc<View>,
    /// At most some seconds old: it costs more than all else.
    pub(super) staleness: Arc<Document>,
    /// None if membership did not answer.
    pub(super) cluster: Option<ClusterStatus>,
    /// Answers of the HTTP door, by the first digit of their status.
    pub(super) responses: [u64; 5],
    /// None where the system does not tell.
    pub(super) process: Option<Process>,
    pub(super) at: WallTime,
}

impl Reading {
    pub(super) async fn take(front: &Front) -> Self {
        let backend = &front.backend;
        let status = backend.admin(AdminRequest::Status, PATIENCE);
        let (condition, status) = tokio::join!(backend.inspect(), status);
        Self {
            me: backend.me(),
            name: backend.name().to_owned(),
            is_ready: backend.readiness() == Readiness::Ready,
            stats: backend.stats(),
            condition,
            view: backend.view(),
            staleness: estimates::told(front).await,
            cluster: match status {
                Ok(AdminDone::Status(status)) => Some(status),
                _ => None,
            },
            responses: front.requests.responses(),
            process: Process::read(),
            at: clock::now(),
        }
    }
}

impl Collector for Reading {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        requests::write(self, &mut page)?;
        replicas::write(self, &mut page)?;
        staleness::write(self, &mut page)?;
        cluster::write(self, &mut page)?;
        store::write(self, &mut page)?;
        process::write(self, &mut page)
    }
}
