"""From nothing running but the server to one outcome: a worker process starts, for images its executor too."""

import json
import os
import sys
import time

import processes
import report
import ubertoons_side
import vips_side

IDLE = "1s"  # the least the setting takes: so long until the last worker is stopped
GIVE_UP_SECONDS = 30


def _scaled_to_zero(system):
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while processes.children(system.process.pid):
        if time.monotonic() > deadline:
            raise RuntimeError("the workers do not end")
        time.sleep(0.05)


def _timed(system, body):
    started = time.perf_counter()
    job = system.submit(body)
    if not system.watch(job):
        raise RuntimeError(f"{job} did not complete")
    return (time.perf_counter() - started) * 1000


def _bodies(system, options):
    photo = vips_side.photos(1, options.workers)[0]
    toon = {"toonId": "a", "type": "image", "uri": system.upload(photo.read_bytes())}
    return {"one message": b'{"toons":[{"toonId":"a","type":"message","json":{"hello":"world"}}],"reuse":false}',
            "one photo to a thumbnail": json.dumps({"toons": [toon], "operations": {"image": [ubertoons_side.IMAGE_OPERATION]}, "reuse": False}).encode()}


def report_of(options, scratch):
    rows = [("", "cold p50", "cold p99", "warm p50", "warm p99")]
    os.environ["UBERTOONS_WORKER_IDLE"] = IDLE
    try:
        with ubertoons_side.Ubertoons(scratch / "ubertoons") as system:
            for name, body in _bodies(system, options).items():
                cold = []
                for _ in range(options.cold):
                    _scaled_to_zero(system)
                    cold.append(_timed(system, body))
                warm = [_timed(system, body) for _ in range(options.cold)]
                rows.append((name, *(f"{report.percentile(spent, at):.1f} ms" for spent in (cold, warm) for at in (0.5, 0.99))))
                print(f"{name}: {rows[-1][1]}", file=sys.stderr, flush=True)
    finally:
        del os.environ["UBERTOONS_WORKER_IDLE"]
    return f"from the submission of one toon until its end is seen: no worker running (cold, {options.cold} times), and right after (warm)\n{report.table(rows)}"
