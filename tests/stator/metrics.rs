//! What a running node serves as figures is what docs/metrics.md lists, and what alerts and the
//! dashboard ask for is in that list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::harness::{Cluster, Node, Redis, Request, run, until};
use crate::native;

/// A metric, as the document lists it and as a node serves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
    meaning: String,
}

fn read(document: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The rows of the document's tables: `| name | type | labels | meaning |`.
fn listed() -> BTreeMap<String, Metric> {
    let text = read("docs/metrics.md");
    let mut listed = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("not four cells: {line}") };
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let metric = Metric { kind: kind.to_owned(), labels, meaning: meaning.to_owned() };
        let before = listed.insert(name.trim_matches('`').to_owned(), metric);
        assert_eq!(before, None, "{name} is listed twice");
    }
    listed
}

/// A page, as Prometheus reads it.
#[derive(Default)]
struct Page {
    metrics: BTreeMap<String, Metric>,
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Page {
    fn of(node: &Node) -> Self {
        let answer = node.send(&Request::get("/metrics"));
        assert_eq!(answer.status, 200);
        let content_type = answer.header("content-type").expect("a type");
        assert!(content_type.starts_with("text/plain; version=0.0.4"), "{content_type}");
        let mut page = Self::default();
        for line in String::from_utf8(answer.body).expect("text").lines() {
            page.line(line);
        }
        page
    }

    fn line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            help.clone_into(&mut self.metrics.entry(name.to_owned()).or_default().meaning);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            kind.clone_into(&mut self.metrics.entry(name.to_owned()).or_default().kind);
        } else {
            self.sample(line);
        }
    }

    fn sample(&mut self, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        // No label of a node has quotes, commas or equals signs in its value.
        let pairs = labels.trim_end_matches('}').split(',').filter(|pair| !pair.is_empty());
        let labels: BTreeMap<String, String> = pairs
            .map(|pair| pair.split_once('=').expect("a label"))
            .map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned()))
            .collect();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|end| name.strip_suffix(end))
            .find(|family| self.metrics.contains_key(*family))
            .unwrap_or(name);
        let metric = self.metrics.get_mut(family).unwrap_or_else(|| panic!("no type: {line}"));
        metric.labels.extend(labels.keys().filter(|label| *label != "le").cloned());
        self.samples.push((name.to_owned(), labels, value.parse().expect("a number")));
    }

    /// The sum of the samples of this name that have all of these labels.
    fn value(&self, name: &str, wanted: &[(&str, &str)]) -> f64 {
        let has = |labels: &BTreeMap<String, String>| {
            wanted.iter().all(|(label, value)| labels.get(*label).is_some_and(|v| v == value))
        };
        let found: Vec<f64> = (self.samples.iter())
            .filter(|(sample, labels, _)| sample == name && has(labels))
            .map(|(_, _, value)| *value)
            .collect();
        assert!(!found.is_empty(), "there is no {name} {wanted:?}");
        found.iter().sum()
    }

    /// The same of what has no fractions.
    fn count(&self, name: &str, wanted: &[(&str, &str)]) -> u64 {
        let value = self.value(name, wanted);
        assert!(value.fract().abs() < f64::EPSILON && value >= 0.0, "{name}: {value}");
        value as u64
    }
}

fn requests(page: &Page, door: &str, operation: &str, outcome: &str) -> u64 {
    let labels = [("door", door), ("operation", operation), ("outcome", outcome)];
    page.count("stator_requests_total", &labels)
}

