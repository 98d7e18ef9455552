//! The door of native clients.

mod bounds;
mod calls;
mod client;
mod gated;
mod sessions;
mod strangers;
