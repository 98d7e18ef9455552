//! The ring, as clients are told it.

use std::collections::BTreeMap;
use std::time::Duration;

use stator_core::membership::admin::{
    AdminDone, AdminRequest, ClusterStatus, MemberState, MemberStatus,
};
use stator_core::request::RequestError;
use stator_core::view::View;
use stator_wire::client::{Answer, CallError, NodeAddresses, RingPicture};

use super::call::Asking;

/// Buckets with a number of replicas of their own that a client is told of. For others it takes the
/// ring's number: then it may ask a node that is no replica, which asks one.
const BUCKETS: usize = 10_000;

/// The cluster as the node sees it.
pub(super) async fn of(asking: &Asking, within: Duration) -> Result<Answer, CallError> {
    let reply = asking.front.backend.admin(AdminRequest::Status, within).await;
    match reply {
        Ok(AdminDone::Status(status)) => {
            let picture = draw(&status, &asking.front.backend.view());
            Ok(Answer::Ring(Box::new(picture)))
        }
        Ok(_) | Err(_) => Err(RequestError::Overloaded.into()),
    }
}

fn draw(status: &ClusterStatus, view: &View) -> RingPicture {
    let answers = |member: &&MemberStatus| {
        matches!(member.state, MemberState::Up | MemberState::Down | MemberState::Leaving)
    };
    let nodes: BTreeMap<_, _> = status
        .members
        .iter()
        .filter(answers)
        .map(|member| {
            let (native, http) = (member.addresses.peer.clone(), member.addresses.http.clone());
            (member.id, NodeAddresses { native, http })
        })
        .collect();
    let usual = status.ring.as_ref().map_or(0, |ring| ring.replicas);
    let replicas = view.buckets.iter().filter(|(_, fact)| fact.fixed.n != usual);
    RingPicture {
        ring: status.ring.as_deref().cloned(),
        nodes,
        suspected: view.suspected.keys().copied().collect(),
        replicas: replicas.take(BUCKETS).map(|(name, fact)| (name.clone(), fact.fixed.n)).collect(),
    }
}
