//! What was asked for on the command line, checked and made a plan.

use std::num::NonZeroUsize;

use rand::RngCore;
use serde_json::{Value, json};

use crate::bench::plan::{Doors, LoadPlan, RespDoors};
use crate::bench::servers::Servers;
use crate::cli::{BenchArgs, Mix, Protocol, Target};
use crate::config::client_key_of_environment;
use crate::failure::Failure;

const STATOR_RESP: &str = "127.0.0.1:7412";
const REDIS: &str = "127.0.0.1:6379";

/// The plan, and whose use is told.
pub(super) fn plan(args: &BenchArgs) -> Result<(LoadPlan, Servers), Failure> {
    let protocol = protocol(args);
    check(args, protocol)?;
    let plan = LoadPlan {
        doors: doors(args, protocol)?,
        bucket: args.bucket.clone(),
        conns: args.conns,
        pipeline: args.pipeline,
        threads: threads(args),
        value_size: args.value_size,
        keys: args.keys,
        prefix: prefix(args),
        distribution: if args.mix == Mix::Load {
            crate::cli::Distribution::Sequential
        } else {
            args.distribution
        },
        zipf_exponent: args.zipf_exponent,
        mix: args.mix,
        fill: fills(args, protocol),
        rate: args.rate,
        warm_up: args.warm_up,
        duration: args.duration,
        slot: args.slot,
    };
    let nodes = match args.target {
        Target::Stator => args.endpoint.clone(),
        Target::Redis => Vec::new(),
    };
    Ok((plan, Servers { pids: args.pid.clone(), nodes }))
}

fn protocol(args: &BenchArgs) -> Protocol {
    match args.target {
        Target::Redis => Protocol::Resp,
        Target::Stator => args.protocol,
    }
}

fn check(args: &BenchArgs, protocol: Protocol) -> Result<(), Failure> {
    let resp = protocol == Protocol::Resp;
    if args.pipeline.get() > 1 && !resp {
        return Err(Failure::usage("--pipeline is for --protocol resp")
            .try_next("raise --conns: each connection has one request under way"));
    }
    if !args.resp.is_empty() && !resp {
        return Err(Failure::usage("--resp is for --protocol resp")
            .try_next("add --protocol resp, or name nodes with --endpoint"));
    }
    if args.wait.is_some() && args.target != Target::Redis {
        return Err(Failure::usage("--wait is for --target redis: Stator has no WAIT").try_next(
            "set how many replicas must acknowledge with `stator bucket set redis.0 w=N`",
        ));
    }
    if args.rate.is_some() && args.mix == Mix::Load {
        return Err(Failure::usage("--mix load goes as fast as it is answered, without --rate")
            .try_next("leave --rate away, or take --mix put"));
    }
    if args.no_fill && args.mix.puts_unread() && !resp {
        return Err(Failure::usage(
            "--no-fill leaves the contexts of keys unknown: puts would pile up siblings",
        )
        .try_next("take --mix get or f, --protocol resp, or leave --no-fill away"));
    }
    if args.mix.writes() && args.mix != Mix::Load && !resp && fewer_keys_than_conns(args) {
        return Err(Failure::usage(format!(
            "{} keys are fewer than {} connections, of which each puts a key of its own",
            args.keys, args.conns
        ))
        .try_next("raise --keys, or lower --conns"));
    }
    Ok(())
}

fn fewer_keys_than_conns(args: &BenchArgs) -> bool {
    usize::try_from(args.keys.get()).is_ok_and(|keys| keys < args.conns.get())
}

fn doors(args: &BenchArgs, protocol: Protocol) -> Result<Doors, Failure> {
    Ok(match protocol {
        Protocol::Http => Doors::Http(args.endpoint.clone()),
        Protocol::Resp => {
            let usual = if args.target == Target::Redis { REDIS } else { STATOR_RESP };
            let addresses =
                if args.resp.is_empty() { vec![usual.to_owned()] } else { args.resp.clone() };
            Doors::Resp(RespDoors { addresses, dbnum: args.dbnum, wait: args.wait })
        }
        Protocol::Native => {
            let key = client_key_of_environment()?.ok_or_else(|| {
                Failure::usage("native connections want the client key, and this shell has none")
                    .try_next(
                        "set STATOR_CLIENT_KEY or STATOR_CLIENT_KEY_FILE to what `stator secret \
                         --client` prints where the cluster's secret is",
                    )
            })?;
            Doors::Native(args.endpoint.clone(), key)
        }
    })
}

fn threads(args: &BenchArgs) -> NonZeroUsize {
    let quarter = || {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        NonZeroUsize::new(processors / 4).unwrap_or(NonZeroUsize::MIN)
    };
    args.threads.unwrap_or_else(quarter).min(args.conns)
}

/// Reads want keys that are there, and so does who puts again what an earlier run has put.
fn fills(args: &BenchArgs, protocol: Protocol) -> bool {
    let puts_again = args.key_prefix.is_some() && protocol != Protocol::Resp;
    let wanted = args.mix.reads() || puts_again;
    wanted && args.mix != Mix::Load && !args.no_fill
}

/// Reads want keys that are there; pure puts want keys that no earlier run has left.
fn prefix(args: &BenchArgs) -> String {
    if let Some(prefix) = &args.key_prefix {
        return prefix.clone();
    }
    if args.mix.reads() || args.mix == Mix::Load {
        return format!("{}-", args.value_size);
    }
    format!("{:016x}-", rand::rng().next_u64())
}

/// What is to be known of a load beside its figures.
pub(super) fn document(args: &BenchArgs, plan: &LoadPlan) -> Value {
    let protocol = protocol(args);
    json!({
        "protocol": format!("{protocol:?}").to_lowercase(),
        "target": format!("{:?}", args.target).to_lowercase(),
        "loop": if plan.rate.is_some() { "open" } else { "closed" },
        "rate": plan.rate,
        "connections": plan.conns,
        "pipeline": plan.pipeline,
        "threads": plan.threads,
        "mix": plan.mix.to_string(),
        "keys": plan.keys,
        "distribution": format!("{:?}", plan.distribution).to_lowercase(),
        "zipf_exponent": plan.zipf_exponent,
        "value_bytes_min": plan.value_size.min,
        "value_bytes_max": plan.value_size.max,
        "wait": args.wait,
    })
}

/// A load in a line.
pub(super) fn title(args: &BenchArgs) -> String {
    let protocol = format!("{:?}", protocol(args)).to_lowercase();
    let pace = match args.rate {
        Some(rate) => format!("{rate}/s due"),
        None => "closed loop".to_owned(),
    };
    let distribution = format!("{:?}", args.distribution).to_lowercase();
    format!(
        "stator bench --mix {} over {protocol}, {} connections, {pace}, {} keys ({distribution}), {} B",
        args.mix, args.conns, args.keys, args.value_size
    )
}
