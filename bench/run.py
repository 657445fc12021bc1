#!/usr/bin/env python3
"""./dev bench: Ubertoons beside other systems doing the same work on the same machine in the same run (one job of many
small messages, one job of images, one small message at a time; submit to Completed, durable, through worker processes), and
Ubertoons against targets of its own (cold starts, memory of a backlog, cost at every size of job, status under load).
See bench/README.md for what is measured and why it is fair."""

import argparse
import os
import pathlib
import platform
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bullmq_side  # noqa: E402
import celery_side  # noqa: E402
import cold  # noqa: E402
import images  # noqa: E402
import messages  # noqa: E402
import pending  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
import status  # noqa: E402

# {part: function that measures it and answers (the report, whether what was made is right)}
PARTS = {
    "messages": lambda options, scratch: (messages.throughput(options, scratch), True),
    "images": images.throughput,
    "latency": lambda options, scratch: (messages.latency(options, scratch), True),
    "cold": lambda options, scratch: (cold.report_of(options, scratch), True),
    "pending": lambda options, scratch: (pending.report_of(options, scratch), True),
    "scale": lambda options, scratch: (scale.report_of(options, scratch), True),
    "status": lambda options, scratch: (status.report_of(options, scratch), True),
}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores, {model}, Linux {platform.release().split('-')[0]}"


def count(least):
    """A whole number from `least` up, for argparse."""
    def read(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more")
        return value
    return read


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--toons", type=count(1), default=100_000, help="messages in the job (100000)")
    parser.add_argument("--celery-toons", type=count(1), default=10_000, help="messages in Celery's runs, which are slow; rates are compared (10000)")
    parser.add_argument("--images", type=count(1), default=400, help="photos in the job (400)")
    parser.add_argument("--latency", type=count(1), default=300, help="single messages timed one after another (300)")
    parser.add_argument("--cold", type=count(1), default=30, help="cold starts of each kind (30)")
    parser.add_argument("--most", type=count(1), default=1_000_000, help="toons of the largest job of pending, scale and status (1000000)")
    parser.add_argument("--runs", type=count(1), default=3, help="rounds of messages and of images; medians are shown (3)")
    parser.add_argument("--workers", type=count(1), default=None, help="worker processes of each system (one a core; Ubertoons starts as many as it would without being told: one more)")
    parser.add_argument("--concurrency", type=count(1), default=50, help="messages at once in each BullMQ worker (50, as its documentation has it)")
    parser.add_argument("--image-concurrency", type=count(1), default=2, help="photos at once in each BullMQ worker (2: one is shrunk while the next is read)")
    parser.add_argument("--alone", action="store_true", help="without BullMQ and Celery")
    options = parser.parse_args(arguments)
    options.own_workers = options.workers  # None: its default
    options.workers = options.workers or os.cpu_count()
    return options


def main():
    options = options_of(sys.argv[1:])
    if not options.alone:
        bullmq_side.install()
        celery_side.install()
    own = options.own_workers or f"{os.cpu_count() + 1}, its default"
    print(f"{machine()}; {options.workers} workers each; Ubertoons {own}", flush=True)
    if not options.alone:
        print(f"{bullmq_side.versions()}, {celery_side.versions()}", flush=True)
    good = True
    for part in [options.only] if options.only else PARTS:
        neighbours = report.Neighbours()
        with tempfile.TemporaryDirectory(prefix="ubertoons-bench.") as folder:
            text, right = PARTS[part](options, pathlib.Path(folder))
            good = good and right
        print(f"\n{text}\nOther programs had {neighbours.share():.0%} of the CPU meanwhile.", flush=True)
    if not good:
        print("\nThe outputs are further from the bare loop's than they may be.", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
