//! `stator cluster`: the members, and the staged way of changing them.

mod plan;
mod staleness;
mod status;

use serde_json::{Value, json};
use stator_client::{Committed, StageRequest, StalenessQuery};

use crate::cli::{ClusterCommand, Connection};
use crate::commands::Ended;
use crate::exit::Exit;
use crate::output;

/// Looks at the cluster, or changes what is staged or committed.
pub(super) async fn run(command: ClusterCommand) -> Ended {
    match command {
        ClusterCommand::Status { watch, connection } => status::run(watch, connection).await,
        ClusterCommand::Staleness { n, r, w, dw, after, connection } => {
            staleness::run(StalenessQuery { n, r, w, dw, after_ms: after }, connection).await
        }
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
        // Without `--force` the command line is refused.
        ClusterCommand::Recover { force: _, connection } => recover(connection).await,
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
        output::line(&said(version, &committed))?;
    }
    Ok(Exit::Done)
}

async fn recover(connection: Connection) -> Ended {
    let recovered = connection.administrator()?.recover().await?;
    if connection.json {
        output::json(&recovered)?;
    } else if let Some(version) = recovered.document.get("ring_version").and_then(Value::as_u64) {
        output::line(&format!(
            "ring version {version} is in use, without those who could not be reached: never start \
             them again on the data that they have"
        ))?;
    } else {
        output::line(
            "those who can't be reached will not be waited for any more: do this again once the \
             change under way is settled",
        )?;
    }
    Ok(Exit::Done)
}

fn said(version: u64, committed: &Committed) -> String {
    let declared = committed.document.get("declared_dead").and_then(Value::as_array);
    let Some(declared) = declared else {
        return format!(
            "ring version {version} was chosen; see `stator cluster status` for the transition"
        );
    };
    let names: Vec<&str> = declared.iter().filter_map(Value::as_str).collect();
    format!(
        "{} will not be waited for any more. Nothing else was committed: do so again with the same \
         version once the change under way is settled",
        names.join(", ")
    )
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
