//! Records: a connection's plaintext, cut, encrypted and authenticated.
//!
//! A record is a length (u16, big-endian) and one Noise transport message: at most 65519 bytes of
//! plaintext (none at all is allowed) and 16 of authentication, under the cipher that both sides
//! agreed on ([`crate::cipher`]). Records of one direction are numbered, and the number is part of
//! what is authenticated.
//!
//! The rule: a record that was changed, repeated, left out or put in another order is an error, and
//! from then on the half that met it gives nothing any more. The connection must be closed.

mod key;

use std::fmt;

use bytes::{Buf, BufMut, BytesMut};
use snow::HandshakeState;

use self::key::Key;
use crate::cipher::Cipher;

/// The bytes of a record before its ciphertext.
const HEADER: usize = size_of::<u16>();
/// The bytes of authentication in each record.
const TAG: usize = 16;
/// What a record adds to its plaintext, in bytes.
pub const RECORD_OVERHEAD: usize = HEADER + TAG;
/// The longest Noise message.
const MAX_MESSAGE: usize = u16::MAX as usize;

/// The most plaintext in one record, in bytes.
pub const MAX_PLAINTEXT: usize = MAX_MESSAGE - TAG;

/// Why a connection can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// A record was damaged, forged, repeated or lost on the way.
    #[error(
        "what arrived is not what the peer sent (damaged or tampered with): the connection must be closed and made again"
    )]
    Damaged,
    /// Every number for records of this direction is used up (after 2^64 - 1 of them).
    #[error("the connection has carried as many records as it may: it must be made again")]
    Exhausted,
}

/// The two halves of an encrypted connection; each works without the other.
#[derive(Debug)]
pub struct Transport {
    /// What this node says.
    pub sealer: Sealer,
    /// What this node hears.
    pub opener: Opener,
}

impl Transport {
    /// The connection after a finished handshake.
    pub(crate) fn new(noise: HandshakeState, cipher: Cipher) -> Result<Self, snow::Error> {
        let (says, hears) = Key::pair(noise, cipher)?;
        Ok(Self {
            sealer: Sealer { key: says, next: 0 },
            opener: Opener { key: hears, next: 0, broken: None },
        })
    }
}

/// The half that encrypts.
pub struct Sealer {
    key: Key,
    /// The next record's number. It is never used twice, which all of the encryption rests on.
    next: u64,
}

impl Sealer {
    /// Appends `plaintext` to `out` as records. Of no plaintext it makes one empty record, which
    /// proves to the peer that this side is alive (see [`Opener::has_opened`]).
    ///
    /// After an error the half can't be used any more, and what it appended must not be sent.
    pub fn seal(&mut self, plaintext: &[u8], out: &mut BytesMut) -> Result<(), TransportError> {
        let records = plaintext.len().div_ceil(MAX_PLAINTEXT).max(1);
        out.reserve(plaintext.len() + records * (HEADER + TAG));
        if plaintext.is_empty() {
            return self.seal_record(&[], out);
        }
        plaintext.chunks(MAX_PLAINTEXT).try_for_each(|chunk| self.seal_record(chunk, out))
    }

    fn seal_record(&mut self, chunk: &[u8], out: &mut BytesMut) -> Result<(), TransportError> {
        out.put_u16((chunk.len() + TAG) as u16);
        self.key.seal(self.next, chunk, out)?;
        self.next += 1;
        Ok(())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The half that decrypts.
pub struct Opener {
    key: Key,
    next: u64,
    broken: Option<TransportError>,
}

impl Opener {
    /// Takes every whole record off the front of `raw` and appends its plaintext to `out`; what is
    /// left of `raw` is the beginning of a record (at most 64 KiB).
    ///
    /// After an error the half stays broken: it takes nothing more and gives the error again.
    /// Plaintext appended before the damaged record is genuine.
    pub fn feed(&mut self, raw: &mut BytesMut, out: &mut BytesMut) -> Result<(), TransportError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        // Room for all of it at once, also where it comes in many records.
        out.reserve(raw.len());
        while let Some(header) = raw.first_chunk::<HEADER>() {
            let len = usize::from(u16::from_be_bytes(*header));
            if raw.len() < HEADER + len {
                break;
            }
            let opened = self.open_record(&raw[HEADER..HEADER + len], out);
            self.broken = opened.err();
            opened?;
            raw.advance(HEADER + len);
        }
        Ok(())
    }

    /// Whether the peer has proved that it is alive and knows the secret: any record that opens
    /// does. Until then, what its hello said may be a recording that somebody plays back.
    pub const fn has_opened(&self) -> bool {
        self.next > 0
    }

    fn open_record(&mut self, record: &[u8], out: &mut BytesMut) -> Result<(), TransportError> {
        if self.next == u64::MAX {
            return Err(TransportError::Exhausted);
        }
        let start = out.len();
        let opened = self.key.open(self.next, record, out);
        if opened.is_err() {
            out.truncate(start);
            return opened;
        }
        self.next += 1;
        Ok(())
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { next, broken, .. } = self;
        f.debug_struct("Opener").field("next", next).field("broken", broken).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
