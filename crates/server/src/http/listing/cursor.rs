//! A place in a listing as clients hold it: the stored key, in base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stator_core::request::ListPosition;
use stator_core::token::Token;

use super::super::problem::{Problem, kind};

/// A position as text.
pub(super) fn write(position: &ListPosition) -> String {
    URL_SAFE_NO_PAD.encode(&position.0)
}

/// A position from text, and the token that it begins with.
pub(super) fn read(text: &str) -> Result<(Token, ListPosition), Problem> {
    let invalid = || {
        let detail = "after= is no cursor: send one that a line of a listing gave, unchanged";
        Problem::new(kind::CURSOR_INVALID, detail)
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    let token = bytes.first_chunk::<16>().ok_or_else(invalid)?;
    Ok((Token::new(u128::from_be_bytes(*token)), ListPosition(bytes.into())))
}
