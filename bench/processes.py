"""What processes cost, read from /proc: CPU time by who spent it, memory now and at its worst."""

import os
import pathlib

TICK = os.sysconf("SC_CLK_TCK")
PROC = pathlib.Path("/proc")


def _stat(pid):
    """The fields of /proc/PID/stat after the name, or None when it is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    """The living children of a process, executors of workers not included."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(entry.name)) and fields[1] == str(pid) and fields[0] not in "ZX":
            found.append(int(entry.name))
    return found


def _family(pid):
    return [pid] + [one for child in children(pid) for one in _family(child)]


class Cpu:
    """Seconds that a server and its workers spent since this was made, user and system apart. The server waits for workers
    that end, and their time moves to it: so those that ended meanwhile count too."""

    def __init__(self, server):
        self.server = server
        self.before = self._read()

    def _read(self):
        own, below = _stat(self.server), [0, 0]
        below[0] += int(own[13])  # user and system time of children that were waited for
        below[1] += int(own[14])
        for pid in _family(self.server)[1:]:
            if fields := _stat(pid):
                below[0] += int(fields[11]) + int(fields[13])
                below[1] += int(fields[12]) + int(fields[14])
        return [count / TICK for count in (int(own[11]), int(own[12]), *below)]

    def spent(self):
        user, system, worker_user, worker_system = (now - before for now, before in zip(self._read(), self.before))
        return {"server user": user, "server kernel": system, "workers user": worker_user, "workers kernel": worker_system}


def memory(pid):
    """Megabytes (10^6 bytes) of a process: "now" (resident), "peak" since forget_peak, and "own" (its share of shared pages
    counted once among sharers: PSS; None if we may not read it, since the server is not dumpable)."""
    fields = dict(line.split(":", 1) for line in (PROC / str(pid) / "status").read_text().splitlines() if ":" in line)
    megabytes = {name: int(fields[key].split()[0]) * 1024 / 1e6 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}
    try:
        rollup = (PROC / str(pid) / "smaps_rollup").read_text()
        megabytes["own"] = next(int(line.split()[1]) * 1024 / 1e6 for line in rollup.splitlines() if line.startswith("Pss:"))
    except PermissionError:
        megabytes["own"] = None
    return megabytes
