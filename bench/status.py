"""How long a client waits for the state of a job while that job keeps every core busy."""

import json
import os
import pathlib
import subprocess
import sys

import report
import ubertoons_side

READER = pathlib.Path(__file__).resolve().parent / "reader.py"
TARGET_MILLISECONDS = 10  # p99 of GET /jobs/{id}
# What is read, requests a second. /healthz asks nothing of the store: what it takes longer than when nothing runs is the wait
# for a core.
READS = {"GET /jobs/{id}": ("/jobs/{}", 100), "GET /jobs": ("/jobs?pageSize=50", 10), "GET /results": ("/results?jobId={}&pageSize=100", 10),
         "GET /healthz": ("/healthz", 50)}


class Readers:
    """Clients that wait for `start`, one a path."""

    def __init__(self, system, job):
        self.processes = {
            name: subprocess.Popen([sys.executable, READER, system.address, path.format(job), system.headers["Authorization"], str(rate)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for name, (path, rate) in READS.items()}
        for process in self.processes.values():
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("a reader did not start")

    def start(self):
        for process in self.processes.values():
            process.stdin.write("go\n")
            process.stdin.flush()

    def stop(self):
        """{name: {"milliseconds": [...], "late": [...]}}"""
        for process in self.processes.values():
            process.stdin.close()
        found = {}
        for name, process in self.processes.items():
            found[name] = json.loads(process.stdout.read())
            process.stdout.close()
            process.wait(60)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()


def _measure(system, body):
    """What the readers found while the job of `body` ran."""
    job = "bench-status"
    os.sync()
    with Readers(system, job) as readers:
        system.submit(body)
        readers.start()
        system.watch(job)
        busy = readers.stop()
    system.completed(job)
    return busy


def report_of(options, scratch):
    count = options.most
    body = ubertoons_side.small_job(count).replace(b"{", b'{"jobId":"bench-status",', 1)
    with ubertoons_side.Ubertoons(scratch / "ubertoons", options.own_workers) as system:
        system.warm_up()
        found = _measure(system, body)
    rows = [("", "requests a second", "answered", "p50", "p99", "longest", "of it, until the client ran: p99")]
    for name, one in found.items():
        taken = one["milliseconds"]
        rows.append((name, str(READS[name][1]), f"{len(taken):,}", *(f"{value:.2f} ms" for value in (
            report.percentile(taken, 0.5), report.percentile(taken, 0.99), max(taken), report.percentile(one["late"], 0.99)))))
    seen = report.percentile(found["GET /jobs/{id}"]["milliseconds"], 0.99)
    return (f"while a job of {count:,} messages of {ubertoons_side.SMALL_BYTES} bytes runs; each time counts from when the request was due\n{report.table(rows)}\n"
            f"p99 of GET /jobs/{{id}}: {seen:.2f} ms; the target is below {TARGET_MILLISECONDS} ms: {'met' if seen < TARGET_MILLISECONDS else 'missed'}")
