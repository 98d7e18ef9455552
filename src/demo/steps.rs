//! The tour's steps, in order. Numbers are those of the manual.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde_json::{Value, json};
use stator_client::{Client, ClientError, Context, Fetched, ObjectName, Outcome, Written};

use crate::bench::{Doors, LoadPlan, Servers, latencies, measure, time};
use crate::cli::{Distribution, ValueSize};
use crate::demo::cart::{CART, context_of, expect, fetch, new, one, options, put, several, text};
use crate::demo::failures::{self, Outage};
use crate::demo::growth;
use crate::demo::narrator::Narrator;
use crate::demo::ports::NodePorts;
use crate::demo::processes::Cluster;
use crate::demo::ring;
use crate::failure::Failure;

const OTHER: ObjectName<'static> = ObjectName { bucket: b"carts", key: b"mallory" };

/// Takes all steps; whether all held.
pub(super) async fn all(
    narrator: &mut Narrator,
    cluster: &mut Cluster,
    mut clients: Vec<Client>,
    newcomer: &NodePorts,
) -> Result<bool, Failure> {
    let title = format!("{} nodes up, one ring", clients.len());
    narrator.begin(1, &title)?;
    let formed = ring::form(narrator, cluster, &clients).await;
    let is_up = formed.is_ok();
    narrator.end(1, &title, formed)?;
    if !is_up {
        return Ok(false);
    }

    let title = "A shopping cart, put and got";
    narrator.begin(2, title)?;
    let result = cart(narrator, &clients).await;
    narrator.end(2, title, result)?;

    let title = "Two phones, one cart: siblings, merged";
    narrator.begin(3, title)?;
    let result = phones(narrator, &clients).await;
    narrator.end(3, title, result)?;

    let mut outage = Outage::default();
    let title = "kill -9 on the cart's primaries: puts go on";
    narrator.begin(4, title)?;
    let result = failures::strike(narrator, cluster, &clients, &mut outage).await;
    narrator.end(4, title, result)?;

    let title = "They come back: hints go home, replicas agree";
    narrator.begin(5, title)?;
    let result = failures::back(narrator, cluster, &clients, &outage).await;
    narrator.end(5, title, result)?;

    let title = "A store is lost: anti-entropy refills it";
    narrator.begin(6, title)?;
    let result = failures::lost(narrator, cluster, &clients).await;
    narrator.end(6, title, result)?;

    let title = format!("{} joins while a writer counts: nothing is lost", newcomer.name);
    narrator.begin(7, &title)?;
    let result = growth::grow(narrator, cluster, &mut clients, newcomer).await;
    narrator.end(7, &title, result)?;

    let title = "A forged context is refused";
    narrator.begin(8, title)?;
    let result = forged(narrator, &clients).await;
    narrator.end(8, title, result)?;

    let title = "Figures";
    narrator.begin(9, title)?;
    let result = figures(narrator, cluster, &clients).await;
    narrator.end(9, title, result)?;
    Ok(narrator.held())
}

async fn cart(narrator: &Narrator, clients: &[Client]) -> Result<Value, Failure> {
    let seen = context_of(&fetch(&clients[0]).await?);
    let written = put(&clients[0], "[\"milk\"]", seen.as_ref()).await?;
    let acked = written.replicas.acked;
    narrator.say(&format!(
        "  put through {}: {acked} replicas acknowledged, {} of them on disk",
        clients[0].endpoint(),
        written.replicas.durable
    ))?;
    let reader = &clients[clients.len() - 1];
    let object = one(fetch(reader).await?)?;
    narrator.say(&format!("  got through {}: {}", reader.endpoint(), text(&object.value)))?;
    expect(object.value == "[\"milk\"]", "the value that was read is not the one written")?;
    let place = clients[0].locate(CART).await?;
    let names: Vec<&str> = place.primaries.iter().map(|node| node.name.as_str()).collect();
    let fallbacks: Vec<&str> = place.fallbacks.iter().map(|node| node.name.as_str()).collect();
    narrator.say(&format!(
        "  MD5 {} falls into partition {}: replicas on {}; then {}",
        place.token,
        place.partition,
        names.join(", "),
        if fallbacks.is_empty() { "nobody".to_owned() } else { fallbacks.join(", ") },
    ))?;
    expect(names.len() == 3, "the preference list does not have three primaries")?;
    expect(acked >= 2, "fewer than two replicas acknowledged")?;
    Ok(json!({
        "acked": acked,
        "durable": written.replicas.durable,
        "partition": place.partition,
        "primaries": names,
        "fallbacks": fallbacks,
    }))
}

