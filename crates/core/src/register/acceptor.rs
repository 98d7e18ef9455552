//! stub
/// stub
#[derive(Debug)]
pub struct Acceptor;
