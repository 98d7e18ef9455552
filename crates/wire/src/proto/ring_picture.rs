//! The cluster as a node tells it to clients.

use bytes::Bytes;
use prost::Message;
use stator_core::identity::NodeId;

use super::field::{bucket, positive_byte};
use super::ring::RingMessage;
use crate::client::{NodeAddresses, RingPicture};
use crate::error::WireError;

#[derive(Clone, PartialEq, Message)]
pub(super) struct RingPictureMessage {
    #[prost(message, optional, tag = "1")]
    ring: Option<RingMessage>,
    #[prost(message, repeated, tag = "2")]
    nodes: Vec<NodeMessage>,
    #[prost(fixed64, repeated, tag = "3")]
    suspected: Vec<u64>,
    #[prost(message, repeated, tag = "4")]
    replicas: Vec<ReplicasMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeMessage {
    #[prost(fixed64, tag = "1")]
    node: u64,
    #[prost(string, tag = "2")]
    native: String,
    #[prost(string, tag = "3")]
    http: String,
}

#[derive(Clone, PartialEq, Message)]
struct ReplicasMessage {
    #[prost(bytes = "bytes", tag = "1")]
    bucket: Bytes,
    #[prost(uint32, tag = "2")]
    n: u32,
}

impl From<&RingPicture> for RingPictureMessage {
    fn from(picture: &RingPicture) -> Self {
        let node = |(node, addresses): (&NodeId, &NodeAddresses)| NodeMessage {
            node: node.get(),
            native: addresses.native.clone(),
            http: addresses.http.clone(),
        };
        let replicas = picture
            .replicas
            .iter()
            .map(|(bucket, &n)| ReplicasMessage { bucket: bucket.as_bytes().clone(), n: n.into() });
        Self {
            ring: picture.ring.as_ref().map(RingMessage::from),
            nodes: picture.nodes.iter().map(node).collect(),
            suspected: picture.suspected.iter().map(|node| node.get()).collect(),
            replicas: replicas.collect(),
        }
    }
}

impl TryFrom<RingPictureMessage> for RingPicture {
    type Error = WireError;

    fn try_from(message: RingPictureMessage) -> Result<Self, WireError> {
        let node = |NodeMessage { node, native, http }| {
            (NodeId::new(node), NodeAddresses { native, http })
        };
        let replicas = message.replicas.into_iter().map(|ReplicasMessage { bucket: name, n }| {
            Ok((bucket("ring_picture.bucket", name)?, positive_byte("ring_picture.n", n)?))
        });
        Ok(Self {
            ring: message.ring.map(TryInto::try_into).transpose()?,
            nodes: message.nodes.into_iter().map(node).collect(),
            suspected: message.suspected.into_iter().map(NodeId::new).collect(),
            replicas: replicas.collect::<Result<_, WireError>>()?,
        })
    }
}
