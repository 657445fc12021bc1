#!/usr/bin/env python3
"""./dev bench: one job of many small messages, submit to Completed, durable, through worker processes; beside BullMQ on
Redis doing the same work on the same machine in the same run. See bench/README.md for what is measured and why it is fair."""

import argparse
import json
import os
import pathlib
import platform
import random
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bullmq_side  # noqa: E402
import ubertoons_side  # noqa: E402

MESSAGE_BYTES = 1024


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
    """(name, function that makes a fresh system) in the order of each round."""
    made = [("Ubertoons (synced before 202 and before an outcome counts)",
             lambda: ubertoons_side.Ubertoons(scratch / "ubertoons", options.workers))]
    for fsync in () if options.alone else ("everysec", "always"):
        made.append((f"BullMQ, appendfsync {fsync}",
                     lambda fsync=fsync: bullmq_side.BullMq(scratch / "bullmq", fsync, options.workers, options.concurrency)))
    return made


def percentile(values, fraction):
    return sorted(values)[min(len(values) - 1, int(fraction * len(values)))]


def measure(options, scratch):
    """{name: {"seconds": [..], "milliseconds": [..]}}; the systems take turns, so that a slow minute hits all of them."""
    messages = scratch / "messages.ndjson"
    write_messages(messages, options.toons)
    found = {name: {"seconds": [], "milliseconds": []} for name, _ in sides(options, scratch)}
    for turn in range(options.runs):
        for name, make in sides(options, scratch):
            with make() as system:
                seconds = system.throughput(messages)
            found[name]["seconds"].append(seconds)
            print(f"round {turn + 1}: {name}: {options.toons / seconds:,.0f} toons/s", file=sys.stderr, flush=True)
    for name, make in sides(options, scratch) if options.latency else ():
        with make() as system:
            found[name]["milliseconds"] = system.latency(options.latency)
    return found


def table(found, toons):
    best = next(iter(found.values()))
    rows = [("", "toons/s (median)", "of all runs", "Ubertoons is faster", "one toon p50", "p99")]
    for name, figures in found.items():
        rates = [toons / seconds for seconds in figures["seconds"]]
        ratio = statistics.median(figures["seconds"]) / statistics.median(best["seconds"])
        spent = figures["milliseconds"]
        rows.append((name, f"{statistics.median(rates):,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}",
                     "" if figures is best else f"{ratio:.1f} x",
                     f"{percentile(spent, 0.5):.1f} ms" if spent else "", f"{percentile(spent, 0.99):.1f} ms" if spent else ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores, {model}, Linux {platform.release().split('-')[0]}"


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--toons", type=int, default=100_000, help="messages in the job (100000)")
    parser.add_argument("--runs", type=int, default=3, help="rounds; medians are shown (3)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="worker processes of each system (one a core)")
    parser.add_argument("--concurrency", type=int, default=50, help="jobs at once in each BullMQ worker (50, as its documentation has it)")
    parser.add_argument("--latency", type=int, default=300, help="single toons timed one after another (300; 0: none)")
    parser.add_argument("--alone", action="store_true", help="Ubertoons only")
    options = parser.parse_args()
    if not options.alone:
        bullmq_side.install()
    with tempfile.TemporaryDirectory(prefix="ubertoons-bench.") as folder:
        found = measure(options, pathlib.Path(folder))
    print(f"{options.toons:,} messages of {MESSAGE_BYTES} bytes in one job, {options.workers} workers each; {machine()}")
    if not options.alone:
        print(bullmq_side.versions())
    print(table(found, options.toons))
    return 0


if __name__ == "__main__":
    sys.exit(main())
