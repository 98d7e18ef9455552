//! `stator`: the server, the client and the demo in one binary.

mod bench;
mod cli;
mod commands;
mod config;
mod demo;
mod exit;
mod failure;
mod key_format;
mod logs;
mod open_files;
mod output;
mod signals;
mod survey;
mod traces;
mod verify;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    }
}
