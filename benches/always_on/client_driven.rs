//! Who coordinates: a client that knows the ring and goes straight to a replica, against a node that
//! a load balancer picks.
//!
//! The paper, 6.4 and table 2. All ways are measured in one run, in turns of a second that begin with
//! another one each time, so that what else the machine does meets them alike.

mod balancer;
mod turn;
mod way;

use std::time::Duration;

use hdrhistogram::Histogram;
use stator_client::{ClientKey, Coordinators};
use stator_wire::secret::Secret;

use self::turn::{Asker, Turn};
use self::way::Way;
use crate::Failed;
use crate::filling::fill;
use crate::fleet::Fleet;
use crate::load::Part;
use crate::options::Options;
use crate::report::Report;
use crate::values::Values;

/// How long one way is measured before it is another's turn.
const TURN: Duration = Duration::from_secs(1);
/// How long each way is used before anything is measured.
const WARM: Duration = Duration::from_secs(2);
/// How long replicas may take to agree.
const HEALS_WITHIN: Duration = Duration::from_mins(2);

/// The paper's table 2, in milliseconds: 99.9th and mean, of reads and of writes.
const PAPER: [(&str, f64, f64, f64, f64); 2] =
    [("server-driven", 68.9, 3.9, 68.5, 4.02), ("client-driven", 30.4, 1.55, 30.4, 1.9)];

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, options, report).await;
    Fleet::measured((options.nodes(3), &[]), report, measure).await
}

async fn measure(fleet: &mut Fleet, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(1024));
    let (objects, clients) = (options.objects(20_000), options.clients(16));
    let doors = fleet.doors();
    fill(report, &doors, objects, values).await?;
    fleet.converged(HEALS_WITHIN).await?;

    let key = ClientKey::derive(&Secret::new(*b""));
    let balancer = balancer::begin(fleet).await?;
    let ways = [
        ("client_driven", Way::natively(fleet, &key, Coordinators::Replicas)),
        ("any_node_native", Way::natively(fleet, &key, Coordinators::Anyone)),
        ("server_driven", Way::behind(&balancer)?),
    ];
    let mut askers: Vec<Vec<Asker>> = Vec::new();
    for (number, _) in ways.iter().enumerate() {
        let asker = |client| Asker::new(number as u64 * clients + client, objects, values);
        askers.push((0..clients).map(asker).collect());
    }
    let mut rate = f64::INFINITY;
    for ((name, way), askers) in ways.iter().zip(&mut askers) {
        report.progress(&format!("{name}: as much as it does"));
        let most = Turn { way, gap: None, during: WARM }.run(askers).await.rate(WARM);
        report.say(&format!("{name}_most_requests_a_second"), most.round(), format!("{most:.0}"));
        rate = rate.min(most);
    }
    let rate = options.rate.map_or(rate / 4.0, |rate| rate as f64);
    report.say("load_requests_a_second", rate.round(), format!("{rate:.0}, half of them puts"));

    let turns = (options.duration(60).as_secs_f64() / TURN.as_secs_f64() / 3.0).ceil() as u32;
    let gap = Some(Duration::from_secs_f64(clients as f64 / rate.max(1.0)));
    let mut found = vec![Part::default(); ways.len()];
    report.progress(&format!("{turns} turns of each"));
    for number in 0..turns as usize {
        for step in 0..ways.len() {
            let place = (number + step) % ways.len();
            let turn = Turn { way: &ways[place].1, gap, during: TURN };
            found[place].absorb(&turn.run(&mut askers[place]).await);
        }
    }
    for ((name, _), part) in ways.iter().zip(&found) {
        tell(report, name, part);
    }
    for (name, read, read_mean, write, write_mean) in PAPER {
        report.say(
            &format!("paper_{}", name.replace('-', "_")),
            serde_json::json!({ "get_p999_ms": read, "get_mean_ms": read_mean,
                                "put_p999_ms": write, "put_mean_ms": write_mean }),
            format!(
                "get mean {read_mean} ms, 99.9th {read} ms; put mean {write_mean} ms, 99.9th \
                 {write} ms (table 2)"
            ),
        );
    }
    let failed = |part: &Part| {
        let both = part.both();
        both.refused + both.indeterminate
    };
    let all: u64 = found.iter().map(failed).sum();
    report.must(all == 0, "every request was answered");
    Ok(())
}

fn tell(report: &mut Report, name: &str, part: &Part) {
    let millis = |micros: f64| (micros / 10.0).round() / 100.0;
    for (kind, tally) in [("gets", &part.gets), ("puts", &part.puts)] {
        let times: &Histogram<u64> = &tally.acknowledged;
        let (mean, median) = (millis(times.mean()), millis(times.value_at_quantile(0.5) as f64));
        let (p99, p999) = (
            millis(times.value_at_quantile(0.99) as f64),
            millis(times.value_at_quantile(0.999) as f64),
        );
        report.say(
            &format!("{name}_{kind}"),
            serde_json::json!({ "count": times.len(), "mean_ms": mean, "p50_ms": median,
                                "p99_ms": p99, "p999_ms": p999 }),
            format!(
                "mean {mean} ms, median {median} ms, 99th {p99} ms, 99.9th {p999} ms ({} of them)",
                times.len()
            ),
        );
    }
}
