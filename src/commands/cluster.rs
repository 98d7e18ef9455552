//! `stator cluster`: the members, and the staged way of changing them.

mod plan;
mod status;

use serde_json::json;
use stator_client::StageRequest;

use crate::cli::{ClusterCommand, Connection};
use crate::commands::Ended;
use crate::exit::Exit;
use crate::output;

/// Looks at the cluster, or changes what is staged or committed.
pub(super) async fn run(command: ClusterCommand) -> Ended {
    match command {
        ClusterCommand::Status { watch, connection } => status::run(watch, connection).await,
        ClusterCommand::Plan(only) => plan::run(only.connection).await,
        ClusterCommand::Commit { version, connection } => commit(version, connection).await,
        ClusterCommand::Discard(only) => discard(only.connection).await,
        ClusterCommand::Leave { node, connection } => {
            stage(StageRequest::Leave { node }, connection).await
        }
        ClusterCommand::Replace { old, new, connection } => {
            stage(StageRequest::Replace { node: old, by: new }, connection).await
        }
        ClusterCommand::Remove { dead, connection } => {
            stage(StageRequest::Remove { node: dead }, connection).await
        }
        ClusterCommand::Weight { node, weight, connection } => {
            stage(StageRequest::Weight { node, weight }, connection).await
        }
        ClusterCommand::Zone { node, zone, connection } => {
            stage(StageRequest::Zone { node, zone }, connection).await
        }
    }
}

async fn commit(version: u64, connection: Connection) -> Ended {
    let committed = connection.administrator()?.commit(version).await?;
    if connection.json {
        output::json(&committed)?;
    } else {
        output::line(&format!(
            "ring version {version} was chosen; see `stator cluster status` for the transition"
        ))?;
    }
    Ok(Exit::Done)
}

async fn discard(connection: Connection) -> Ended {
    connection.administrator()?.discard().await?;
    done(&connection, "nothing is staged any more")
}

async fn stage(change: StageRequest, connection: Connection) -> Ended {
    connection.administrator()?.stage(&change).await?;
    done(&connection, "staged; see `stator cluster plan` for what committing it would do")
}

fn done(connection: &Connection, text: &str) -> Ended {
    if connection.json {
        output::json(&json!({ "ok": true }))?;
    } else {
        output::line(text)?;
    }
    Ok(Exit::Done)
}
