"""Hostile and broken HTTP clients against the real server: each is refused or cut off, its neighbours are served in between,
and connections, descriptors and memory go back afterwards. How requests are read, shape by shape: http_shapes_test.py."""

import concurrent.futures
import contextlib
import json
import pathlib
import re
import resource
import sys
import threading
import time
import unittest

from harness import data_toon, message, sha256, until
from raw_http import GET, SLACK_BYTES, WAIT_SECONDS, AbuseTest, Raw

SMALL = """
[http]
max_connections = 16
max_connections_per_address = 12
header_timeout = "10m"
idle_timeout = "10m"
[processors.never]
command = ["sleep", "3600"]
"""
IDLE_CONNECTIONS = 10_000
IDLE_BYTES = 64 << 10  # of the server's memory for each of them, at most


class SlowClientsTest(AbuseTest):
    def promise(self, data):
        """(path, headers) of a signed upload."""
        place = self.api.call("POST", "/uploads", {"bytes": len(data), "sha256": sha256(data)}).json()
        headers = "".join(f"{name}: {value}\r\n" for name, value in place["headers"].items())
        return place["url"].split("/", 3)[3], headers.encode()

    def dribble(self, first, pause=0.05):
        """Sends `first` and then a byte at a time until the server closes; answers what it said."""
        client = self.raw()
        client.send(first)
        deadline = time.monotonic() + WAIT_SECONDS
        while client.send(b"x"):
            self.assertLess(time.monotonic(), deadline, "the server takes a byte at a time for ever")
            client.socket.settimeout(pause)
            with contextlib.suppress(TimeoutError):
                if not client.more():
                    break
        client.socket.settimeout(WAIT_SECONDS)
        return client.to_end()

    def honest_upload(self, data):
        """A bad line: 6 KB a second, three times the least rate, and once nothing for a while."""
        path, headers = self.promise(data)
        with Raw(self.port) as client:
            client.send(f"PUT /{path} HTTP/1.1\r\nHost: a\r\n".encode() + headers + b"\r\n")
            for at in range(0, len(data), 1500):
                time.sleep(0.6 if at == 6000 else 0.25)  # this is the line's speed
                self.assertTrue(client.send(data[at:at + 1500]))
            return client.answer()[0]

    def honest_download(self, path):
        with Raw(self.port, receive_buffer=1 << 14) as client:
            client.send(self.request("GET", path))
            while client.more() and b"\r\n\r\n" not in client.read:
                pass
            until_size = int(re.search(rb"Content-Length: (\d+)", client.read)[1])
            while len(client.read.partition(b"\r\n\r\n")[2]) < until_size:
                time.sleep(0.01)  # this is the line's speed
                if not client.more():
                    break
            return client.read.partition(b"\r\n\r\n")[2]

    def test_the_slow_are_cut_off_the_honest_are_not_and_others_are_served(self):
        line = json.dumps(message("t", {"text": "x" * 200})).encode() + b"\n"
        body = self.request("POST", "/submit-job", b"Content-Length: 100000\r\n")
        chunked = self.request("POST", "/submit-job", b"Transfer-Encoding: chunked\r\n", b"fffff\r\n")
        path, headers = self.promise(b"y" * 100_000)
        upload = f"PUT /{path} HTTP/1.1\r\nHost: a\r\n".encode() + headers + b"\r\n"
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            heads = [pool.submit(self.dribble, b"GET / HTTP/1.1\r\nHost: a\r\nX: ") for _ in range(3)]
            bodies = [pool.submit(self.dribble, first) for first in (body, chunked, upload)]
            honest = pool.submit(self.honest_upload, line * 80)
            everything = [*heads, *bodies, honest]
            served = 0
            while not all(one.done() for one in everything):
                self.assert_served()
                served += 1
                # A neighbour who asks without a pause meets the limit of its own requests.
                concurrent.futures.wait(everything, timeout=0.02)
        self.assertGreater(served, 3)
        for one in [*heads, *bodies]:
            self.assert_problem(one.result(), {408})
        self.assertEqual(honest.result(), 200)
        self.assert_gone()

    def test_readers_that_do_not_read_are_dropped_and_slow_ones_served(self):
        rows = "\n".join(f"{1700000000 + i},{i % 97}.5" for i in range(60_000))
        self.api.submit("big", [data_toon("csv", "telemetry", b"timestamp,value\n" + rows.encode()),
                                *[message(f"m{i}", {"n": i}) for i in range(300)]], metadata={"pad": "p" * 15_000})
        self.assertEqual(self.api.ended("big")["status"], "Completed")
        self.before = self.figures()  # with the worker that this started
        artifact = max(self.api.results("big", type="telemetry")[0]["artifacts"], key=lambda one: one["bytes"])
        self.assertGreater(artifact["bytes"], 500_000)
        stalled = []
        for path, times in ((f"/artifacts/{artifact['sha256']}", 4), ("/results?jobId=big&pageSize=1000", 40),
                            ("/jobs/big/events", 1), ("/openapi.json", 40)):
            for _ in range(3):
                client = self.raw(receive_buffer=2048)
                client.send(self.request("GET", path) * times)
                stalled.append(client)
        self.assertEqual(self.honest_download(f"/artifacts/{artifact['sha256']}"), self.api.artifact(artifact["sha256"]))
        self.assert_served()
        self.assert_gone()
        for client in stalled:
            client.socket.close()

    def test_a_watcher_that_never_reads_a_running_job_is_dropped(self):
        # The job stays open, and its document is larger than the watcher's buffer.
        self.api.submit("watched", [{"toonId": "n", "type": "never", "json": {}}], metadata={"pad": "p" * 15_000})
        watchers = [self.raw(receive_buffer=2048) for _ in range(20)]
        for watcher in watchers:
            watcher.send(self.request("GET", "/jobs/watched/events"))
        self.assert_served()
        self.assert_gone()


