//! A context as text: base64url. Written without padding and read with or without it.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use stator_core::context::SealedContext;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A context as text.
pub(crate) fn text(context: &SealedContext) -> String {
    URL_SAFE_NO_PAD.encode(&context.0)
}

/// A context from its text; none if it is not base64url.
pub(crate) fn read(text: &[u8]) -> Option<SealedContext> {
    LENIENT.decode(text).ok().map(|bytes| SealedContext(bytes.into()))
}
