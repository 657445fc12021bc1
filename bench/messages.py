"""Many small messages in one job, and one small message at a time: Ubertoons beside BullMQ."""

import json
import random
import statistics
import sys

import bullmq_side
import report
import ubertoons_side

MESSAGE_BYTES = 1024
OURS = "Ubertoons (synced before 202 and before an outcome counts)"


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
    return made


def throughput(options, scratch):
    """The table. The systems take turns, so that a slow minute hits all of them."""
    messages = scratch / "messages.ndjson"
    write_messages(messages, options.toons)
    made = sides(options, scratch)
    found = {name: [] for name in made}
    for turn in range(options.runs):
        for name, make in made.items():
            with make() as system:
                found[name].append(system.throughput(messages))
            print(f"round {turn + 1}: {name}: {options.toons / found[name][-1]:,.0f} toons/s", file=sys.stderr, flush=True)
    rows = [("", "toons/s (median)", "of all runs", "Ubertoons is faster")]
    for name, seconds in found.items():
        rates = [options.toons / one for one in seconds]
        rows.append((name, f"{statistics.median(rates):,.0f}", report.spread(rates, ",.0f"),
                     "" if name == OURS else report.ratio(found[OURS], seconds, ".1f") + " x"))
    return f"{options.toons:,} messages of {MESSAGE_BYTES} bytes in one job\n{report.table(rows)}"


def latency(options, scratch):
    rows = [("", "p50", "p99")]
    for name, make in sides(options, scratch).items():
        with make() as system:
            spent = system.latency(options.latency)
        rows.append((name, f"{report.percentile(spent, 0.5):.1f} ms", f"{report.percentile(spent, 0.99):.1f} ms"))
    return f"{options.latency} single messages, one after another, each until its end is seen\n{report.table(rows)}"
