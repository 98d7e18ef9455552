//! The commands, one file each.

mod bucket;
mod cluster;
mod completions;
mod delete;
mod export;
mod files;
mod get;
mod import;
mod keys;
mod locate;
mod man;
mod put;
mod secret;
mod serve;
mod verify;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{bench, demo};

/// What a command ends with.
pub(crate) type Ended = Result<Exit, Failure>;

/// Carries out what was typed.
pub(crate) fn run(cli: Cli) -> Ended {
    match cli.command {
        Command::Secret(args) => secret::run(&args),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { command } => man::run(command.as_deref()),
        command => runtime()?.block_on(run_connected(command)),
    }
}

async fn run_connected(command: Command) -> Ended {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => serve::run(*args).await,
        Command::Get(args) => get::run(args).await,
        Command::Put(args) => put::run(args).await,
        Command::Delete(args) => delete::run(args).await,
        Command::Locate(args) => locate::run(args).await,
        Command::Keys(args) => keys::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Bucket(command) => bucket::run(command).await,
        Command::Cluster(command) => cluster::run(command).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Bench(args) => bench::run(*args).await,
        Command::Secret(args) => secret::run(&args),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { command } => man::run(command.as_deref()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the system gives no threads: {error}")))
}
