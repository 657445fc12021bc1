"""BullMQ on Redis, as its documentation recommends it: bulk adds, several worker processes, concurrency, no eviction."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
MODULES = HERE.parent / "build" / "bench"
WAIT_SECONDS = 60


def install():
    """node_modules in build/bench, once per lockfile, without install scripts."""
    MODULES.mkdir(parents=True, exist_ok=True)
    lock = HERE / "package-lock.json"
    mark = MODULES / "node_modules" / ".installed"
    if mark.exists() and mark.read_bytes() == lock.read_bytes():
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, MODULES / name)
    # Not `npm ci`: the lockfile pins every version and checksum, but optional binaries of other platforms may be left out.
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=MODULES,
                   check=True, stdin=subprocess.DEVNULL)
    mark.write_bytes(lock.read_bytes())


def versions():
    redis = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout.split("v=")[1].split()[0]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    bullmq, sharp = (json.loads((MODULES / "node_modules" / name / "package.json").read_text())["version"] for name in ("bullmq", "sharp"))
    return f"BullMQ {bullmq}, sharp {sharp}, Redis {redis}, Node {node}"


class BullMq:
    """A fresh Redis and its workers for one run."""

    def __init__(self, folder, fsync, workers, script="worker.mjs", arguments=()):
        """`arguments` go to every worker, which runs `script` of bullmq/."""
        self.folder, self.fsync, self.workers = pathlib.Path(folder), fsync, workers
        self.processes = []
        self.command = (script, *map(str, arguments))
        self.env = {**os.environ, "BENCH_REDIS": str(self.folder / "redis.sock"), "NODE_ENV": "production"}
        # Modules resolve from where a script lies: the scripts run from beside node_modules.
        self.scripts = MODULES / "bullmq"

    def __enter__(self):
        self.folder.mkdir(parents=True)
        shutil.copytree(HERE / "bullmq", self.scripts, dirs_exist_ok=True)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        # No snapshots and no rewrite of the log in mid-run; nothing is evicted.
        command = ["redis-server", "--port", "0", "--unixsocket", self.env["BENCH_REDIS"], "--dir", str(self.folder), "--save", "",
                   "--appendonly", "yes", "--appendfsync", self.fsync, "--auto-aof-rewrite-percentage", "0",
                   "--maxmemory-policy", "noeviction"]
        log = open(self.folder / "redis.log", "wb")
        self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        log.close()
        deadline = time.monotonic() + WAIT_SECONDS
        while not (self.folder / "redis.sock").exists():
            if time.monotonic() > deadline or self.processes[0].poll() is not None:
                raise RuntimeError(f"redis-server did not start:\n{(self.folder / 'redis.log').read_text()}")
            time.sleep(0.01)
        for _ in range(self.workers):
            worker = subprocess.Popen(["node", self.scripts / self.command[0], *self.command[1:]], env=self.env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE)
            self.processes.append(worker)
        for worker in self.processes[1:]:
            if worker.stdout.readline() != b"ready\n":
                raise RuntimeError("a BullMQ worker did not start")

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(WAIT_SECONDS)
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _produce(self, *arguments):
        done = subprocess.run(["node", "--max-old-space-size=8192", self.scripts / "produce.mjs", *arguments], env=self.env, check=True,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
        return json.loads(done.stdout)

    def throughput(self, file, warm=None):
        """Seconds from the first add until every job is completed. `warm`: a file of jobs that run before the clock starts."""
        return self._produce("--file", str(file), *(("--warm", str(warm)) if warm else ()))["seconds"]

    def latency(self, count):
        return self._produce("--latency", str(count))["milliseconds"]
