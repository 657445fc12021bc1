"""Celery on Redis with what its documentation offers for many short tasks; its images are made by Pillow."""

import json
import pathlib
import shutil
import subprocess
import sys

import redis_side

HERE = pathlib.Path(__file__).resolve().parent
APP = HERE / "celery_app"
VENV = HERE.parent / "build" / "bench" / "celery"


def install():
    """A virtual environment in build/bench, once per list of versions."""
    wanted = APP / "requirements.txt"
    mark = VENV / ".installed"
    if mark.exists() and mark.read_bytes() == wanted.read_bytes():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True, stdin=subprocess.DEVNULL)
    # --no-deps: the list is whole, and nothing unpinned slips in. Wheels only: nothing is built or run while installing.
    subprocess.run([VENV / "bin" / "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "-r", wanted], check=True,
                   stdin=subprocess.DEVNULL)
    mark.write_bytes(wanted.read_bytes())


def versions():
    pins = dict(line.split("==") for line in (APP / "requirements.txt").read_text().splitlines() if "==" in line)
    python = subprocess.run([VENV / "bin" / "python", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return f"Celery {pins['celery']}, Pillow {pins['pillow']}, Python {python}"


class Celery(redis_side.RedisSide):
    def __init__(self, folder, workers, task="message"):
        super().__init__(folder, "everysec", workers)
        self.task = task
        self.env["PYTHONPATH"] = str(APP)

    def _start_workers(self):
        """One process a core that does everything itself (`solo`): no parent hands out tasks through pipes."""
        for number in range(self.workers):
            with open(self.folder / f"worker-{number}.log", "wb") as log:
                self.processes.append(subprocess.Popen(
                    [VENV / "bin" / "celery", "--quiet", "-A", "work", "worker", "--pool", "solo", "--hostname", f"bench-{number}@localhost",
                     "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"],
                    env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log))
        for number, worker in enumerate(self.processes[1:]):
            if worker.stdout.readline() != b"ready\n":
                raise RuntimeError(f"a Celery worker did not start:\n{(self.folder / f'worker-{number}.log').read_text()[-1000:]}")

    def _produce(self, *arguments):
        done = subprocess.run([VENV / "bin" / "python", APP / "produce.py", *map(str, arguments)], env=self.env, cwd=self.folder, check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=1800)
        return json.loads(done.stdout)

    def throughput(self, file, warm=None):
        """Seconds from the first task sent until every result is stored. `warm`: tasks that run before the clock starts."""
        return self._produce("--task", self.task, "--file", file, *(("--warm", warm) if warm else ()))["seconds"]

    def latency(self, count):
        return self._produce("--latency", count)["milliseconds"]
