"""The server's memory while a million accepted toons wait: nothing takes them, since its workers never ask."""

import json
import sys
import time

import processes
import report
import ubertoons_side

TARGET_MEGABYTES = 300
SETTLE_SECONDS = 3  # until what the submission left to the background (validation of a manifest, flushes) is done


def _never_asks(scratch):
    """A worker command that starts and takes nothing; what the server asks it before, it answers."""
    command = scratch / "idle-worker"
    command.write_text(f'#!/bin/sh\n[ $# -eq 0 ] || exec "{ubertoons_side.BIN}/ubertoons-worker" "$@"\nexec sleep 1000000\n', encoding="ascii")
    command.chmod(0o755)
    return command


def _inline(system, count):
    return system.submit(ubertoons_side.small_job(count))


def _manifest(system, count):
    uri = system.upload("\n".join(ubertoons_side.small_toons(count)).encode() + b"\n", "application/x-ndjson")
    return system.submit(json.dumps({"manifestUri": uri}).encode())


def _wait_counted(system, job, count):
    """Until every toon is known to the server: a manifest is read after its 202."""
    deadline = time.monotonic() + 600
    while system.status(job).get("toonCount") != count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{count} toons were not counted: {system.status(job)}")
        time.sleep(0.2)
    time.sleep(SETTLE_SECONDS)
    status = system.status(job)
    if status["succeeded"] + status["failed"] > 0:
        raise RuntimeError(f"not everything is pending: {status}")


def report_of(options, scratch):
    rows = [("", "after the start", "all toons pending", "peak from the start on")]
    most = 0
    for name, submit in (("inline", _inline), ("uploaded manifest", _manifest)):
        with ubertoons_side.Ubertoons(scratch / "ubertoons", settings=("--worker-command", _never_asks(scratch))) as system:
            before = processes.memory(system.process.pid)
            _wait_counted(system, submit(system, options.most), options.most)
            after = processes.memory(system.process.pid)
        own = "" if after["own"] is None else f" (PSS {after['own']:.0f} MB)"
        rows.append((name, f"{before['now']:.0f} MB", f"{after['now']:.0f} MB{own}", f"{after['peak']:.0f} MB"))
        most = max(most, after["peak"])
        print(f"{name}: {after['now']:.0f} MB", file=sys.stderr, flush=True)
    return (f"resident memory of the server with {options.most:,} messages of {ubertoons_side.SMALL_BYTES} bytes pending\n{report.table(rows)}\n"
            f"The highest: {most:.0f} MB; the target is below {TARGET_MEGABYTES} MB: {'met' if most < TARGET_MEGABYTES else 'missed'}")
