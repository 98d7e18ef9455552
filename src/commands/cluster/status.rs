//! `stator cluster status`.

use std::io::IsTerminal;
use std::time::Duration;

use stator_client::{ClusterDocument, MemberDocument};

use crate::cli::Connection;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

const AGAIN: Duration = Duration::from_secs(2);

/// Shows the members and how they are; with `watch` again and again.
pub(super) async fn run(watch: bool, connection: Connection) -> Ended {
    let client = connection.client();
    loop {
        let cluster = client.cluster().await?;
        if watch && !connection.json && std::io::stdout().is_terminal() {
            output::bytes(b"\x1b[2J\x1b[H")?;
        }
        if connection.json {
            output::json(&cluster)?;
        } else {
            print(&cluster)?;
        }
        if !watch {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn print(cluster: &ClusterDocument) -> Result<(), Failure> {
    let mut table = output::table([
        "name", "id", "address", "zone", "weight", "state", "phi", "share", "hints",
    ]);
    for member in &cluster.members {
        table.add_row(row(member));
    }
    output::print_table(&table)?;
    output::line("")?;
    match &cluster.transition {
        None => output::line(&format!("ring version {}, settled", cluster.ring_version)),
        Some(transition) => output::line(&format!(
            "ring version {}, moving to {}: {} partitions and {} left",
            cluster.ring_version,
            transition.version,
            transition.partitions_left,
            output::size(transition.bytes_left)
        )),
    }
}

fn row(member: &MemberDocument) -> [String; 9] {
    [
        member.name.clone(),
        member.id.clone(),
        member.address.clone(),
        member.zone.clone(),
        member.weight.to_string(),
        member.state.clone(),
        suspicion(member.phi),
        output::percent(member.share),
        member.hints.to_string(),
    ]
}

/// Beyond all doubt there is no use in digits.
fn suspicion(phi: f64) -> String {
    if phi < 1000.0 { format!("{phi:.1}") } else { "> 1000".to_owned() }
}
