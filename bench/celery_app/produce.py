"""Sends every line of a file as a task and waits until all results are stored; prints {"seconds"}. With --warm FILE: the
tasks of that file run first, outside the clock. With --latency N: one small message N times, waiting for each result;
prints {"milliseconds"}."""

import argparse
import json
import time

import redis
import work

POLL_SECONDS = 0.01


def _lines(file):
    with open(file, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _send_all(task, payloads):
    """One connection and one producer for all of them. A photo is named by its file and its folder."""
    with work.app.producer_pool.acquire(block=True) as producer:
        for payload in payloads:
            task.apply_async(args=(payload["file"], payload["out"]) if task is work.photo else (payload,), producer=producer)


def _until_stored(results, count):
    """Asks how many results there are: cheaper than waiting for each, and for Redis than announcing each to us."""
    while results.dbsize() < count:
        time.sleep(POLL_SECONDS)


def _check(results):
    for key in results.scan_iter(count=1000):
        found = json.loads(results.get(key))
        if found["status"] != "SUCCESS":
            raise RuntimeError(f"a task ended as {found}")


def throughput(options):
    task = getattr(work, options.task)
    results = redis.Redis(unix_socket_path=work.SOCKET, db=1)
    warm, payloads = (_lines(options.warm) if options.warm else []), _lines(options.file)
    _send_all(task, warm)
    _until_stored(results, len(warm))
    started = time.perf_counter()
    _send_all(task, payloads)
    _until_stored(results, len(warm) + len(payloads))
    seconds = time.perf_counter() - started
    _check(results)
    return {"seconds": seconds}


def latency(count):
    milliseconds = []
    for number in range(count):
        started = time.perf_counter()
        work.message.delay({"hello": "world", "n": number}).get(timeout=60)
        milliseconds.append((time.perf_counter() - started) * 1000)
    return {"milliseconds": milliseconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("message", "photo"), default="message")
    parser.add_argument("--file")
    parser.add_argument("--warm")
    parser.add_argument("--latency", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(latency(options.latency) if options.latency else throughput(options)))


if __name__ == "__main__":
    main()
