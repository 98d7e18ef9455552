//! Quorums that were asked for, and those that no answers can meet.

use prost::Message;
use stator_core::quorum::{ImpossibleQuorum, Level, QuorumMode, QuorumOptions};

use super::field::{Field, byte, known};
use crate::error::WireError;

/// Levels are numbers: a count up to 255 is itself, and words come after.
const ONE: u32 = 256;
const QUORUM: u32 = 257;
const ALL: u32 = 258;

const SLOPPY: u32 = 1;
const STRICT: u32 = 2;

/// The names that the core gives to quorums.
const NAMES: [&str; 6] = ["r", "pr", "w", "pw", "dw", "node_confirms"];

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct QuorumMessage {
    #[prost(uint32, optional, tag = "1")]
    r: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pr: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    w: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    pw: Option<u32>,
    #[prost(uint32, optional, tag = "5")]
    dw: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    node_confirms: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    mode: Option<u32>,
}

impl From<&QuorumOptions> for QuorumMessage {
    fn from(options: &QuorumOptions) -> Self {
        Self {
            r: options.r.map(from_level),
            pr: options.pr.map(from_level),
            w: options.w.map(from_level),
            pw: options.pw.map(from_level),
            dw: options.dw.map(from_level),
            node_confirms: options.node_confirms.map(from_level),
            mode: options.mode.map(|mode| match mode {
                QuorumMode::Sloppy => SLOPPY,
                QuorumMode::Strict => STRICT,
            }),
        }
    }
}

impl TryFrom<QuorumMessage> for QuorumOptions {
    type Error = WireError;

    fn try_from(message: QuorumMessage) -> Result<Self, WireError> {
        Ok(Self {
            r: level("quorum.r", message.r)?,
            pr: level("quorum.pr", message.pr)?,
            w: level("quorum.w", message.w)?,
            pw: level("quorum.pw", message.pw)?,
            dw: level("quorum.dw", message.dw)?,
            node_confirms: level("quorum.node_confirms", message.node_confirms)?,
            mode: message.mode.map(mode).transpose()?,
        })
    }
}

fn from_level(level: Level) -> u32 {
    match level {
        Level::Count(count) => u32::from(count),
        Level::One => ONE,
        Level::Quorum => QUORUM,
        Level::All => ALL,
    }
}

fn level(field: Field, value: Option<u32>) -> Result<Option<Level>, WireError> {
    let Some(value) = value else { return Ok(None) };
    match value {
        ONE => Ok(Some(Level::One)),
        QUORUM => Ok(Some(Level::Quorum)),
        ALL => Ok(Some(Level::All)),
        _ => match u8::try_from(value) {
            Ok(count) => Ok(Some(Level::Count(count))),
            Err(_) => Err(WireError::UnknownValue { field, value: value.into() }),
        },
    }
}

fn mode(value: u32) -> Result<QuorumMode, WireError> {
    match value {
        SLOPPY => Ok(QuorumMode::Sloppy),
        STRICT => Ok(QuorumMode::Strict),
        _ => Err(WireError::UnknownValue { field: "quorum.mode", value: value.into() }),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ImpossibleQuorumMessage {
    #[prost(oneof = "ImpossibleKind", tags = "1, 2, 3")]
    kind: Option<ImpossibleKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum ImpossibleKind {
    #[prost(message, tag = "1")]
    MoreThanReplicas(MoreThanReplicas),
    #[prost(message, tag = "2")]
    MoreThanWhole(MoreThanWhole),
    #[prost(string, tag = "3")]
    Zero(String),
}

#[derive(Clone, PartialEq, Message)]
struct MoreThanReplicas {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    asked: u32,
    #[prost(uint32, tag = "3")]
    n: u32,
}

#[derive(Clone, PartialEq, Message)]
struct MoreThanWhole {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    asked: u32,
    #[prost(string, tag = "3")]
    whole_name: String,
    #[prost(uint32, tag = "4")]
    whole: u32,
}

impl From<&ImpossibleQuorum> for ImpossibleQuorumMessage {
    fn from(impossible: &ImpossibleQuorum) -> Self {
        let kind = match *impossible {
            ImpossibleQuorum::MoreThanReplicas { name, asked, n } => {
                ImpossibleKind::MoreThanReplicas(MoreThanReplicas {
                    name: name.to_owned(),
                    asked: asked.into(),
                    n: n.into(),
                })
            }
            ImpossibleQuorum::MoreThanWhole { name, asked, whole_name, whole } => {
                ImpossibleKind::MoreThanWhole(MoreThanWhole {
                    name: name.to_owned(),
                    asked: asked.into(),
                    whole_name: whole_name.to_owned(),
                    whole: whole.into(),
                })
            }
            ImpossibleQuorum::Zero { name } => ImpossibleKind::Zero(name.to_owned()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<ImpossibleQuorumMessage> for ImpossibleQuorum {
    type Error = WireError;

    fn try_from(message: ImpossibleQuorumMessage) -> Result<Self, WireError> {
        match known("impossible_quorum.kind", message.kind)? {
            ImpossibleKind::MoreThanReplicas(part) => Ok(Self::MoreThanReplicas {
                name: name("impossible_quorum.name", &part.name)?,
                asked: byte("impossible_quorum.asked", part.asked)?,
                n: byte("impossible_quorum.n", part.n)?,
            }),
            ImpossibleKind::MoreThanWhole(part) => Ok(Self::MoreThanWhole {
                name: name("impossible_quorum.name", &part.name)?,
                asked: byte("impossible_quorum.asked", part.asked)?,
                whole_name: name("impossible_quorum.whole_name", &part.whole_name)?,
                whole: byte("impossible_quorum.whole", part.whole)?,
            }),
            ImpossibleKind::Zero(text) => {
                Ok(Self::Zero { name: name("impossible_quorum.name", &text)? })
            }
        }
    }
}

fn name(field: Field, text: &str) -> Result<&'static str, WireError> {
    NAMES.into_iter().find(|name| *name == text).ok_or(WireError::UnknownKind { field })
}
