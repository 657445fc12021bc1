"""The server watched from outside: its own figures and its processes' memory, twice a second."""

import asyncio
import contextlib
import pathlib
import re
import time

from client import Broken

EVERY_SECONDS = 0.5
GAUGES = {"ubertoons_workers": "workers", "ubertoons_workers_busy": "busy", "ubertoons_toons_pending": "pending",
          "ubertoons_jobs_active": "jobs", "ubertoons_http_connections": "connections"}


def memory_mb(pid, field):
    """A line of /proc/PID/status ("VmRSS", "VmHWM") in MB; 0 if the process is gone."""
    with contextlib.suppress(OSError):
        found = re.search(rf"^{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else 0
    return 0


def _ticks(pid):
    """CPU time of a process and of its children that ended, in clock ticks."""
    return sum(int(field) for field in pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15])


class CpuShare:
    """How much of the machine's CPU was neither idle nor the server's nor ours, from now on. Exact once the workers are gone,
    whose time counts when they end."""

    def __init__(self, server):
        self.server, self.before = server, self._read(server)

    @staticmethod
    def _read(server):
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4], _ticks(server) + _ticks("self")

    def of_others(self):
        total, idle, ours = (now - before for now, before in zip(self._read(self.server), self.before))
        return max(0, total - idle - ours) / max(1, total)


class Sampler:
    def __init__(self, client, pid, below):
        self.client, self.pid, self.below = client, pid, below  # below: the process ids of the server's children
        self.rows, self.started, self.phase = [], time.monotonic(), ""

    async def read(self):
        """One sample, which is kept."""
        answer = await self.client.call("GET /metrics", "GET", "/metrics")
        row = {name: 0 for name in GAUGES.values()}
        for line in answer.body.decode().splitlines():
            name, _, value = line.partition(" ")
            if name in GAUGES:
                row[GAUGES[name]] = int(float(value))
        row |= {"at": time.monotonic() - self.started, "phase": self.phase, "rss": memory_mb(self.pid, "VmRSS"),
                "below": sum(memory_mb(pid, "VmRSS") for pid in self.below())}
        self.rows.append(row)
        return row

    async def run(self):
        while True:
            with contextlib.suppress(Broken):
                await self.read()
            await asyncio.sleep(EVERY_SECONDS)

    def peak(self, name):
        return max(row[name] for row in self.rows)

    def thinned(self, count):
        """About so many rows, evenly spread, and every one at which the phase or the number of workers changed."""
        step, kept, before = max(1, len(self.rows) // count), [], None
        for number, row in enumerate(self.rows):
            now = (row["phase"], row["workers"])
            if number % step == 0 or now != before or row is self.rows[-1]:
                kept.append(row)
            before = now
        return kept
