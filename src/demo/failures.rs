//! The tour's failures: primaries die, come back, and one node loses everything it has stored.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use stator_client::{
    Client, Detail, HintsDocument, NewObject, ObjectName, PartitionDocument, RequestOptions,
};
use stator_core::quorum::{Level, QuorumOptions};
use tokio::time::Instant;

use crate::demo::cart::{CART, expect, fetch, new, one, options, put, text};
use crate::demo::narrator::Narrator;
use crate::demo::processes::Cluster;
use crate::demo::waiting::{WITHIN, until};
use crate::failure::Failure;
use crate::output;
use crate::survey::{Survey, ask_all};
use crate::verify::{Verdict, until_converged};

/// Carts that are put while nodes are dead.
const GUESTS: usize = 40;
/// Objects that are there to be lost, and the bytes of each.
const GOODS: usize = 400;
const GOODS_BYTES: usize = 1024;
/// Of those, under way at a time.
const AT_ONCE: usize = 16;

/// Nodes that were killed and are to come back.
#[derive(Default)]
pub(super) struct Outage {
    killed: Vec<usize>,
}

/// Kills primaries of the cart; puts go on, and fallbacks hold what is theirs.
pub(super) async fn strike(
    narrator: &Narrator,
    cluster: &mut Cluster,
    clients: &[Client],
    outage: &mut Outage,
) -> Result<Value, Failure> {
    let place = clients[0].locate(CART).await?;
    let primaries: Vec<&str> = place.primaries.iter().map(|node| node.name.as_str()).collect();
    // With fewer than five nodes there are not enough fallbacks to stand in for two.
    let how_many = if clients.len() >= 5 { 2 } else { 1 };
    let struck: Vec<&str> = primaries.iter().rev().take(how_many).copied().collect();
    for name in &struck {
        let node = cluster.place_of(name)?;
        outage.killed.push(node);
        cluster.kill(node).await?;
    }
    let (dead, all) = (struck.join(" and "), primaries.join(", "));
    narrator.say(&format!("  kill -9 {dead}, of the cart's primaries {all}."))?;

    let alive: Vec<&Client> = (0..clients.len())
        .filter(|node| !outage.killed.contains(node))
        .map(|n| &clients[n])
        .collect();
    let began = Instant::now();
    let seen = one(fetch(alive[0]).await?)?;
    let value = "[\"milk\",\"eggs\",\"tea\",\"coffee\"]";
    let written = put(alive[0], value, seen.head.context.as_ref()).await?.replicas;
    narrator.say(&format!(
        "  The cart is got and put at once, in {}: {} nodes acknowledged, {} of them fallbacks.",
        millis(began.elapsed()),
        written.acked,
        written.fallbacks
    ))?;
    let mut slowest = Duration::ZERO;
    for guest in 0..GUESTS {
        let key = format!("guest-{guest}");
        let name = ObjectName { bucket: b"carts", key: key.as_bytes() };
        let began = Instant::now();
        let client = alive[guest % alive.len()];
        client.put(name, new("[\"bread\"]"), None, &options()).await.map_err(|error| {
            Failure::new(format!("put {guest} of {GUESTS} while {dead} are dead: {error}"))
        })?;
        slowest = slowest.max(began.elapsed());
    }
    narrator.say(&format!(
        "  {GUESTS} more carts put, all of them acknowledged; the slowest took {}.",
        millis(slowest)
    ))?;
    let found = one(fetch(alive[alive.len() - 1]).await?)?;
    narrator.say(&format!("  got through another node: {}", text(&found.value)))?;
    expect(found.value == value, "the cart is not as it was put last")?;

    let held = if place.fallbacks.is_empty() {
        narrator.say("  With three nodes nobody is left to hold hints.")?;
        Vec::new()
    } else {
        until(cluster, "nobody holds hints for the dead", async || {
            let survey = ask_all(alive[0], Detail::Sums).await.ok()?;
            let held = hints(&survey);
            let for_each = |name: &&str| held.iter().any(|(_, hints)| hints.owner == *name);
            (struck.iter().all(for_each) && !counting(&survey)).then_some(held)
        })
        .await?
    };
    for (at, hints) in &held {
        let HintsDocument { owner, objects, bytes, .. } = hints;
        narrator
            .say(&format!("  {at} holds {objects} hints for {owner} ({})", output::size(*bytes)))?;
    }
    let held: Vec<Value> = held
        .iter()
        .map(|(at, hints)| {
            json!({ "at": at, "for": hints.owner, "objects": hints.objects, "bytes": hints.bytes })
        })
        .collect();
    Ok(json!({
        "killed": struck,
        "puts": GUESTS + 1,
        "acknowledged": GUESTS + 1,
        "cart": { "primaries": written.primaries, "fallbacks": written.fallbacks },
        "slowest_put_ms": slowest.as_millis() as u64,
        "hints": held,
    }))
}

