//! `stator demo`: a cluster of processes on this machine, and a tour of what it does.
//!
//! Each step checks what it shows. Whatever happens, the nodes do not outlive the demo.

mod cart;
mod failures;
mod narrator;
mod ports;
mod processes;
mod ring;
mod steps;
mod waiting;

use std::path::{Path, PathBuf};

use stator_client::Client;
use tempfile::TempDir;

use crate::cli::DemoArgs;
use crate::commands::Ended;
use crate::demo::narrator::Narrator;
use crate::demo::ports::NodePorts;
use crate::demo::processes::Cluster;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signals::StopSignals;

/// Where the nodes keep their data: a directory that is kept, or one that goes with the demo.
enum DataDir {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl DataDir {
    fn of(args: &DemoArgs) -> Result<Self, Failure> {
        let unusable =
            |error: std::io::Error| Failure::new(format!("no data directory can be made: {error}"));
        let Some(path) = &args.data else {
            let made = tempfile::Builder::new().prefix("stator-demo-").tempdir();
            return Ok(Self::Temporary(made.map_err(unusable)?));
        };
        std::fs::create_dir_all(path).map_err(unusable)?;
        Ok(Self::Kept(path.clone()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }
}

/// Starts the cluster, takes the tour, and stays up unless told to end.
pub(crate) async fn run(args: DemoArgs) -> Ended {
    let mut signals = StopSignals::listen()?;
    let ports: Vec<NodePorts> =
        (1..=args.nodes).map(|number| NodePorts::of(args.base_port, number)).collect();
    ports::check_free(&ports)?;
    let data = DataDir::of(&args)?;
    let mut cluster = Cluster::start(data.path(), &ports)?;
    let ended = tokio::select! {
        ended = show(&args, &ports, &mut cluster) => ended,
        signal = signals.next() => if args.exit {
            Err(Failure::new(format!("{signal} came before the tour was over")))
        } else {
            Ok(Exit::Done)
        },
    };
    cluster.stop().await;
    ended
}

async fn show(args: &DemoArgs, ports: &[NodePorts], cluster: &mut Cluster) -> Ended {
    let clients: Vec<Client> = ports.iter().map(|node| Client::new(node.endpoint())).collect();
    let mut narrator = Narrator::new(args.json);
    let held = steps::all(&mut narrator, cluster, &clients).await?;
    if args.exit {
        return Ok(if held { Exit::Done } else { Exit::Failed });
    }
    narrator.say("")?;
    narrator.say(
        "The cluster stays up until Ctrl-C, also if you kill nodes. Each answers every request:",
    )?;
    for node in ports {
        narrator.say(&format!(
            "  {}  {}  log {}",
            node.name,
            node.endpoint(),
            cluster.log(node)
        ))?;
    }
    let endpoint = ports[0].endpoint();
    narrator.say("What to try in another terminal:")?;
    for command in [
        "stator cluster status",
        "stator verify",
        "stator put carts bob '[\"tea\"]'",
        "stator get carts bob",
        "stator locate carts bob",
        "stator bench --duration 5s",
    ] {
        narrator.say(&format!("  STATOR_ENDPOINT={endpoint} {command}"))?;
    }
    narrator.say(&format!("  redis-cli -p {} set greeting hello", ports[0].resp.port()))?;
    cluster.watch(&narrator).await
}
