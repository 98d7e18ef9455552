#!/usr/bin/env python3
"""What a request costs, stage by stage: reads `perf script` and adds up samples.

    RUSTFLAGS="-C force-frame-pointers=yes" cargo build --release
    perf record -F 999 -g -p PID,PID,PID -- sleep 10      # while a benchmark runs
    perf script -F comm,ip,sym | benches/profile/stages.py 79.3

The argument is the processor time of one operation in microseconds, as `stator bench --pid` tells it;
with it, shares become microseconds. A sample belongs to the first stage below that has a name in its
stack, so that each is counted once.
"""

import sys
from collections import Counter

STAGES = [
    ("sync: fdatasync", ["fdatasync", "Store>::sync"]),
    ("store: writing a batch", ["FjallStore as stator_core::store::Store>::write", "store_writer::write"]),
    ("store: tables and compaction", ["fjall::worker_pool", "fjall::flush", "fjall::compaction"]),
    ("store: reading", ["ReadStore>::get"]),
    ("context: sealing and opening", ["context::seal"]),
    ("digest and Merkle tree", ["ObjectDigest", "merkle::", "trees::Kept::changed"]),
    ("replica: minting and merging", ["stator_core::replica", "stator_core::object"]),
    ("frames: sealing for peers", ["wire::transport::Sealer", "proto::encode_shard"]),
    ("frames: opening of peers", ["wire::transport::Opener", "proto::decode_shard"]),
    ("frames: peers' sockets", ["node::links", "shard::reader"]),
    ("coordinator and the rest of the core", ["stator_core::"]),
    ("client: socket, reading", ["resp::connection::stream::Stream::read", "Prefixed", "poll_read", "connection::reading"]),
    ("client: socket, writing", ["resp::connection::stream::Stream::write", "poll_write", "connection::writing"]),
    ("client: requests and replies", ["stator_server", "hyper::", "axum::", "NodeHandle"]),
    ("shard: turns", ["shard::core_loop"]),
    ("waiting and waking", ["epoll_wait", "park", "futex", "schedule", "Driver::turn"]),
]


def stage(frames):
    for name, marks in STAGES:
        if any(mark in frame for frame in frames for mark in marks):
            return name
    return "anything else"


def stacks(lines):
    frames = []
    for line in lines:
        if line.strip() == "":
            if frames:
                yield frames
            frames = []
        elif line[0].isspace():
            frames.append(line.strip().partition(" ")[2])
    if frames:
        yield frames


def main():
    per_operation = float(sys.argv[1]) if len(sys.argv) > 1 else None
    counts = Counter(stage(frames) for frames in stacks(sys.stdin))
    total = sum(counts.values())
    for name, _ in STAGES + [("anything else", [])]:
        share = counts[name] / max(total, 1)
        time = f"{share * per_operation:8.1f} µs" if per_operation else ""
        print(f"{name:40} {share * 100:6.1f} % {time}")


if __name__ == "__main__":
    main()
