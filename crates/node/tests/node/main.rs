//! Whole nodes in one process: real threads, sockets on loopback, and files in temporary
//! directories.

mod clients;
mod cluster;
mod damage;
mod lifecycle;
mod log;
mod peer_port;
mod refusals;
mod relay;
mod rig;
mod upgrade;