/// The dead come back: hints go home, and in the end all replicas agree.
pub(super) async fn back(
    narrator: &Narrator,
    cluster: &mut Cluster,
    clients: &[Client],
    outage: &Outage,
) -> Result<Value, Failure> {
    let began = Instant::now();
    for &node in &outage.killed {
        cluster.start_again(node)?;
    }
    let names: Vec<String> =
        outage.killed.iter().map(|&node| cluster.name(node).to_owned()).collect();
    for &node in &outage.killed {
        until(cluster, "a node does not serve again", async || clients[node].ready().await.ok())
            .await?;
    }
    let ready = began.elapsed();
    narrator.say(&format!("  {} serve again after {}.", names.join(" and "), seconds(ready)))?;
    let after = until(cluster, "not all hints went home", async || {
        let survey = ask_all(&clients[0], Detail::Sums).await.ok()?;
        let all_told = survey.nodes.iter().all(|node| node.said.is_ok()) && !counting(&survey);
        (all_told && hints(&survey).is_empty()).then_some(survey)
    })
    .await?;
    let home = began.elapsed();
    let delivered: u64 = done(&after, |said| said.hints_delivered);
    narrator
        .say(&format!("  {delivered} hints went home; after {} none is left.", seconds(home)))?;
    let verdict = converged(&clients[0]).await?;
    let agreed = began.elapsed();
    narrator.say(&format!(
        "  `stator verify`: all {} partitions are the same at all their replicas, after {}.",
        verdict.partitions,
        seconds(agreed)
    ))?;
    for &node in &outage.killed {
        let found = one(clients[node].get(CART, &everywhere()).await?)?;
        let value = text(&found.value);
        expect(value.contains("coffee"), "the cart that came back is not the one put last")?;
        narrator.say(&format!("  got through {}, R=3: {value}", cluster.name(node)))?;
    }
    Ok(json!({
        "returned": names,
        "ready_seconds": ready.as_secs_f64(),
        "hints_delivered": delivered,
        "hints_empty_seconds": home.as_secs_f64(),
        "agree_seconds": agreed.as_secs_f64(),
        "partitions": verdict.partitions,
    }))
}

/// One node's store is deleted; the other owners refill it.
pub(super) async fn lost(
    narrator: &Narrator,
    cluster: &mut Cluster,
    clients: &[Client],
) -> Result<Value, Failure> {
    fill(clients).await?;
    let place = clients[0].locate(CART).await?;
    let first = place.primaries.first().ok_or_else(|| Failure::new("the cart has no primaries"))?;
    let victim = cluster.place_of(&first.name)?;
    let (client, name) = (&clients[victim], first.name.as_str());
    let seen = one(fetch(client).await?)?;
    put(client, "[\"milk\"]", seen.head.context.as_ref()).await?;
    let before = replica(client, place.partition).await?;
    converged(&clients[0]).await?;
    let moved = moved(&ask_all(&clients[0], Detail::Sums).await?, name);

    cluster.kill(victim).await?;
    let store = cluster.lose_store(victim)?;
    narrator.say(&format!("  kill -9 {name}; rm -r {}; {name} starts again.", store.display()))?;
    let began = Instant::now();
    cluster.start_again(victim)?;
    until(cluster, "a node does not serve again", async || client.ready().await.ok()).await?;
    let verdict = converged(&clients[0]).await?;
    let refilled = began.elapsed();
    let after = ask_all(&clients[0], Detail::Sums).await?;
    // Since it has just started, all that it counts has happened since.
    let (others, own) = (self::moved(&after, name), self::own(&after, name));
    let objects = others.0 - moved.0 + own.0;
    let bytes = others.1 - moved.1 + own.1;
    narrator.say(&format!(
        "  {objects} objects ({}) came back from the other owners; after {} `stator verify` finds \
         all {} partitions the same at all their replicas.",
        output::size(bytes),
        seconds(refilled),
        verdict.partitions
    ))?;
    expect(objects > 0 && bytes > 0, "nothing was refilled")?;
    let counting = until(cluster, "not all its replicas count in reads again", async || {
        let said = client.node(Detail::Sums).await.ok()?;
        (said.not_counting == 0).then_some(said.replicas)
    })
    .await?;
    let counts = began.elapsed();
    narrator.say(&format!(
        "  Its {counting} replicas count in reads again after {}; until then it took writes and left \
         the answers to others.",
        seconds(counts)
    ))?;
    let seen = one(fetch(client).await?)?;
    expect(seen.value == "[\"milk\"]", "the cart is not the one that was put before")?;
    put(client, "[\"milk\",\"honey\"]", seen.head.context.as_ref()).await?;
    let found = one(clients[0].get(CART, &everywhere()).await?)?;
    expect(found.value == "[\"milk\",\"honey\"]", "a put through the refilled node is not there")?;
    let now = replica(client, place.partition).await?;
    narrator.say(&format!(
        "  It mints under new actor ids, so that nothing new is taken for what was lost: in the \
         cart's partition {} was {}.",
        now.actor.as_deref().unwrap_or("?"),
        before.actor.as_deref().unwrap_or("?"),
    ))?;
    expect(now.actor.is_some() && now.actor != before.actor, "it mints under its old actor id")?;
    Ok(json!({
        "lost": name,
        "replicas": counting,
        "refilled_objects": objects,
        "refilled_bytes": bytes,
        "agree_seconds": refilled.as_secs_f64(),
        "counts_in_reads_seconds": counts.as_secs_f64(),
        "actor_before": before.actor,
        "actor_after": now.actor,
    }))
}

