"""BullMQ on Redis, as its documentation recommends it: bulk adds, several worker processes, concurrency, no eviction."""

import json
import pathlib
import shutil
import subprocess

import redis_side

HERE = pathlib.Path(__file__).resolve().parent
MODULES = HERE.parent / "build" / "bench"


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
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    bullmq, sharp = (json.loads((MODULES / "node_modules" / name / "package.json").read_text())["version"] for name in ("bullmq", "sharp"))
    return f"BullMQ {bullmq}, sharp {sharp}, Redis {redis_side.version()}, Node {node}"


class BullMq(redis_side.RedisSide):
    def __init__(self, folder, fsync, workers, script="worker.mjs", arguments=()):
        """`arguments` go to every worker, which runs `script` of bullmq/."""
        super().__init__(folder, fsync, workers)
        self.command = (script, *map(str, arguments))
        self.env["NODE_ENV"] = "production"
        # Modules resolve from where a script lies: the scripts run from beside node_modules.
        self.scripts = MODULES / "bullmq"

    def _start_workers(self):
        shutil.copytree(HERE / "bullmq", self.scripts, dirs_exist_ok=True)
        for _ in range(self.workers):
            worker = subprocess.Popen(["node", self.scripts / self.command[0], *self.command[1:]], env=self.env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE)
            self.processes.append(worker)
        for worker in self.processes[1:]:
            if worker.stdout.readline() != b"ready\n":
                raise RuntimeError("a BullMQ worker did not start")

    def _produce(self, *arguments):
        done = subprocess.run(["node", "--max-old-space-size=8192", self.scripts / "produce.mjs", *arguments], env=self.env, check=True,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
        return json.loads(done.stdout)

    def throughput(self, file, warm=None):
        """Seconds from the first add until every job is completed. `warm`: a file of jobs that run before the clock starts."""
        return self._produce("--file", str(file), *(("--warm", str(warm)) if warm else ()))["seconds"]

    def latency(self, count):
        return self._produce("--latency", str(count))["milliseconds"]
