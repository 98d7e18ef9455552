//! Changes of the ring that are staged and not committed yet.

use prost::Message;
use stator_core::identity::NodeId;
use stator_core::membership::facts::{StageSlot, StagedChange, StagedFact};

use super::bucket::{MomentMessage, moment};
use super::field::known;
use super::ring::weight;
use crate::error::WireError;

const MEMBERSHIP: u32 = 1;
const WEIGHT: u32 = 2;
const ZONE: u32 = 3;

#[derive(Clone, PartialEq, Message)]
pub(super) struct StagedEntry {
    #[prost(fixed64, tag = "1")]
    node: u64,
    #[prost(uint32, tag = "2")]
    slot: u32,
    #[prost(message, optional, tag = "3")]
    at: Option<MomentMessage>,
    /// Absent if what was staged was discarded.
    #[prost(message, optional, tag = "4")]
    change: Option<ChangeMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct ChangeMessage {
    #[prost(oneof = "ChangeKind", tags = "1, 2, 3, 4, 5, 6")]
    kind: Option<ChangeKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum ChangeKind {
    #[prost(message, tag = "1")]
    Join(Join),
    #[prost(message, tag = "2")]
    Leave(()),
    #[prost(message, tag = "3")]
    RemoveDead(()),
    #[prost(fixed64, tag = "4")]
    ReplaceBy(u64),
    #[prost(uint32, tag = "5")]
    Weight(u32),
    #[prost(string, tag = "6")]
    Zone(String),
}

#[derive(Clone, PartialEq, Message)]
struct Join {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    zone: String,
    #[prost(uint32, tag = "3")]
    weight: u32,
}

impl From<(&(NodeId, StageSlot), &StagedFact)> for StagedEntry {
    fn from(((node, slot), fact): (&(NodeId, StageSlot), &StagedFact)) -> Self {
        let slot = match slot {
            StageSlot::Membership => MEMBERSHIP,
            StageSlot::Weight => WEIGHT,
            StageSlot::Zone => ZONE,
        };
        let change = fact.change.as_ref().map(ChangeMessage::from);
        Self { node: node.get(), slot, at: Some(fact.at.into()), change }
    }
}

impl TryFrom<StagedEntry> for ((NodeId, StageSlot), StagedFact) {
    type Error = WireError;

    fn try_from(entry: StagedEntry) -> Result<Self, WireError> {
        let slot = match entry.slot {
            MEMBERSHIP => StageSlot::Membership,
            WEIGHT => StageSlot::Weight,
            ZONE => StageSlot::Zone,
            other => {
                let (field, value) = ("staged.slot", other.into());
                return Err(WireError::UnknownValue { field, value });
            }
        };
        let change = entry.change.map(StagedChange::try_from).transpose()?;
        if change.as_ref().is_some_and(|change| change.slot() != slot) {
            return Err(WireError::WrongSlot { field: "staged.change" });
        }
        let at = moment("staged.at", entry.at)?;
        Ok(((NodeId::new(entry.node), slot), StagedFact { at, change }))
    }
}

impl From<&StagedChange> for ChangeMessage {
    fn from(change: &StagedChange) -> Self {
        let kind = match change {
            StagedChange::Join { name, zone, weight } => ChangeKind::Join(Join {
                name: name.clone(),
                zone: zone.clone(),
                weight: weight.get(),
            }),
            StagedChange::Leave => ChangeKind::Leave(()),
            StagedChange::RemoveDead => ChangeKind::RemoveDead(()),
            StagedChange::ReplaceBy(node) => ChangeKind::ReplaceBy(node.get()),
            StagedChange::Weight(weight) => ChangeKind::Weight(weight.get()),
            StagedChange::Zone(zone) => ChangeKind::Zone(zone.clone()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<ChangeMessage> for StagedChange {
    type Error = WireError;

    fn try_from(message: ChangeMessage) -> Result<Self, WireError> {
        Ok(match known("staged.change", message.kind)? {
            ChangeKind::Join(Join { name, zone, weight: number }) => {
                Self::Join { name, zone, weight: weight("staged.join.weight", number)? }
            }
            ChangeKind::Leave(()) => Self::Leave,
            ChangeKind::RemoveDead(()) => Self::RemoveDead,
            ChangeKind::ReplaceBy(node) => Self::ReplaceBy(NodeId::new(node)),
            ChangeKind::Weight(number) => Self::Weight(weight("staged.weight", number)?),
            ChangeKind::Zone(zone) => Self::Zone(zone),
        })
    }
}
