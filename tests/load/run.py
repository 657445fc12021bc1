"""`./dev load`: the real server under callers who do not wait for it. README.md says what is done and what is judged."""

import argparse
import asyncio
import contextlib
import os
import pathlib
import random
import resource
import shutil
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import harness  # noqa: E402
import report  # noqa: E402
import toons  # noqa: E402
from client import Client, percentile  # noqa: E402
from ledger import Job, Ledger, encode  # noqa: E402
from operations import WEIGHTS, Caller, rows_are_wrong, timed_job  # noqa: E402
from sampler import CpuShare, Sampler, memory_mb  # noqa: E402

IDLE_JOBS = 20             # ten-toon jobs on the idle server, one after another
PROBES_PER_SECOND = 4      # ten-toon jobs beside the large one
WATCHERS = 25              # of each large job
END_SECONDS = 120          # every accepted job ends within so long of the last arrival
TO_ZERO_SECONDS = 60       # and then no worker is left
SERVER_MEMORY_MB = 1024    # a generous limit: 4 times what was seen
BUSY_SHARE = 0.15          # with more of the CPU than this in other hands, delays say nothing about the server
REQUESTS_PER_SECOND = 150   # of one tenant, by the configuration; twice as many at once
ACTIVE_JOBS = 100          # of one tenant, likewise
FLOOD = 600                # requests that one tenant sends at once: more than may pass, a fifth of them submissions
CROWD = 1100               # connections that say nothing, on a server that is started with the usual 1024 descriptors
SETTINGS = f"""worker_idle = "2s"
[limits]
max_requests_per_second_per_tenant = {REQUESTS_PER_SECOND}
max_active_jobs_per_tenant = {ACTIVE_JOBS}
"""


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev load", description="An open-loop load test of `ubertoons serve`.")
    parser.add_argument("--seconds", type=float, default=60, help="how long callers arrive (default 60)")
    parser.add_argument("--tenants", type=int, default=20, help="tenants that take turns at random (default 20)")
    parser.add_argument("--rate", type=float, default=60, help="operations a second, of all tenants together (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals and of what callers do (default 1)")
    parser.add_argument("--toons", type=int, default=1_000_000, help="of the large job (default 1000000)")
    parser.add_argument("--workers", type=int, default=0, help="of the server (default: its own, one a core and one more)")
    parser.add_argument("--max-delay", type=float, default=1.0, help="seconds that a ten-toon job may lose to it (default 1)")
    return parser.parse_args(arguments)


