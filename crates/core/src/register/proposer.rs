//! stub
/// stub
#[derive(Debug)]
pub struct Proposer;
/// stub
#[derive(Debug)]
pub struct ProposerStep;
