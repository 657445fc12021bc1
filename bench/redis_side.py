"""One Redis for one run, and the processes around it: what BullMQ and Celery are given alike."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

WAIT_SECONDS = 60


def version():
    return subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout.split("v=")[1].split()[0]


class RedisSide:
    """A fresh Redis and the workers that the system starts (`_start_workers`), all ended and removed with the run."""

    def __init__(self, folder, fsync, workers):
        self.folder, self.fsync, self.workers = pathlib.Path(folder), fsync, workers
        self.processes = []
        self.env = {**os.environ, "BENCH_REDIS": str(self.folder / "redis.sock")}

    def __enter__(self):
        self.folder.mkdir(parents=True)
        try:
            self._start_redis()
            self._start_workers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_redis(self):
        # No snapshots and no rewrite of the log in mid-run; nothing is evicted.
        command = ["redis-server", "--port", "0", "--unixsocket", self.env["BENCH_REDIS"], "--dir", str(self.folder), "--save", "",
                   "--appendonly", "yes", "--appendfsync", self.fsync, "--auto-aof-rewrite-percentage", "0",
                   "--maxmemory-policy", "noeviction"]
        with open(self.folder / "redis.log", "wb") as log:
            self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        deadline = time.monotonic() + WAIT_SECONDS
        while not (self.folder / "redis.sock").exists():
            if time.monotonic() > deadline or self.processes[0].poll() is not None:
                raise RuntimeError(f"redis-server did not start:\n{(self.folder / 'redis.log').read_text()}")
            time.sleep(0.01)

    def _start_workers(self):
        raise NotImplementedError

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
