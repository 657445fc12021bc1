"""The bare limit: processes that do the work on images and nothing else. Also makes the images and compares the outputs."""

import hashlib
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "release" / "bin" / "bench-vips-loop"
PHOTOS = ROOT / "build" / "bench" / "photos"


def _call(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=1800)
    return json.loads(done.stdout) if done.stdout else None


def photos(count, processes):
    """The first `count` photos, made when missing."""
    _call("make", "--out", PHOTOS, "--count", count, "--processes", processes)
    return sorted(PHOTOS.glob("*.jpg"))[:count]


def stages(files):
    """{stage: milliseconds of CPU an image}, each stage by itself."""
    return _call("stages", *files)


def compare(one, other):
    return _call("compare", one, other)


class VipsLoop:
    def __init__(self, workers):
        self.workers = workers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def images(self, files, warm, out):
        """Seconds for all files; the outputs are in `out`."""
        seconds = _call("run", "--out", out, "--processes", self.workers, *files, "--warm", *warm)["seconds"]
        for file in warm:
            (out / f"{file.stem}.webp").unlink()
        self._check_hashes(files, out)
        return seconds

    @staticmethod
    def _check_hashes(files, out):
        """That the loop did hash everything."""
        expected = {(file.stem, hashlib.sha256(file.read_bytes()).hexdigest(), hashlib.sha256((out / f"{file.stem}.webp").read_bytes()).hexdigest())
                    for file in files}
        lines = [line.split("\t")[:3] for listing in out.glob("hashes-*.tsv") for line in listing.read_text().splitlines()]
        if {tuple(line) for line in lines} != expected:
            raise RuntimeError("the hashes of the bare loop are wrong")
