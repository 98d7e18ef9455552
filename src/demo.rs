//! `stator demo`: a cluster of processes on this machine, and a tour of what it does.
//!
//! Each step checks what it shows. Whatever happens, the nodes do not outlive the demo.

mod cart;
mod failures;
mod growth;
mod narrator;
mod ports;
mod processes;
mod ring;
mod steps;
mod waiting;
mod writer;

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

/// With one more, all ports stay below 65536 on whatever `--base-port` allows.
const MOST_NODES: u16 = 50;

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

    /// How many nodes begin: as many as asked for, or all that an earlier demo has left here.
    fn nodes(&self, asked: u16) -> Result<u16, Failure> {
        let is_left = |number: &u16| self.path().join(format!("n{number}")).exists();
        let nodes = (asked + 1..=u16::MAX).take_while(is_left).last().unwrap_or(asked);
        if nodes > MOST_NODES {
            let dir = self.path().display();
            return Err(Failure::new(format!(
                "{dir} holds {nodes} nodes, one for each demo so far"
            ))
            .try_next("name another directory with --data"));
        }
        Ok(nodes)
    }
}

/// Starts the cluster, takes the tour, and stays up unless told to end.
pub(crate) async fn run(args: DemoArgs) -> Ended {
    let mut signals = StopSignals::listen()?;
    let data = DataDir::of(&args)?;
    let founders = data.nodes(args.nodes)?;
    // The last of them joins later.
    let ports: Vec<NodePorts> =
        (1..=founders + 1).map(|number| NodePorts::of(args.base_port, number)).collect();
    ports::check_free(&ports)?;
    let mut cluster = Cluster::start(data.path(), &ports[..usize::from(founders)])?;
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
    let (newcomer, founders) = ports.split_last().expect("a demo has nodes");
    let clients: Vec<Client> = founders.iter().map(|node| Client::new(node.endpoint())).collect();
    let mut narrator = Narrator::new(args.json);
    let console = format!("{}/console", ports[0].endpoint());
    narrator.say(&format!("All of this can be watched as it happens, at {console}"))?;
    let held = steps::all(&mut narrator, cluster, clients, newcomer).await?;
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
    narrator.say(&format!("The console, at any of them: {console}"))?;
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
    narrator.say(&format!(
        "  export STATOR_CLIENT_KEY=$(STATOR_SECRET_FILE={} stator secret --client)   for native clients",
        cluster.secret().display()
    ))?;
    narrator.say(&format!("  redis-cli -p {} set greeting hello", ports[0].resp.port()))?;
    cluster.watch(&narrator).await
}
