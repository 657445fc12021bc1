"""Many small messages in one job, and one small message at a time: Ubertoons beside BullMQ."""

import itertools
import json
import random
import pathlib
import statistics
import subprocess
import sys

import bullmq_side
import celery_side
import processes
import report
import rocks_side
import ubertoons_side

MESSAGE_BYTES = 1024
WORK = pathlib.Path(__file__).resolve().parent.parent / "build" / "release" / "bin" / "bench-message-loop"
OURS = "Ubertoons (synced before 202 and before an outcome counts)"
CELERY = "Celery, appendfsync everysec"
LIMIT = "RocksDB alone (the same rows, synced in batches as large)"


def write_messages(path, count):
    """One JSON object of MESSAGE_BYTES a line, all different, from a fixed seed."""
    rng = random.Random(1)
    with open(path, "w", encoding="ascii") as out:
        for i in range(count):
            value = {"seq": i, "kind": "reading", "gadget": f"unit-{rng.randrange(10_000)}", "ok": bool(i % 7),
                     "values": [round(rng.uniform(-100, 100), 3) for _ in range(16)],
                     "nested": {"z": rng.randrange(1000), "a": {"deep": None, "text": "line\nbreak"}}}
            line = json.dumps(value, separators=(",", ":"))
            room = MESSAGE_BYTES - len(line) - len(',"pad":""')
            value["pad"] = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz ", k=max(0, room)))
            out.write(json.dumps(value, separators=(",", ":")) + "\n")


def sides(options, scratch):
    """{name: function that makes a fresh system}, in the order of each round."""
    made = {OURS: lambda: ubertoons_side.Ubertoons(scratch / "ubertoons", options.own_workers)}
    for fsync in () if options.alone else ("everysec", "always"):
        made[f"BullMQ, appendfsync {fsync}"] = lambda fsync=fsync: bullmq_side.BullMq(
            scratch / "bullmq", fsync, options.workers, arguments=("--concurrency", options.concurrency))
    if not options.alone:
        made[CELERY] = lambda: celery_side.Celery(scratch / "celery", options.workers)
    return made


def _ours(system, messages, scratch):
    """{"seconds", "cpu": microseconds a toon by who spent them, "batch": outcomes a commit, "limit": seconds that RocksDB alone
    takes for as many toons}"""
    system.prepare(messages)
    commits, cpu = system.commits(), processes.Cpu(system.process.pid)
    seconds = system.run_prepared()
    spent, batch = cpu.spent(), system.prepared_count / (system.commits() - commits)
    system.stop()
    alone = rocks_side.write_again(system.folder / "data", scratch / "rocks", max(1, round(batch)))
    return {"seconds": seconds, "batch": batch, "limit": alone["seconds"] * system.prepared_count / alone["rows"],
            "bytes": alone["bytes"] / alone["rows"], "cpu": {name: 1e6 * one / system.prepared_count for name, one in spent.items()}}


def _head(messages, count, scratch):
    """The first `count` messages as a file of their own."""
    part = scratch / "messages-part.ndjson"
    with open(messages, encoding="ascii") as lines:
        part.write_text("".join(itertools.islice(lines, count)), encoding="ascii")
    return part


def _where(rounds, messages):
    """Where the CPU time of one toon goes, medians of the rounds, and what the bare work on it takes."""
    parts = {name: statistics.median(one["cpu"][name] for one in rounds) for name in rounds[0]["cpu"]}
    done = subprocess.run([WORK, messages], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=600)
    return (f"CPU of one toon in Ubertoons, in us: {', '.join(f'{name} {value:.2f}' for name, value in parts.items())}; together {sum(parts.values()):.2f}\n"
            f"Of that the work itself (parse, canonical form, SHA-256; measured by itself): {json.loads(done.stdout)['microseconds']:.2f} us")


def throughput(options, scratch):
    """The table. The systems take turns, so that a slow minute hits all of them."""
    messages = scratch / "messages.ndjson"
    write_messages(messages, options.toons)
    fewer = min(options.toons, options.celery_toons)
    head = _head(messages, fewer, scratch)
    made, ours = sides(options, scratch), []
    per_toon = {name: [] for name in (LIMIT, *made)}  # seconds
    for turn in range(options.runs):
        for name, make in made.items():
            with make() as system:
                if name == OURS:
                    ours.append(_ours(system, messages, scratch))
                    per_toon[OURS].append(ours[-1]["seconds"] / options.toons)
                    per_toon[LIMIT].append(ours[-1]["limit"] / options.toons)
                elif name == CELERY:
                    per_toon[CELERY].append(system.throughput(head) / fewer)
                else:
                    per_toon[name].append(system.throughput(messages) / options.toons)
            print(f"round {turn + 1}: {name}: {1 / per_toon[name][-1]:,.0f} toons/s", file=sys.stderr, flush=True)
    rows = [("", "toons/s (median)", "of all runs", "Ubertoons is faster", "toons in the run")]
    for name, seconds in per_toon.items():
        rates = [1 / one for one in seconds]
        rows.append((name, f"{statistics.median(rates):,.0f}", report.spread(rates, ",.0f"),
                     "" if name == OURS else report.ratio(per_toon[OURS], seconds, ".2f" if name == LIMIT else ".1f") + " x",
                     f"{fewer if name == CELERY else options.toons:,}"))
    batch, size = (statistics.median(one[key] for one in ours) for key in ("batch", "bytes"))
    return (f"messages of {MESSAGE_BYTES} bytes in one job\n{report.table(rows)}\n"
            f"Ubertoons committed {batch:,.0f} outcomes at a time, {size:,.0f} bytes each with its key; RocksDB alone wrote batches of as many.\n"
            f"{_where(ours, messages)}")


def latency(options, scratch):
    rows = [("", "p50", "p99")]
    for name, make in sides(options, scratch).items():
        with make() as system:
            spent = system.latency(options.latency)
        rows.append((name, f"{report.percentile(spent, 0.5):.1f} ms", f"{report.percentile(spent, 0.99):.1f} ms"))
    return f"{options.latency} single messages, one after another, each until its end is seen\n{report.table(rows)}"
