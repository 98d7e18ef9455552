//! The words that shards' messages use, as numbers. 0 stands for none, so that a word that was left
//! out is told from the first.

use stator_core::message::{AckStage, AckWish, ReadWish, ReplicateRefusal};
use stator_core::transfer::MoveLevel;

use crate::error::WireError;

pub(super) const fn from_ack_wish(wish: AckWish) -> u32 {
    match wish {
        AckWish::Durable => 1,
        AckWish::ReceivedAndDurable => 2,
    }
}

pub(super) fn ack_wish(code: u32) -> Result<AckWish, WireError> {
    match code {
        1 => Ok(AckWish::Durable),
        2 => Ok(AckWish::ReceivedAndDurable),
        _ => Err(WireError::UnknownValue { field: "replicate.acks", value: code.into() }),
    }
}

pub(super) const fn from_stage(stage: AckStage) -> u32 {
    match stage {
        AckStage::Received => 1,
        AckStage::Durable => 2,
    }
}

pub(super) fn stage(code: u32) -> Result<AckStage, WireError> {
    match code {
        1 => Ok(AckStage::Received),
        2 => Ok(AckStage::Durable),
        _ => Err(WireError::UnknownValue { field: "replicated.stage", value: code.into() }),
    }
}

pub(super) const fn from_refusal(refusal: ReplicateRefusal) -> u32 {
    match refusal {
        ReplicateRefusal::StaleRing => 1,
        ReplicateRefusal::Undecodable => 2,
        ReplicateRefusal::Overloaded => 3,
        ReplicateRefusal::Damaged => 4,
        ReplicateRefusal::DiskReserve => 5,
        ReplicateRefusal::HintsFull => 6,
        ReplicateRefusal::EarlierRound => 7,
        ReplicateRefusal::Behind(_) => BEHIND,
    }
}

/// A refusal that carries a footing beside it.
pub(super) const BEHIND: u32 = 8;

/// 0 where nothing moves, which is what a peer says that knows nothing of levels.
pub(super) const fn from_move_level(level: MoveLevel) -> u32 {
    match level {
        MoveLevel::New => 0,
        MoveLevel::Old => 1,
        MoveLevel::Both => 2,
        MoveLevel::ReadNew => 3,
    }
}

pub(super) fn move_level(code: u32) -> Result<MoveLevel, WireError> {
    match code {
        0 => Ok(MoveLevel::New),
        1 => Ok(MoveLevel::Old),
        2 => Ok(MoveLevel::Both),
        3 => Ok(MoveLevel::ReadNew),
        _ => Err(WireError::UnknownValue { field: "footing.level", value: code.into() }),
    }
}

pub(super) fn refusal(code: u32) -> Result<ReplicateRefusal, WireError> {
    match code {
        1 => Ok(ReplicateRefusal::StaleRing),
        2 => Ok(ReplicateRefusal::Undecodable),
        3 => Ok(ReplicateRefusal::Overloaded),
        4 => Ok(ReplicateRefusal::Damaged),
        5 => Ok(ReplicateRefusal::DiskReserve),
        6 => Ok(ReplicateRefusal::HintsFull),
        7 => Ok(ReplicateRefusal::EarlierRound),
        _ => Err(WireError::UnknownValue { field: "replicated.refusal", value: code.into() }),
    }
}

pub(super) const fn from_read_wish(wish: ReadWish) -> u32 {
    match wish {
        ReadWish::State => 1,
        ReadWish::Digest => 2,
    }
}

pub(super) fn read_wish(code: u32) -> Result<ReadWish, WireError> {
    match code {
        1 => Ok(ReadWish::State),
        2 => Ok(ReadWish::Digest),
        _ => Err(WireError::UnknownValue { field: "read.wish", value: code.into() }),
    }
}
