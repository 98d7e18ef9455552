#!/usr/bin/env python3
"""Measures what docs/performance.md says, on real processes on this machine.

    cargo build --release
    benches/performance.py doors   --rounds 3      # puts and gets by each door, a Redis beside them
    benches/performance.py late                    # latency at half of the most that is done
    benches/performance.py nodes                   # CPU per operation with 1, 3 and 5 nodes
    benches/performance.py steady                  # 1, 3 and 5 nodes of which the same is asked: each node, or all together
    benches/performance.py everywhere              # gets where each node, two to five of them, has everything
    benches/performance.py objects --most 10000000 # and with ever more objects
    benches/performance.py beyond                  # with four times the objects that the caches hold
    benches/performance.py memory                  # of an idle node, per object, per connection
    benches/performance.py skew                    # one hot key, one hot partition, large values
    benches/performance.py limits                  # what this machine takes for a sync and for a loopback request

The nodes have one shard each (`--shards 1`): several share two processors here. Everything else is as a
node is when nobody sets anything. A Redis takes part if `redis-server` is installed; with `--stator` another
binary is measured. Data is in a temporary directory and goes with it.
"""

import argparse
import atexit
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


class Servers:
    """Processes that end with this program."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="stator-performance-")
        self.processes = []
        # Also where a cluster does not form.
        atexit.register(self.stop)

    def start(self, name, command):
        log = open(os.path.join(self.dir, name + ".log"), "wb")
        self.processes.append(subprocess.Popen(command, cwd=self.dir, stdout=log, stderr=log, env=self.env()))

    def env(self):
        return dict(os.environ)

    def pids(self):
        return [process.pid for process in self.processes]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Cluster(Servers):
    """Nodes of Stator that have formed a cluster."""

    def __init__(self, stator, nodes, *more):
        super().__init__()
        self.stator = stator
        self.secret = subprocess.check_output([stator, "secret"], text=True).strip()
        ports = free_ports(3 * nodes)
        self.peers, self.https, self.resps = (ports[i::3] for i in range(3))
        for i in range(nodes):
            way_in = ["--init"] if i == 0 else ["--join", f"127.0.0.1:{self.peers[0]}"]
            where = [f"127.0.0.1:{port}" for port in (self.peers[i], self.https[i], self.resps[i])]
            self.start(f"n{i}", [stator, "serve", "--name", f"n{i}", "--data", f"d{i}", *way_in,
                                 "--peer", where[0], "--http", where[1], "--resp", where[2],
                                 "--shards", "1", *more])
            if i == 0:
                self.until_ready(1)
        if nodes > 1:
            self.commit(nodes)
        self.until_ready(nodes)
        if self.cli("verify", "--timeout", "60s").returncode != 0:
            raise SystemExit("the cluster does not come to rest")

    def env(self):
        return {**super().env(), "STATOR_SECRET": self.secret}

    def endpoints(self):
        return ",".join(f"http://127.0.0.1:{port}" for port in self.https)

    def commit(self, nodes):
        until = time.time() + 60
        while time.time() < until:
            status = self.cli("cluster", "plan", "--json")
            if status.returncode == 0 and len(json.loads(status.stdout)["changes"]) == nodes - 1:
                version = str(json.loads(status.stdout)["version"])
                if self.cli("cluster", "commit", "--version", version).returncode == 0:
                    return
            time.sleep(0.2)
        raise SystemExit("the cluster did not form: " + status.stdout[:300] + status.stderr)

    def cli(self, *args):
        return subprocess.run([self.stator, *args, "--endpoint", self.endpoints().split(",")[0]],
                              env=self.env(), capture_output=True, text=True)

    def until_ready(self, nodes):
        for port in self.https[:nodes]:
            url = f"http://127.0.0.1:{port}/readyz"
            until = time.time() + 60
            while subprocess.run(["curl", "-sf", url], stdout=subprocess.DEVNULL).returncode != 0:
                if time.time() > until:
                    raise SystemExit(f"{url} does not answer well")
                time.sleep(0.1)

    def bench(self, *args, protocol="resp", timeout=3600):
        client = subprocess.check_output([self.stator, "secret", "--client"], env=self.env(), text=True)
        env = {**self.env(), "STATOR_CLIENT_KEY": client.strip()}
        doors = ["--resp", ",".join(f"127.0.0.1:{port}" for port in self.resps)] if protocol == "resp" else []
        return run_bench(self.stator, [
            "--protocol", protocol, "--endpoint", self.endpoints(), *doors, "--pid", ",".join(map(str, self.pids())), *args], env, timeout)


class Redis(Servers):
    """Redis servers: one that writes, and others that follow it, all of them syncing each write."""

    def __init__(self, stator, servers):
        super().__init__()
        self.stator = stator
        self.ports = free_ports(servers)
        for i, port in enumerate(self.ports):
            os.mkdir(os.path.join(self.dir, f"d{i}"))
            follow = ["--replicaof", "127.0.0.1", str(self.ports[0])] if i else []
            self.start(f"r{i}", ["redis-server", "--port", str(port), "--dir", f"{self.dir}/d{i}", "--save", "",
                                 "--appendonly", "yes", "--appendfsync", "always", *follow])
        time.sleep(3)

    def bench(self, *args):
        return run_bench(self.stator, [
            "--target", "redis", "--resp", f"127.0.0.1:{self.ports[0]}",
            "--pid", ",".join(map(str, self.pids())), *args], self.env(), 3600)


def run_bench(stator, args, env, timeout):
    done = subprocess.run([stator, "bench", "--json", *args], env=env, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise SystemExit(f"stator bench {' '.join(args)}: {done.stdout}{done.stderr}")
    found = json.loads(done.stdout)
    if found["errors"]:
        say(f"  errors: {found['errors']}")
    return found


def figures(found):
    kind = next(name for name in ("put", "get") if found[name]["operations"])
    return {
        "cpu": found["server_cpu_us_per_operation"],
        "rate": found["operations_per_second"],
        "p50": found[kind]["p50_us"] / 1e3,
        "p99": found[kind]["p99_us"] / 1e3,
        "p99.9": found[kind]["p999_us"] / 1e3,
        "max": found[kind]["max_us"] / 1e3,
        "written": found["servers"].get("written_bytes_per_operation"),
        "syncs": found["servers"].get("syncs_per_operation"),
    }


def table(rows):
    names = list(rows[0])
    print("| " + " | ".join(names) + " |")
    print("|" + " --- |" * len(names))
    for row in rows:
        print("| " + " | ".join(text(row[name]) for name in names) + " |")
    sys.stdout.flush()


def text(value):
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def median(all_figures):
    values = lambda name: [each[name] for each in all_figures if each[name] is not None]
    return {name: statistics.median(values(name)) if values(name) else None for name in all_figures[0]}


def spread(all_figures):
    return ", ".join(text(each) for each in sorted(run["cpu"] for run in all_figures))


def doors(options):
    time_each = ["--duration", f"{options.seconds}s", "--warm-up", "2s"]
    work = {}

    def note(name, found):
        work.setdefault(name, []).append(figures(found))
        say(f"  {name}: {work[name][-1]}")

    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}: stator")
        with Cluster(options.stator, 3) as cluster:
            for protocol in ("resp", "native", "http"):
                cluster.bench("--mix", "load", "--key-prefix", "k", protocol=protocol)
                for mix, conns in (("put", 64), ("get", 64), ("put", 16), ("get", 16)):
                    found = cluster.bench("--mix", mix, "--conns", str(conns), "--key-prefix", "k", *time_each,
                                          protocol=protocol)
                    note(f"{mix}, {protocol}, {conns} connections", found)
            cluster.cli("bucket", "set", "redis.0", "r=1")
            time.sleep(2)
            found = cluster.bench("--mix", "get", "--key-prefix", "k", *time_each)
            note("get R=1, resp, 64 connections", found)
        if not shutil.which("redis-server"):
            continue
        for servers, wait in ((1, []), (3, ["--wait", "1"])):
            say(f"round {number + 1}: redis, {servers}")
            with Redis(options.stator, servers) as redis:
                redis.bench("--mix", "load", "--key-prefix", "k")
                what = "Redis alone, always" if servers == 1 else "Redis and 2 replicas, always, WAIT 1"
                for mix, conns in (("put", 64), ("put", 16)):
                    found = redis.bench("--mix", mix, "--conns", str(conns), "--key-prefix", "k", *wait, *time_each)
                    note(f"{mix}, {what}, {conns} connections", found)
                note(f"get, {what}, 64 connections", redis.bench("--mix", "get", "--key-prefix", "k", *time_each))
    rows = []
    for name, found in work.items():
        middle = median(found)
        cpus = sorted(each["cpu"] for each in found)
        rows.append({"work": name, "µs of server CPU": middle["cpu"], "runs": ", ".join(text(cpu) for cpu in cpus),
                     "per second": middle["rate"], "p50 ms": middle["p50"], "p99 ms": middle["p99"],
                     "p99.9 ms": middle["p99.9"], "bytes written": middle["written"], "syncs": middle["syncs"]})
    table(rows)


def late(options):
    rows = []
    with Cluster(options.stator, 3) as cluster:
        for mix in ("put", "get", "a"):
            time_each = ["--duration", f"{2 * options.seconds}s", "--warm-up", "2s", "--mix", mix]
            most = cluster.bench(*time_each)["operations_per_second"]
            for part in (0.25, 0.5):
                found = cluster.bench(*time_each, "--rate", str(int(most * part)), "--conns", "256")
                for kind in ("put", "get"):
                    if not found[kind]["operations"]:
                        continue
                    at = found[kind]
                    row = {"mix": mix, "most per second": most, "rate": found["operations_per_second"], "of it": kind,
                           **{name: at[key] / 1e3 for name, key in
                              (("p50 ms", "p50_us"), ("p99 ms", "p99_us"), ("p99.9 ms", "p999_us"), ("max ms", "max_us"))},
                           "p99.9 / p50": at["p999_us"] / at["p50_us"], "CPU": found["server_cpu_us_per_operation"]}
                    rows.append(row)
                    say(f"  {row}")
    table(rows)


def nodes(options):
    """With 64 connections in all, and with as many for each node as three nodes have of 64. Each round goes through
    all sizes, so that what the machine does meanwhile meets all of them."""
    work = {}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        for count in (1, 3, 5):
            with Cluster(options.stator, count) as cluster:
                cluster.bench("--mix", "load", "--key-prefix", "k")
                for conns in dict.fromkeys((64, round(64 * count / 3))):
                    for mix in ("put", "get"):
                        found = figures(cluster.bench("--mix", mix, "--key-prefix", "k", "--conns", str(conns),
                                                      "--duration", f"{options.seconds}s", "--warm-up", "2s"))
                        work.setdefault((count, conns), {}).setdefault(mix, []).append(found)
                        say(f"  {count} nodes, {conns} connections, {mix}: {found}")
    rows = []
    for (count, conns), mixes in work.items():
        row = {"nodes": count, "connections": conns}
        for mix, runs in mixes.items():
            found = median(runs)
            row |= {f"{mix} µs": found["cpu"], f"{mix} runs": spread(runs),
                    f"{mix} per second": found["rate"], f"{mix} syncs": found["syncs"]}
        rows.append(row)
    table(rows)
    print()
    beside = {mix: [five["cpu"] / three["cpu"] for three, five in zip(work[3, 64][mix], work[5, 107][mix])]
              for mix in ("put", "get")}
    table([{"mix": mix, "5 nodes beside 3": f"{statistics.median(ratios):.2f}",
            "rounds": ", ".join(f"{ratio:.2f}" for ratio in ratios)} for mix, ratios in beside.items()])
    print()
    table([by_replica(mix, replicas, work) for mix, replicas in (("put", 3), ("get", 2))])


def by_replica(mix, replicas, work):
    """What each replica that a request needs costs, and how far the sizes are from the middle of them. A put writes
    three and a get asks two, or as many as there are."""
    each = {count: median(work[count, conns][mix])["cpu"] / min(count, replicas)
            for count, conns in ((1, 21), (3, 64), (5, 107))}
    middle = (min(each.values()) + max(each.values())) / 2
    return {"µs for each replica": mix, **{f"nodes: {count}": cpu for count, cpu in each.items()},
            "from the middle": f"{100 * (max(each.values()) / middle - 1):.0f} %"}


def steady(options):
    """Requests that come at a rate: 3 and 5 nodes of which as much is asked together, and as much of each."""
    work = {}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        for count, rates in ((1, {"put": (2000,), "get": (8000,)}),
                             (3, {"put": (6000, 10000), "get": (24000, 40000)}),
                             (5, {"put": (6000, 10000), "get": (24000, 40000)})):
            with Cluster(options.stator, count) as cluster:
                cluster.bench("--mix", "load", "--key-prefix", "k")
                for mix, rate in ((mix, rate) for mix in rates for rate in rates[mix]):
                    found = figures(cluster.bench("--mix", mix, "--key-prefix", "k", "--conns", "107", "--rate", str(rate),
                                                  "--duration", f"{options.seconds}s", "--warm-up", "2s"))
                    work.setdefault((mix, rate, count), []).append(found)
                    say(f"  {count} nodes, {rate} per second, {mix}: {found}")
    rows = []
    for (mix, rate, count), runs in sorted(work.items(), key=lambda item: (item[0][0] != "put", *item[0][1:])):
        found = median(runs)
        rows.append({"mix": mix, "nodes": count, "asked per second": rate, "of each node": rate // count,
                     "µs": found["cpu"], "runs": spread(runs), "p50 ms": found["p50"], "syncs": found["syncs"]})
    table(rows)


def everywhere(options):
    """Gets where each node is a replica of everything: the same work, whatever the number of nodes."""
    work = {}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        for count in (2, 3, 4, 5):
            with Cluster(options.stator, count, "--replicas", str(count)) as cluster:
                cluster.bench("--mix", "load", "--key-prefix", "k")
                for r in (2, 1):
                    changed = cluster.cli("bucket", "set", "redis.0", f"r={r}")
                    if changed.returncode != 0:
                        raise SystemExit(changed.stderr)
                    time.sleep(2)
                    found = figures(cluster.bench("--mix", "get", "--key-prefix", "k", "--conns", str(round(64 * count / 3)),
                                                  "--duration", f"{options.seconds}s", "--warm-up", "2s"))
                    work.setdefault(count, {}).setdefault(r, []).append(found)
                    say(f"  {count} nodes, R={r}: {found}")
    rows = []
    for count, by_r in work.items():
        row = {"nodes": count, "N": count, "connections": round(64 * count / 3)}
        for r, runs in by_r.items():
            found = median(runs)
            row |= {f"get µs, R={r}": found["cpu"], f"runs, R={r}": spread(runs), f"per second, R={r}": found["rate"]}
        rows.append(row)
    table(rows)


def small_objects(cluster, count, options):
    """A row of what puts and gets of so many objects of 100 bytes cost."""
    began = time.time()
    load = cluster.bench("--mix", "load", "--keys", str(count), "--value-size", "100", "--key-prefix", "k",
                         "--pipeline", "16", "--conns", "32")
    row = {"objects": count, "loaded per second": load["operations_per_second"],
           "load µs": load["server_cpu_us_per_operation"]}
    say(f"  loaded {count} in {time.time() - began:.0f} s")
    time.sleep(options.rest)
    for mix in ("put", "get"):
        runs = [figures(cluster.bench("--mix", mix, "--keys", str(count), "--value-size", "100", "--key-prefix", "k",
                                      "--no-fill", "--duration", f"{options.seconds}s", "--warm-up", "3s"))
                for _ in range(options.rounds)]
        found = median(runs)
        row |= {f"{mix} µs": found["cpu"], f"{mix} runs": spread(runs), f"{mix} per second": found["rate"],
                f"{mix} p99 ms": found["p99"]}
    row["MiB resident per node"] = sum(map(resident, cluster.pids())) / 3 / 2**20
    say(f"  {row}")
    return row


def objects(options):
    rows, count = [], 10_000
    with Cluster(options.stator, 3) as cluster:
        while count <= options.most:
            rows.append(small_objects(cluster, count, options))
            count *= 10
    table(rows)


def beyond(options):
    """What objects would take in a cache (some 220 bytes each) is four times what caches may take."""
    count = 4_000_000
    with Cluster(options.stator, 3, "--cache-bytes", str(count * 220 // 4)) as cluster:
        table([small_objects(cluster, count, options)])


def memory(options):
    rows = []
    for partitions in (256, 4096):
        with Cluster(options.stator, 1, "--partitions", str(partitions)) as cluster:
            time.sleep(10)
            idle = resident(cluster.pids()[0])
            rows.append({"a node": f"idle, {partitions} partitions", "MiB": idle / 2**20})
            say(f"  {rows[-1]}")
            if partitions == 256:
                pid, port = cluster.pids()[0], cluster.resps[0]
                held = []
                for _ in range(1000):
                    each = socket.create_connection(("127.0.0.1", port))
                    each.sendall(b"*1\r\n$4\r\nPING\r\n")
                    each.recv(16)
                    held.append(each)
                rows.append({"a node": "each of 1,000 connections, KiB",
                             "MiB": (resident(pid) - idle) / 1000 / 1024})
                say(f"  {rows[-1]}")
                for each in held:
                    each.close()
    table(rows)


def skew(options):
    rows = []
    time_each = ["--duration", f"{options.seconds}s", "--warm-up", "2s"]
    with Cluster(options.stator, 3) as cluster:
        for name, args in (
            ("uniform", []),
            ("zipfian", ["--distribution", "zipfian"]),
            ("one key", ["--keys", "1"]),
            ("100 keys", ["--keys", "100"]),
            ("16 KiB values", ["--value-size", "16384", "--keys", "10000"]),
            ("1 MiB values, 8 connections", ["--value-size", "1048576", "--keys", "200", "--conns", "8"]),
        ):
            row = {"load": name}
            for mix in ("put", "get"):
                found = figures(cluster.bench("--mix", mix, *args, *time_each))
                row |= {f"{mix} µs": found["cpu"], f"{mix} per second": found["rate"], f"{mix} p50 ms": found["p50"],
                        f"{mix} p99 ms": found["p99"]}
            rows.append(row)
            say(f"  {row}")
    table(rows)


def limits(options):
    rows = []
    with tempfile.TemporaryDirectory(prefix="stator-performance-") as there:
        file = os.open(os.path.join(there, "journal"), os.O_WRONLY | os.O_CREAT)
        for size in (4096, 32 * 1024):
            page = os.urandom(size)
            for _ in range(200):
                os.write(file, page), os.fdatasync(file)
            began, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
            for _ in range(2000):
                os.write(file, page), os.fdatasync(file)
            took, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
            spent = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
            rows.append({"limit": f"append of {size // 1024} KiB and fdatasync", "µs of CPU": spent / 2000 * 1e6,
                         "µs of time": took / 2000 * 1e6})
        os.close(file)
    if shutil.which("redis-server"):
        with Redis(options.stator, 1) as redis:
            redis.bench("--mix", "load", "--key-prefix", "k")
            found = figures(redis.bench("--mix", "get", "--key-prefix", "k", "--duration", f"{options.seconds}s"))
            rows.append({"limit": "1 KiB over loopback, 64 connections (GET of a Redis)", "µs of CPU": found["cpu"],
                         "µs of time": 1e6 / found["rate"]})
    table(rows)


def main():
    scenarios = {each.__name__: each for each in (doors, late, nodes, steady, everywhere, objects, beyond, memory, skew, limits)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=scenarios)
    parser.add_argument("--stator", default=os.path.join(ROOT, "target/release/stator"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--rest", type=int, default=5, help="seconds between a load and what follows")
    options = parser.parse_args()
    options.stator = os.path.abspath(options.stator)
    scenarios[options.scenario](options)


if __name__ == "__main__":
    main()
