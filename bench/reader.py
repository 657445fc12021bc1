"""One client of the status part, a process of its own: GETs one path at a steady rate and prints {"milliseconds","late"}.

Open loop: request n is due at n / rate, and its time counts from when it was due, so that a slow answer is not hidden by
asking less. "late" is how much of that passed before this process ran, though no answer was outstanding: time that the
machine took from the client, not the server. One connection, kept; ends when its input does."""

import contextlib
import http.client
import json
import os
import select
import sys
import time


def main():
    address, path, authorization, rate = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    with contextlib.suppress(PermissionError):
        os.nice(-10)  # a client has a machine of its own: here it shall not wait for what it measures
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.connect()
    print("ready", flush=True)
    sys.stdin.readline()  # the start
    taken, late, started = [], [], time.perf_counter()
    while not select.select([sys.stdin], [], [], 0)[0]:
        due = started + len(taken) / rate
        if (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
            late.append((time.perf_counter() - due) * 1000)
        connection.request("GET", path, headers={"Authorization": authorization})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status}")
        taken.append((time.perf_counter() - due) * 1000)
    print(json.dumps({"milliseconds": taken, "late": late}))


if __name__ == "__main__":
    main()