/// Puts something there to be lost.
async fn fill(clients: &[Client]) -> Result<(), Failure> {
    let value = Bytes::from(vec![b'.'; GOODS_BYTES]);
    let puts = stream::iter(0..GOODS).map(|number| {
        let (client, value) = (&clients[number % clients.len()], value.clone());
        async move {
            let key = format!("goods/{number}");
            let name = ObjectName { bucket: b"shop", key: key.as_bytes() };
            let object = NewObject { value, ..NewObject::default() };
            client.put(name, object, None, &options()).await.map(drop)
        }
    });
    Ok(puts.buffer_unordered(AT_ONCE).try_collect::<()>().await?)
}

/// What `stator verify` would say; an error names what stands in the way.
pub(super) async fn converged(client: &Client) -> Result<Verdict, Failure> {
    let verdict = until_converged(client, WITHIN).await?;
    if verdict.converged() {
        return Ok(verdict);
    }
    let reasons: Vec<String> = verdict.reasons.iter().take(3).map(ToString::to_string).collect();
    let (waited, count) = (WITHIN.as_secs(), verdict.reasons.len());
    let first = reasons.join("; ");
    Err(Failure::new(format!("not converged within {waited} s, for {count} reasons: {first}")))
}

/// All hints, with who holds them.
fn hints(survey: &Survey) -> Vec<(String, HintsDocument)> {
    let said = survey.nodes.iter().filter_map(|node| node.said.as_ref().ok());
    said.flat_map(|said| said.hints.iter().map(|held| (said.name.clone(), held.clone()))).collect()
}

/// Whether a node that was asked has started so lately that it still counts its hints.
fn counting(survey: &Survey) -> bool {
    let mut said = survey.nodes.iter().filter_map(|node| node.said.as_ref().ok());
    said.any(|said| said.counting_hints)
}

/// The sum of a count over all nodes.
fn done(survey: &Survey, count: fn(&stator_client::SinceStartDocument) -> u64) -> u64 {
    let said = survey.nodes.iter().filter_map(|node| node.said.as_ref().ok());
    said.map(|said| count(&said.since_start)).sum()
}

/// Objects and bytes that exchanges of all nodes but this one have moved.
fn moved(survey: &Survey, but: &str) -> (u64, u64) {
    sum(survey, |name| name != but)
}

/// Objects and bytes that exchanges of this node have moved.
fn own(survey: &Survey, node: &str) -> (u64, u64) {
    sum(survey, |name| name == node)
}

fn sum(survey: &Survey, of: impl Fn(&str) -> bool) -> (u64, u64) {
    let said = survey.nodes.iter().filter_map(|node| node.said.as_ref().ok());
    said.filter(|said| of(&said.name)).fold((0, 0), |(objects, bytes), said| {
        let done = &said.since_start;
        (objects + done.exchanged_objects, bytes + done.exchanged_bytes)
    })
}

/// A node's replica of a partition.
async fn replica(client: &Client, partition: u32) -> Result<PartitionDocument, Failure> {
    let said = client.node(Detail::Partitions).await?;
    let found = said.partitions.into_iter().find(|each| each.partition == partition);
    found.ok_or_else(|| Failure::new(format!("{} is no replica of the cart", said.name)))
}

/// A read that waits for every replica.
fn everywhere() -> RequestOptions {
    let quorum = QuorumOptions { r: Some(Level::All), ..QuorumOptions::default() };
    RequestOptions { quorum, ..options() }
}

pub(super) fn millis(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