class Load:
    """One run. `problems` are what the verdict is made of, beside the ledger's violations."""

    def __init__(self, options, server, client, tokens):
        self.options, self.server, self.client = options, server, client
        self.ledger = Ledger()
        self.caller = Caller(client, self.ledger, tokens, server.token("looker-on", "viewer"))
        self.tenants = [f"tenant-{n}" for n in range(options.tenants)]
        self.sampler = Sampler(client, server.process.pid, server.workers)
        self.idle, self.loaded = [], []  # seconds of ten-toon jobs
        self.large, self.problems, self.late = [], [], 0.0
        self.others = 0.0  # share of the CPU that other programs had

    async def idle_jobs(self):
        """What a ten-toon job takes when nobody else is there; the first ones start the workers and are not counted."""
        self.sampler.phase = "idle"
        for number in range(3):
            await timed_job(self.caller, "prober", f"warm-{number}")
        for number in range(IDLE_JOBS):
            taken = await timed_job(self.caller, "prober", f"idle-{number}")
            if taken is not None:
                self.idle.append(taken)

    async def workers_are(self, wanted, seconds):
        deadline = time.monotonic() + seconds
        while (now := (await self.sampler.read())["workers"]) != wanted and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        if now != wanted:
            self.problems.append(f"{now} workers are there instead of {wanted} after {seconds} s ({self.sampler.phase})")

    async def upload_large(self):
        """(uri, toon ids) of the large job's manifest: uploaded before the load, which making it would hold up."""
        listed = toons.messages(self.options.toons)
        return await self.caller.upload("giant", toons.manifest(listed)), [toon["toonId"] for toon in listed]

    async def large_jobs(self, uri, ids, stop):
        """One tenant has a large job running all the time. Nothing of the one before is reused."""
        number = 0
        while uri and not stop.is_set():
            number += 1
            job = Job("giant", encode({"jobId": f"large-{number}", "manifestUri": uri, "reuse": False}), {}, ids)
            if not await self.caller.send_job(job, name="POST /submit-job (large)"):
                return
            self.large.append(job)
            await self.probe_beside(job, random.Random(f"{self.options.seed} probes {number}"), stop)

    async def probe_beside(self, job, rng, stop):
        """Ten-toon jobs of another tenant arrive while the large job runs, however long the ones before take."""
        watching = asyncio.create_task(self.caller.watch_to_end(job))
        async with asyncio.TaskGroup() as group:
            for number in range(WATCHERS - 1):
                group.create_task(self.caller.watch_to_end(job, drops=number % 2 == 0))
            due, number = time.monotonic(), 0
            while not watching.done() and not stop.is_set():
                due += rng.expovariate(PROBES_PER_SECOND)
                await asyncio.sleep(due - time.monotonic())
                if not watching.done():
                    group.create_task(self.probe(f"{job.id}-{number}", due))
                    number += 1
        await watching

    async def probe(self, number, due):
        taken = await timed_job(self.caller, "prober", number, due)
        if taken is not None:
            self.loaded.append(taken)

    async def flood(self):
        """A tenant's script gone wild: it is held back, told when to come back, and gets through then."""
        await asyncio.sleep(self.options.seconds / 4)
        async with asyncio.TaskGroup() as group:
            for number in range(FLOOD):
                if number % 5 == 0:
                    job = toons.job_of("greedy", f"flood-{number}", toons.messages(3))
                    group.create_task(self.caller.send_job(job, name="POST /submit-job (flood)"))
                else:
                    group.create_task(self.caller.call("GET /jobs (flood)", "greedy", "/jobs?pageSize=5"))

    async def crowd(self, stop):
        """Connections that are opened and left alone: with no token, anybody can."""
        opened = []
        try:
            for _ in range(min(CROWD, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 4)):
                opened.append(await asyncio.open_connection(self.client.host, self.client.port))
            await stop.wait()
        except OSError as error:
            self.ledger.violation(f"connection {len(opened)} could not be opened: {error}")
        finally:
            for _, writer in opened:
                writer.close()

    async def arrivals(self):
        """Poisson arrivals at the given rate. What is late by our own doing counts as latency of the server's all the same."""
        rng = random.Random(self.options.seed)
        started = due = time.monotonic()
        number = 0
        async with asyncio.TaskGroup() as group:
            while True:
                due += rng.expovariate(self.options.rate)
                if due - started > self.options.seconds:
                    return
                await asyncio.sleep(due - time.monotonic())
                self.late = max(self.late, time.monotonic() - due)
                tenant, operation = rng.choice(self.tenants), rng.choices(list(WEIGHTS), WEIGHTS.values())[0]
                own = random.Random(f"{self.options.seed} {number}")
                group.create_task(getattr(self.caller, operation)(tenant, number, own, due))
                number += 1

    async def check_every_job(self):
        """Every accepted job ends, with one outcome a toon, whatever was said about it meanwhile."""
        self.sampler.phase = "end"
        deadline = time.monotonic() + END_SECONDS
        for job in self.ledger.all():
            while True:
                answer = await self.caller.call("GET /jobs/{jobId} (check)", job.tenant, f"/jobs/{job.id}")
                if answer is None or answer.json()["status"] in ("Completed", "Failed") or time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.1)
            wrong = job.ended_badly(answer.json()) if answer else "cannot be read"
            # Further large jobs are counted only: reading a million rows once is enough.
            unread = not answer or job.broken or job in self.large[1:] or job.uncounted(answer.json())
            if not wrong and not unread:
                wrong = await rows_are_wrong(self.caller, job)
            if wrong:
                self.problems.append(f"job {job.id} of {job.tenant}: {wrong}")

    async def run(self):
        await self.caller.read_contract()
        await self.workers_are(0, 1)
        await self.idle_jobs()
        uri, ids = await self.upload_large()
        await self.workers_are(0, TO_ZERO_SECONDS)
        watching = asyncio.create_task(self.sampler.run())
        self.sampler.phase = "load"
        cpu = CpuShare(self.server.process.pid)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.crowd(stop))
            group.create_task(self.large_jobs(uri, ids, stop))
            group.create_task(self.flood())
            await self.arrivals()
            self.sampler.phase = "drain"
            stop.set()
        await self.check_every_job()
        await self.workers_are(0, TO_ZERO_SECONDS)
        self.others = cpu.of_others()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    # ---- the verdict ----

    def judge(self):
        """Every reason for which the run fails."""
        found = [f"{count} x {text}" for text, count in self.ledger.violations.items()] + self.problems
        base = percentile(self.idle, 0.5)
        if base is None or not self.loaded:
            found.append("no ten-toon job was timed")
        elif max(self.loaded) - base > self.options.max_delay and self.others <= BUSY_SHARE:
            found.append(f"a ten-toon job lost {max(self.loaded) - base:.2f} s to the large one, {self.options.max_delay} s may be")
        if not self.caller.refused["request-rate"]:
            found.append(f"{FLOOD} requests of one tenant at once all passed")
        most = self.options.workers or len(os.sched_getaffinity(0)) + 1
        if self.sampler.peak("workers") != most:
            found.append(f"{self.sampler.peak('workers')} workers at most, {most} were to come")
        if self.memory() > SERVER_MEMORY_MB:
            found.append(f"the server took {self.memory():.0f} MB, {SERVER_MEMORY_MB} may be")
        return found

    def memory(self):
        return memory_mb(self.server.process.pid, "VmHWM")

    def show(self):
        jobs = self.ledger.all()
        print(report.endpoints(self.client.figures))
        print(f"\nTimed from when each request was meant to be sent; the client itself was late by up to {self.late * 1000:.0f} ms.")
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.caller.refused.items()) or "none"
        print(f"429: {reasons}; {self.caller.readmitted} requests got through after one.\n")
        print(report.fairness(self.idle, self.loaded))
        print(f"Other programs had {self.others:.0%} of the CPU meanwhile" + (", so the delay is not judged." if self.others > BUSY_SHARE else "."))
        print(f"\n{report.timeline(self.sampler.thinned(24))}\n")
        print(f"server: {self.memory():.0f} MB at most; workers and executors: {self.sampler.peak('below'):.0f} MB at most")
        print(f"ledger: {len(jobs):,} jobs accepted, {sum(len(job.toon_ids) for job in jobs):,} toons, "
              f"{len(self.large)} large jobs of {self.options.toons:,}")


async def run_against(options, server):
    """(the run, why it fails)."""
    url = urllib.parse.urlsplit(server.url)
    client = Client(url.hostname, url.port)
    names = [f"tenant-{n}" for n in range(options.tenants)] + ["prober", "giant", "greedy"]
    load = Load(options, server, client, {name: server.token(name) for name in names})
    try:
        await load.run()
    finally:
        client.close()
    return load, load.judge()


def start(folder, options):
    """The server with the descriptors that shells and systemd give a program, and ourselves with all we may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    server = harness.Server(folder, SETTINGS, ["--log-level", "warn"], options.workers or None)
    try:
        return server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments=None):
    options = parse(arguments)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-load."))
    server = None
    try:
        server = start(folder, options)
        load, found = asyncio.run(run_against(options, server))
        load.show()
        if server.process.poll() is not None:
            found.append(f"the server ended:\n{server.log_tail()}")
        elif server.stop() != 0:
            found.append("the server did not stop well")
    finally:
        if server:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    for problem in found[:40]:
        print(f"FAILED: {problem}")
    print("passed" if not found else f"{len(found)} failures")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