async fn phones(narrator: &Narrator, clients: &[Client]) -> Result<Value, Failure> {
    let seen = one(fetch(&clients[0]).await?)?.head.context;
    narrator
        .say("  Both phones read [\"milk\"] and its context; both write, through two nodes.")?;
    put(&clients[1], "[\"milk\",\"eggs\"]", seen.as_ref()).await?;
    put(&clients[2], "[\"milk\",\"tea\"]", seen.as_ref()).await?;
    let found = several(fetch(&clients[0]).await?)?;
    let mut values: Vec<String> = found.siblings.iter().map(|s| text(&s.value)).collect();
    values.sort();
    narrator.say(&format!("  Neither is lost, neither wins: {}", values.join("  and  ")))?;
    let both = ["[\"milk\",\"eggs\"]", "[\"milk\",\"tea\"]"];
    expect(values == both, "the siblings are not the two values written")?;
    put(&clients[1], "[\"milk\",\"eggs\",\"tea\"]", found.context.as_ref()).await?;
    let merged = one(fetch(&clients[2]).await?)?;
    narrator
        .say(&format!("  A put with the context of both leaves one: {}", text(&merged.value)))?;
    expect(merged.value == "[\"milk\",\"eggs\",\"tea\"]", "the merged value is not there")?;
    Ok(json!({ "siblings": values.len(), "after_merge": 1 }))
}

async fn forged(narrator: &Narrator, clients: &[Client]) -> Result<Value, Failure> {
    let before = one(fetch(&clients[0]).await?)?;
    let Some(context) = before.head.context.clone() else {
        return Err(Failure::new("the cart came without a context"));
    };
    let damaged = Context(tampered(&context.0));
    let first = refused(clients[1].put(CART, new("[]"), Some(&damaged), &options()).await)?;
    narrator.say(&format!("  One letter of the context changed: {first}"))?;
    let second = refused(clients[1].put(OTHER, new("[]"), Some(&context), &options()).await)?;
    narrator.say(&format!("  The cart's context on another key: {second}"))?;
    let after = one(fetch(&clients[2]).await?)?;
    expect(after.value == before.value, "the cart changed although its put was refused")?;
    let other = clients[2].get(OTHER, &options()).await?;
    expect(matches!(other, Fetched::NotFound { .. }), "the other key was written")?;
    narrator.say("  Nothing was written: who has not seen a value can't overwrite it.")?;
    Ok(json!({ "forged": "refused", "foreign": "refused" }))
}

async fn figures(
    narrator: &Narrator,
    cluster: &Cluster,
    clients: &[Client],
) -> Result<Value, Failure> {
    let plan = LoadPlan {
        doors: Doors::Http(clients.iter().map(|client| client.endpoint().clone()).collect()),
        bucket: "figures".to_owned(),
        conns: NonZeroUsize::new(16).expect("sixteen is not zero"),
        pipeline: NonZeroUsize::MIN,
        threads: NonZeroUsize::MIN,
        value_size: ValueSize::of(1024),
        keys: NonZeroU32::new(1000).expect("a thousand is not zero"),
        prefix: "1024-".to_owned(),
        distribution: Distribution::Uniform,
        zipf_exponent: 0.0,
        mix: "50/50".parse().map_err(Failure::new)?,
        fill: true,
        rate: None,
        warm_up: Duration::from_millis(500),
        duration: Duration::from_secs(3),
        slot: Duration::from_secs(1),
    };
    narrator.say("  Puts and gets of 1 KiB, half and half, over 16 connections for 3 s.")?;
    let measured = measure(plan, &Servers { pids: cluster.pids(), nodes: Vec::new() }).await?;
    let tally = &measured.tally;
    let rate = tally.operations() as f64 / measured.elapsed.as_secs_f64();
    narrator.say(&format!("  {rate:.0} operations a second"))?;
    for (name, histogram) in [("put", &tally.puts), ("get", &tally.gets)] {
        let at = |quantile| time(histogram.value_at_quantile(quantile));
        narrator.say(&format!(
            "  {name}: p50 {}, p99 {}, p99.9 {}",
            at(0.5),
            at(0.99),
            at(0.999)
        ))?;
    }
    expect(!tally.puts.is_empty() && !tally.gets.is_empty(), "no operation succeeded")?;
    let failures = tally.failures();
    expect(failures == 0, &format!("{failures} operations failed: {:?}", tally.errors))?;
    Ok(json!({
        "operations": tally.operations(),
        "operations_per_second": rate,
        "put": latencies(&tally.puts),
        "get": latencies(&tally.gets),
        "server_cpu_us_per_operation": measured.cpu_per_operation(),
    }))
}

/// What the cluster said when it refused a context; anything else is an error.
fn refused(result: Result<Written, ClientError>) -> Result<String, Failure> {
    match result {
        Ok(_) => Err(Failure::new("a put with a bad context was accepted")),
        Err(ClientError::Problem(problem))
            if problem.slug == "context-invalid" && problem.outcome == Outcome::Refused =>
        {
            Ok(problem.to_string())
        }
        Err(other) => Err(Failure::new(format!("refused, but not for its context: {other}"))),
    }
}

/// The same text with the letter in its middle changed.
fn tampered(text: &str) -> String {
    let middle = text.len() / 2;
    let change = |(place, letter): (usize, char)| match (place == middle, letter) {
        (true, 'A') => 'B',
        (true, _) => 'A',
        (false, letter) => letter,
    };
    text.chars().enumerate().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tampering_changes_one_letter() {
        for text in ["AAAA", "BBBB", "abc"] {
            let changed = tampered(text);
            let differing = text.chars().zip(changed.chars()).filter(|(a, b)| a != b).count();
            assert_eq!((differing, changed.len()), (1, text.len()), "{text}");
        }
    }
}
