//! `stator locate`.

use stator_client::{LocatedNode, ObjectName};

use crate::cli::LocateArgs;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::output;

/// Shows where an object lives, or would.
pub(super) async fn run(args: LocateArgs) -> Ended {
    let (bucket, key) = args.object.name()?;
    let name = ObjectName { bucket: &bucket, key: &key };
    let found = args.connection.client().locate(name).await?;
    if args.connection.json {
        output::json(&found)?;
        return Ok(Exit::Done);
    }
    output::line(&format!("token      {}", found.token))?;
    output::line(&format!("partition  {}", found.partition))?;
    output::line(&format!("ring       version {}", found.ring_version))?;
    output::line(&format!("primaries  {}", list(&found.primaries)))?;
    output::line(&format!("fallbacks  {}", list(&found.fallbacks)))?;
    Ok(Exit::Done)
}

fn list(nodes: &[LocatedNode]) -> String {
    if nodes.is_empty() {
        return "none".to_owned();
    }
    let nodes: Vec<String> =
        nodes.iter().map(|node| format!("{} ({})", node.name, node.state)).collect();
    nodes.join(", ")
}