#[test]
fn a_running_node_serves_what_the_document_lists_and_nothing_else() {
    let mut cluster = Cluster::three();
    let node = &cluster.nodes[0];
    for number in 0..20 {
        assert_eq!(node.send(&Request::put(format!("/v1/kv/m/{number}"), "v")).status, 204);
        assert_eq!(node.send(&Request::get(format!("/v1/kv/m/{number}"))).status, 200);
    }
    assert_eq!(node.send(&Request::get("/v1/kv/m/absent")).status, 404);
    // Two puts that have not seen each other.
    for value in ["one", "two"] {
        assert_eq!(node.send(&Request::put("/v1/kv/m/both", value)).status, 204);
    }
    assert_eq!(node.send(&Request::get("/v1/kv/m/both")).status, 300);
    assert_eq!(node.send(&Request::get("/v1/kv/m/0?r=9")).status, 422);
    let mut redis = Redis::connect(&node.resp);
    assert_eq!(redis.ask(&["SET", "k", "v"]), "+OK");
    let mut native = node.client(&["put", "m", "natively", "v"]);
    native.env("STATOR_CLIENT_KEY", native::key().expose());
    assert!(run(native).status.success());

    let page = Page::of(node);
    let (served, listed) = (&page.metrics, listed());
    for (name, metric) in served {
        let known = listed.get(name).unwrap_or_else(|| panic!("{name} is not listed: {metric:?}"));
        // Whom a change waits for is only told while there is one.
        if metric.labels.is_empty() && name == "stator_transition_waits_for" {
            continue;
        }
        assert_eq!(metric, known, "{name}");
    }
    let missing: Vec<_> = listed.keys().filter(|name| !served.contains_key(*name)).collect();
    assert!(missing.is_empty(), "listed and not served: {missing:?}");

    // The figures are those of what was asked.
    assert_eq!(requests(&page, "http", "put", "done"), 22);
    assert_eq!(requests(&page, "http", "get", "done"), 20);
    assert!(requests(&page, "http", "get", "not_found") >= 1);
    assert_eq!(requests(&page, "http", "get", "conflict"), 1);
    assert_eq!(requests(&page, "http", "get", "invalid"), 1);
    assert_eq!(requests(&page, "resp", "put", "done"), 1);
    // Native clients choose whom they ask.
    let pages = cluster.nodes.iter().map(Page::of);
    assert_eq!(pages.map(|page| requests(&page, "native", "put", "done")).sum::<u64>(), 1);
    let puts = [("door", "http"), ("operation", "put")];
    assert_eq!(page.count("stator_request_duration_seconds_count", &puts), 22);
    assert!(page.value("stator_request_duration_seconds_sum", &puts) > 0.0);
    assert_eq!(page.count("stator_members", &[("state", "up")]), 3);
    assert_eq!(page.count("stator_tolerable_node_losses", &[("keeps", "data")]), 2);
    assert_eq!(page.count("stator_tolerable_node_losses", &[("keeps", "quorum")]), 1);
    assert!(page.value("stator_store_syncs_total", &[]) >= 1.0);

    // And they change with what happens.
    cluster.nodes[2].kill();
    cluster.wait_down(0, "n3");
    let page = Page::of(&cluster.nodes[0]);
    assert_eq!(page.count("stator_peer_up", &[("peer", "n3")]), 0);
    assert_eq!(page.count("stator_peer_up", &[("peer", "n2")]), 1);
    assert!(page.value("stator_peer_phi", &[("peer", "n3")]) > 0.0);
    assert_eq!(page.count("stator_members", &[("state", "down")]), 1);
    assert_eq!(page.count("stator_tolerable_node_losses", &[("keeps", "quorum")]), 0);
}

#[test]
fn replicas_that_were_compared_are_told_to_be_and_hints_have_an_age() {
    // Two replicas leave a third node to stand in.
    let mut cluster = Cluster::founded_with(3, &["--init", "--replicas", "2"]);
    let replicas = Page::of(&cluster.nodes[0]).count("stator_replicas", &[]);
    // Whoever comes back compares its replicas at once, and not after a minute.
    cluster.nodes[0].kill();
    cluster.nodes[0].start(&[]);
    until("all comparisons have come about once", || {
        let page = Page::of(&cluster.nodes[0]);
        // At first its shards know no ring, and have nothing to compare.
        let knows_its_own = page.count("stator_replicas", &[]) == replicas;
        let done = page.count("stator_replica_comparisons_outstanding", &[]) == 0;
        (knows_its_own && done).then_some(())
    });
    let page = Page::of(&cluster.nodes[0]);
    let compared = page.value("stator_replica_comparison_oldest_age_seconds", &[]);
    assert!(compared < page.value("stator_uptime_seconds", &[]), "{compared}");
    cluster.wait_ready();

    cluster.nodes[2].kill();
    cluster.wait_down(0, "n3");
    for number in 0..40 {
        let put = Request::put(format!("/v1/kv/pairs/{number}?w=1"), "for whoever is away");
        assert_eq!(cluster.nodes[0].send(&put).status, 204, "{number}");
    }
    until("a hint for n3 has an age", || {
        let for_n3 = [("owner", "n3")];
        let pages = || cluster.nodes[..2].iter().map(Page::of);
        let sum = |name: &str| pages().map(|page| page.value(name, &for_n3)).sum::<f64>();
        let told = sum("stator_hints") > 0.0 && sum("stator_hint_bytes") > 0.0;
        (told && sum("stator_hint_oldest_age_seconds") > 0.0).then_some(())
    });
}

