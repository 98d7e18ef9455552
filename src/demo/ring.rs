//! The tour's first step: the nodes become a cluster, and its ring is drawn.

use serde_json::{Value, json};
use stator_client::{Client, MemberDocument};
use tokio::time::Instant;

use crate::demo::narrator::Narrator;
use crate::demo::processes::Cluster;
use crate::demo::waiting::until;
use crate::failure::Failure;
use crate::output;

/// Characters of the longest bar.
const BAR: f64 = 40.0;

/// All nodes up, joined by one commit, the ring drawn.
pub(super) async fn form(
    narrator: &Narrator,
    cluster: &mut Cluster,
    clients: &[Client],
) -> Result<Value, Failure> {
    let begun = Instant::now();
    let first = &clients[0];
    narrator
        .say("  n1 founds a cluster of its own; the others start with --join and are staged.")?;
    let known = until(cluster, "not all nodes have been heard of", async || {
        let cluster = first.cluster().await.ok()?;
        (cluster.members.len() == clients.len()).then_some(cluster)
    })
    .await?;
    if known.members.iter().any(|member| member.state == "joining") {
        let plan = first.plan().await?;
        first.commit(plan.version).await?;
        narrator.say(&format!(
            "  One operator's commit, `stator cluster commit --version {}`, takes them all in. \
             Until they have what n1 had it answers for them:",
            plan.version
        ))?;
    }
    let mut newest = None;
    for client in clients {
        let settled = until(cluster, "not all nodes serve the same settled ring", async || {
            let cluster = client.cluster().await.ok()?;
            let all = cluster.members.len() == clients.len();
            let up = cluster.members.iter().all(|member| member.state == "up");
            let same = newest.is_none_or(|version| version == cluster.ring_version);
            // Until then only the founder answers reads, as the one owner of the ring before.
            let is_settled = cluster.transition.is_none();
            (all && up && same && is_settled && client.ready().await.is_ok()).then_some(cluster)
        });
        newest = Some(settled.await?.ring_version);
    }
    let document = first.cluster().await?;
    let named = |member: &MemberDocument| (member.name.clone(), member.share);
    draw(narrator, &document.members.iter().map(named).collect::<Vec<_>>())?;
    let shares: Vec<f64> = document.members.iter().map(|member| member.share).collect();
    check_balance(&shares)?;
    Ok(json!({
        "nodes": clients.len(),
        "ring_version": document.ring_version,
        "shares": shares,
        "seconds": begun.elapsed().as_secs_f64(),
    }))
}

/// Draws how much each node owns.
pub(super) fn draw(narrator: &Narrator, shares: &[(String, f64)]) -> Result<(), Failure> {
    let largest = shares.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    for (name, share) in shares {
        let length = (share / largest.max(f64::MIN_POSITIVE) * BAR).round() as usize;
        let (bar, share) = ("█".repeat(length), output::percent(*share));
        narrator.say(&format!("  {name:>4} {bar:<40} {share} of all replicas"))?;
    }
    Ok(())
}

/// Nodes of one weight own nearly the same.
pub(super) fn check_balance(shares: &[f64]) -> Result<(), Failure> {
    let total: f64 = shares.iter().sum();
    let even = 1.0 / shares.len() as f64;
    let off = shares.iter().map(|share| (share - even).abs()).fold(0.0, f64::max);
    if (total - 1.0).abs() > 1e-6 {
        return Err(Failure::new(format!("the shares add up to {total}, not to 1")));
    }
    if off > even * 0.1 {
        return Err(Failure::new(format!("a node's share is {off:.3} off the even {even:.3}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_is_checked() {
        assert!(check_balance(&[0.33, 0.34, 0.33]).is_ok());
        assert!(check_balance(&[0.5, 0.25, 0.25]).is_err());
        assert!(check_balance(&[0.3, 0.3, 0.3]).is_err());
    }
}
