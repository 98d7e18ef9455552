//! The doors over a real loopback socket, with a node behind them that only records what it is
//! asked: HTTP here, the Redis protocol in `resp`.

mod bad_input;
mod bucket;
mod client;
mod cluster;
mod connection;
mod fake;
mod guard;
mod listing;
mod locate;
mod metrics;
mod node;
mod reading;
mod request_ids;
mod resp;
mod writing;
