//! The key of one direction of a connection: it seals and opens one numbered record at a time.

use std::sync::Arc;

use aes_gcm::aead::{AeadInOut, KeyInit, Nonce};
use aes_gcm::{Aes256Gcm, Tag};
use bytes::BytesMut;
use snow::{HandshakeState, StatelessTransportState};

use super::{TAG, TransportError};
use crate::cipher::Cipher;

/// How many records one key of AES-256-GCM seals, before both sides go on to the next. What they
/// reveal grows with the square of the blocks under one key: this many full records are 2^36 of
/// them, which leaves an attacker odds of 2^-57 (RFC 8446, section 5.5, has the same bound).
const RECORDS_PER_KEY: u64 = 1 << 24;

/// The key of one direction.
#[cfg_attr(test, derive(Clone))]
pub(super) enum Key {
    /// Noise's own cipher for this handshake; the state holds both directions' keys.
    ChaChaPoly(Arc<StatelessTransportState>),
    /// Keys that the handshake made, used as Noise would use them with AESGCM.
    AesGcm(Box<AesKey>),
}

impl Key {
    /// The keys of a finished handshake: for what this side says, and for what it hears.
    pub(super) fn pair(
        mut noise: HandshakeState,
        cipher: Cipher,
    ) -> Result<(Self, Self), snow::Error> {
        if !noise.is_handshake_finished() {
            return Err(snow::error::StateProblem::HandshakeNotFinished.into());
        }
        match cipher {
            Cipher::ChaChaPoly => {
                let state = Arc::new(noise.into_stateless_transport_mode()?);
                Ok((Self::ChaChaPoly(Arc::clone(&state)), Self::ChaChaPoly(state)))
            }
            Cipher::AesGcm => {
                let (dialler, accepter) = noise.dangerously_get_raw_split();
                let (dialler, accepter) = (Self::aes(&dialler), Self::aes(&accepter));
                Ok(if noise.is_initiator() { (dialler, accepter) } else { (accepter, dialler) })
            }
        }
    }

    fn aes(key: &[u8; 32]) -> Self {
        Self::AesGcm(Box::new(AesKey::new(key)))
    }

    /// Appends the ciphertext of one record, at most [`super::MAX_PLAINTEXT`] bytes of plaintext.
    pub(super) fn seal(
        &mut self,
        number: u64,
        plaintext: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), TransportError> {
        let start = out.len();
        match self {
            Self::ChaChaPoly(state) => {
                out.resize(start + plaintext.len() + TAG, 0);
                let sealed = state.write_message(number, plaintext, &mut out[start..]);
                // The size fits by construction, so that a number out of range is the only failure.
                sealed.map_err(|_| TransportError::Exhausted)?;
            }
            Self::AesGcm(key) => {
                out.extend_from_slice(plaintext);
                let tag = key.seal(number, &mut out[start..])?;
                out.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Appends the plaintext of one record. What it appended is worth nothing after an error.
    pub(super) fn open(
        &mut self,
        number: u64,
        record: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), TransportError> {
        let Some((ciphertext, tag)) = record.split_last_chunk::<TAG>() else {
            return Err(TransportError::Damaged);
        };
        let start = out.len();
        match self {
            Self::ChaChaPoly(state) => {
                out.resize(start + ciphertext.len(), 0);
                let opened = state.read_message(number, record, &mut out[start..]);
                opened.map(|_| ()).map_err(|_| TransportError::Damaged)
            }
            Self::AesGcm(key) => {
                out.extend_from_slice(ciphertext);
                key.open(number, &mut out[start..], tag.into())
            }
        }
    }
}

/// A key of AES-256-GCM, and those that follow it.
///
/// As in the Noise specification (revision 34): the nonce is the record's number, big-endian, after
/// four zeros (section 12.4); the next key is what this one makes of 32 zeros under the highest number
/// (sections 4.2 and 11.3), which no record has.
#[cfg_attr(test, derive(Clone))]
pub(super) struct AesKey {
    cipher: Aes256Gcm,
}

impl AesKey {
    fn new(key: &[u8; 32]) -> Self {
        Self { cipher: Aes256Gcm::new(key.into()) }
    }

    fn seal(&mut self, number: u64, record: &mut [u8]) -> Result<Tag, TransportError> {
        if number == u64::MAX {
            return Err(TransportError::Exhausted);
        }
        self.turn(number);
        let sealed = self.cipher.encrypt_inout_detached(&nonce(number), b"", record.into());
        Ok(sealed.expect("a record is far below 64 GiB, the most that GCM seals at once"))
    }

    fn open(&mut self, number: u64, record: &mut [u8], tag: &Tag) -> Result<(), TransportError> {
        self.turn(number);
        let opened = self.cipher.decrypt_inout_detached(&nonce(number), b"", record.into(), tag);
        opened.map_err(|_| TransportError::Damaged)
    }

    /// Goes on to the next key if this is the first record that is not for the present one.
    fn turn(&mut self, number: u64) {
        if number == 0 || !number.is_multiple_of(RECORDS_PER_KEY) {
            return;
        }
        let mut next = [0; 32];
        let made =
            self.cipher.encrypt_inout_detached(&nonce(u64::MAX), b"", next.as_mut_slice().into());
        made.expect("32 bytes are far below the most that GCM seals at once");
        *self = Self::new(&next);
    }
}

fn nonce(number: u64) -> Nonce<Aes256Gcm> {
    let mut nonce = Nonce::<Aes256Gcm>::default();
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests;
