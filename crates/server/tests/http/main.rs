//! The doors over a real loopback socket, with a node behind them that only records what it is
//! asked: HTTP here, the Redis protocol in `resp`, native clients in `native`.

mod bad_input;
mod batch;
mod bucket;
mod client;
mod cluster;
mod connection;
mod console;
mod fake;
mod gated;
mod guard;
mod hostile;
mod listing;
mod locate;
mod metrics;
mod native;
mod node;
mod openapi;
mod reading;
mod replica;
mod request_ids;
mod resp;
mod staleness;
mod top;
mod writing;