class BrokenClientsTest(AbuseTest):
    def partial_requests(self):
        long_head = self.request("POST", "/submit-job", b"Content-Length: 500000\r\n")
        return {"nothing": b"", "half a head": b"GET /jobs HT", "a head without its body": long_head,
                "half a body": long_head + b'{"toons": [' * 1000,
                "half a chunk": self.request("POST", "/submit-job", b"Transfer-Encoding: chunked\r\n", b"fff\r\n[[["),
                "an answer half read": self.request("GET", "/openapi.json") * 30}

    def test_clients_that_end_anywhere_leave_nothing(self):
        for ending in (Raw.reset, lambda client: client.socket.close()):
            clients = []
            for sent in self.partial_requests().values():
                for _ in range(10):
                    clients.append(self.raw(receive_buffer=4096))
                    clients[-1].send(sent)
            self.assert_served()
            for client in clients:
                ending(client)
            self.assert_gone()

    def test_clients_that_vanish_without_a_word_are_noticed(self):
        self.api.submit("open", [{"toonId": "n", "type": "never", "json": {}}])
        clients = []
        for sent in [*self.partial_requests().values(), self.request("GET", "/jobs/open/events")]:
            for _ in range(3):
                clients.append(self.raw(receive_buffer=4096))
                clients[-1].send(sent)
        self.assert_served()
        for client in clients:
            client.vanish()
        self.assert_gone()  # though idle_timeout is ten minutes

    def test_without_descriptors_accepting_pauses_and_comes_back(self):
        pid = self.server.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        self.addCleanup(resource.prlimit, pid, resource.RLIMIT_NOFILE, (soft, hard))
        known = self.raw()
        usual = self.cpu_of_a_hundred(known)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (int(self.figures()["files"]) + 10, hard))
        flood = [self.raw() for _ in range(60)]
        until("the log says so", lambda: "accept-failed" in self.server.log_tail(), WAIT_SECONDS)
        self.assertLess(self.cpu_of_a_hundred(known), 3 * usual + 0.1)  # a thread that spins takes all there is
        for client in flood:
            client.socket.close()
        known.socket.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        self.assert_gone()

    def cpu_of_a_hundred(self, client):
        """Seconds of the server's CPU while it serves a hundred requests of a client in no hurry."""
        before = self.cpu_seconds()
        for _ in range(100):
            client.send(GET)
            self.assertEqual(client.answer()[0], 200)
            time.sleep(0.01)
        return self.cpu_seconds() - before

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def test_many_requests_on_one_connection_are_answered_in_order(self):
        client = self.raw()
        count = 3000
        sender = threading.Thread(target=client.send, args=(b"".join(
            f"GET /nothing/{i} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for i in range(count)),))
        sender.start()
        for i in range(count):
            status, _, body = client.answer()
            self.assertEqual((status, json.loads(body)["instance"]), (404, f"/nothing/{i}"))
        sender.join()
        client.socket.close()
        self.assert_gone()

    def test_a_pipeline_that_is_never_read_is_bounded(self):
        clients = [self.raw(receive_buffer=4096) for _ in range(20)]
        for client in clients:
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while client.socket.send(GET * 1000):
                    pass
        self.assertLess(self.figures()["bytes"], self.before["bytes"] + SLACK_BYTES)
        self.assert_served()
        self.assert_gone()


class CrowdTest(AbuseTest):
    def test_ten_thousand_idle_connections_disturb_nobody(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(IDLE_CONNECTIONS, hard - 1000)
        idle = []
        try:
            while len(idle) < count:
                for _ in range(min(1000, count - len(idle))):
                    idle.append(Raw(self.port))
                    if len(idle) % 2:  # half of them say something first
                        idle[-1].send(GET)
                until("they are taken", lambda: self.figures()["connections"] >= len(idle), WAIT_SECONDS)
                self.assert_served()
            for client in idle[::2]:
                self.assertEqual(client.answer()[0], 200)
            for client in (idle[1], idle[count // 2], idle[-1]):
                client.send(GET)
                self.assertEqual(client.answer()[0], 200)
            each = (self.figures()["bytes"] - self.before["bytes"]) / count
            print(f"{count} idle connections: {each / 1024:.1f} KiB of server memory each", file=sys.stderr)
            self.assertLess(each, IDLE_BYTES)
        finally:
            for client in idle:
                client.socket.close()
        self.assert_gone()


class FullHouseTest(AbuseTest):
    settings = SMALL

    def fill(self, count, source, sent):
        clients = [self.raw(source=source) for _ in range(count)]
        for client in clients:
            client.send(sent)
        return clients

    def assert_refused(self, client):
        answer = client.to_end()
        self.assert_problem(answer, {503})
        self.assertIn(b"Retry-After: ", answer)

    def test_past_the_maximum_the_idle_make_room_and_the_busy_do_not(self):
        self.api.submit("open", [{"toonId": "n", "type": "never", "json": {}}])
        holders = self.fill(11, "127.0.0.2", b"") + self.fill(4, "127.0.0.3", b"")
        until("they are taken", lambda: self.figures()["connections"] == 16, WAIT_SECONDS)
        newcomers = self.fill(3, "127.0.0.4", GET)
        for client in newcomers:
            self.assertEqual(client.answer()[0], 200)
        self.assertEqual([client.to_end() for client in holders[:3]], [b"", b"", b""])  # the longest idle
        for client in holders[3:] + newcomers:
            self.watch(client)
        self.watcher.socket.close()  # it alone is idle now
        holders.append(until("its place is free", self.served_client, WAIT_SECONDS))
        self.watch(holders[-1])
        for client in self.fill(5, "127.0.0.5", GET):
            self.assert_refused(client)
        for client in holders + newcomers:
            client.socket.close()
        self.watcher = until("there is room again", self.served_client, WAIT_SECONDS)
        self.assert_gone()

    def watch(self, client):
        """It waits for events of an open job: from now on it is not idle."""
        client.send(self.request("GET", "/jobs/open/events"))
        while b"event: progress" not in client.read:
            self.assertTrue(client.more())

    def served_client(self):
        client = self.raw()
        client.send(GET)
        return client if client.answer()[0] == 200 else None

    def test_whoever_has_begun_a_request_makes_room_when_nobody_is_idle(self):
        self.api.submit("open", [{"toonId": "n", "type": "never", "json": {}}])
        holders = self.fill(11, "127.0.0.2", b"G") + self.fill(4, "127.0.0.3", b"GET / HTTP/1.1\r\n")
        until("they are taken", lambda: self.figures()["connections"] == 16, WAIT_SECONDS)
        newcomers = []
        for _ in range(5):  # none of them is idle
            newcomers.append(self.raw(source="127.0.0.4"))
            self.watch(newcomers[-1])
        self.assertEqual([client.to_end() for client in holders[:3]], [b"", b"", b""])
        for client in holders + newcomers:
            client.socket.close()
        self.watcher.socket.close()
        self.watcher = until("there is room again", self.served_client, WAIT_SECONDS)
        self.assert_gone()

    def test_the_refused_take_nobodys_place(self):
        crowd = self.fill(140, "127.0.0.2", b"")
        until("they are taken or refused", lambda: self.figures()["connections"] >= 13, WAIT_SECONDS)
        for i in range(3):
            crowd.append(self.raw(source=f"127.0.0.{20 + i}"))
            crowd[-1].send(GET)
            self.assertEqual(crowd[-1].answer()[0], 200)
        for client in crowd:
            client.socket.close()
        self.assert_gone()

    def test_one_address_may_have_its_share_only(self):
        holders = self.fill(12, "127.0.0.2", b"GET / HTTP/1.1\r\n")
        until("they are taken", lambda: self.figures()["connections"] == 13, WAIT_SECONDS)
        self.assert_refused(self.raw(source="127.0.0.2"))
        self.assert_served()
        for client in holders:
            client.socket.close()
        self.assert_gone()
        with Raw(self.port, source="127.0.0.2") as client:
            client.send(GET)
            self.assertEqual(client.answer()[0], 200)


if __name__ == "__main__":
    unittest.main()