#[test]
fn a_slow_request_is_logged_with_the_clients_id_and_where_the_time_went() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut node = Node::new(dir.path(), "n1");
    node.start(&["--init", "--slow-request-ms", "1", "--log-format", "json"]);
    until("the node serves", || {
        let ready = Request::get("/readyz").try_send(&node.http)?;
        (ready.status == 200).then_some(())
    });
    // Megabytes that are synced before they are acknowledged take longer than a millisecond.
    let put =
        Request::put("/v1/kv/slow/heavy", vec![7; 6 << 20]).header("X-Request-Id", "order-4711");
    let answer = node.send(&put);
    assert_eq!(answer.header("stator-request-id").as_deref(), Some("order-4711"));
    let line = until("the slow log has a line", || {
        let logged = node.logged();
        let line = logged.lines().find(|line| line.contains("order-4711"))?;
        serde_json::from_str::<Value>(line).ok()
    });
    let fields = &line["fields"];
    assert_eq!((&fields["message"], &line["level"]), (&"a slow request".into(), &"WARN".into()));
    assert_eq!((&fields["door"], &fields["operation"]), (&"http".into(), &"put".into()));
    assert_eq!((&fields["key"], &fields["outcome"]), (&"slow/heavy".into(), &"done".into()));
    let ms = |name: &str| fields[name].as_u64().unwrap_or_else(|| panic!("{name}: {line}"));
    assert!(ms("took_ms") >= ms("at_shard_ms") && ms("took_ms") >= 1, "{line}");
    let page = Page::of(&node);
    assert!(page.value("stator_slow_requests_total", &[("door", "http")]) >= 1.0);
}

/// Names of metrics in a text, as they would be in the document.
fn named(text: &str, listed: &BTreeMap<String, Metric>) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c| !is_part(c));
    let names = words.filter(|word| word.starts_with("stator_") || word.starts_with("process_"));
    names
        .map(|name| {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                name.strip_suffix(end).filter(|family| listed.contains_key(*family))
            });
            family.unwrap_or(name).to_owned()
        })
        .collect()
}

#[test]
fn every_metric_that_alerts_and_the_dashboard_ask_for_is_listed() {
    let listed = listed();
    for file in ["ops/prometheus/alerts.yml", "ops/grafana/stator.json"] {
        let named = named(&read(file), &listed);
        assert!(named.len() >= 15, "{file} names only {named:?}");
        let unknown: Vec<_> = named.iter().filter(|name| !listed.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{file} asks for what no node serves: {unknown:?}");
    }
}

#[test]
fn each_alert_says_why_and_what_to_do() {
    let text = read("ops/prometheus/alerts.yml");
    let alerts: Vec<&str> = text.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 15, "only {} alerts", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap_or_default();
        for part in ["expr:", "labels: { severity: ", "summary:", "reason:", "action:"] {
            assert_eq!(alert.matches(&format!(" {part}")).count(), 1, "{name}: {part}");
        }
    }
}

#[test]
fn the_dashboard_has_a_panel_for_each_target_and_a_title_for_each_panel() {
    let dashboard: Value = serde_json::from_str(&read("ops/grafana/stator.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "an id twice: {panel}");
        assert_ne!(panel["title"].as_str().unwrap_or_default(), "", "{panel}");
        if panel["type"] != "row" {
            let targets = panel["targets"].as_array().expect("targets");
            assert!(targets.iter().all(|target| target["expr"].is_string()), "{panel}");
        }
    }
    assert!(panels.len() >= 20);
}
