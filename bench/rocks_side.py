"""The store's limit: RocksDB writing the outcomes of a job again, in synced batches as large as our committer's, and
nothing else."""

import json
import pathlib
import shutil
import subprocess

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "build" / "release" / "bin" / "bench-rocks-limit"


def write_again(data, folder, batch):
    """{"rows", "bytes", "seconds"}: what is in the store of a server's closed data folder, written in batches of so many."""
    try:
        done = subprocess.run([PROGRAM, "--like", data / "db", "--folder", folder, "--batch", str(batch)], check=True, timeout=1800,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
