"""Running the real programs: a server as a child process, its API over a socket, bounded waits. Standard library only."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("UBERTOONS_BIN_DIR", ROOT / "build" / "release" / "bin"))
PROGRAM = BIN / "ubertoons"
# What runs is built with a sanitizer (./dev test --asan, --tsan): everything takes longer and holds more memory.
SANITIZED = "UBERTOONS_SANITIZED" in os.environ
DEADLINE_SECONDS = 360 if SANITIZED else 120
READY = re.compile(rb"^ubertoons listening on (https?://\S+)$", re.MULTILINE)


def until(what, condition, seconds=DEADLINE_SECONDS, pause=0.02):
    """The first true answer of condition(); an AssertionError naming `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def alive(pid):
    """Does the process run? One that ended and was not waited for does not."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in ("Z", "X")


def children(pid):
    """Process ids of all descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
                parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Api:
    """One caller of one server."""

    def __init__(self, url, token, context=None):
        self.url, self.token, self.context = url, token, context

    def call(self, method, path, body=None, headers=None):
        target = urllib.parse.urlsplit(path if path.startswith("http") else self.url + path)
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        options = {"context": self.context} if target.scheme == "https" else {}
        connection = kind(target.hostname, target.port, timeout=DEADLINE_SECONDS, **options)
        sent = dict(headers or {})
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        try:
            connection.request(method, target.path + (f"?{target.query}" if target.query else ""), body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, expect=200):
        answer = self.call("GET", path)
        if answer.status != expect:
            raise AssertionError(f"GET {path}: {answer.status} {answer.body[:2000]!r}")
        return answer

    def post(self, path, body=None, expect=202):
        answer = self.call("POST", path, body)
        if answer.status != expect:
            raise AssertionError(f"POST {path}: {answer.status} {answer.body[:2000]!r}")
        return answer.json() if answer.body else {}

    def submit(self, job_id, toons, **more):
        return self.post("/submit-job", {"jobId": job_id, "toons": toons, **more})

    def job(self, job_id):
        return self.get(f"/jobs/{job_id}").json()

    def ended(self, job_id, seconds=DEADLINE_SECONDS):
        """The job's document once it is Completed or Failed."""

        def look():
            job = self.job(job_id)
            return job if job["status"] in ("Completed", "Failed") else None

        return until(f"the end of {job_id}", look, seconds)

    def results(self, job_id, page_size=1000, **filters):
        rows, token = [], ""
        while True:
            query = {"jobId": job_id, "pageSize": page_size, **filters, **({"pageToken": token} if token else {})}
            page = self.get("/results?" + urllib.parse.urlencode(query)).json()
            rows += page["results"]
            token = page.get("nextPageToken")
            if not token:
                return rows

    def artifact(self, sha):
        return self.get(f"/artifacts/{sha}").body

    def upload(self, data, content_type="application/octet-stream"):
        """Stores bytes by a signed URL; answers their uri."""
        promise = self.call("POST", "/uploads", {"bytes": len(data), "sha256": sha256(data), "contentType": content_type})
        if promise.status not in (200, 201):
            raise AssertionError(f"POST /uploads: {promise.status} {promise.body!r}")
        place = promise.json()
        put = Api(self.url, None, self.context).call(place["method"], place["url"], data, place["headers"])
        if put.status not in (200, 201, 204):
            raise AssertionError(f"PUT {place['url']}: {put.status} {put.body!r}")
        return place["uri"]


class Server:
    """`ubertoons serve` on a free port with a data folder that outlives it."""

    def __init__(self, folder, config="", flags=(), workers=None):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.flags = list(flags)
        self.config = self.folder / "config.toml"
        self.config.write_text(config)
        if workers is not None:
            self.flags += ["--workers", str(workers)]
        self.process, self.url, self.context = None, "", None
        self.environment = None  # ours

    def start(self):
        out, log = self.folder / "server.out", self.folder / "server.log"
        with open(out, "wb") as stdout, open(log, "ab") as stderr:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--config", self.config, *self.flags],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=self.environment)

        def ready():
            line = READY.search(out.read_bytes())
            if not line and self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_tail()}")
            return line

        try:
            self.url = until("the server's ready line", ready, 60)[1].decode()
        except AssertionError:
            self.kill()
            raise
        return self

    def log_tail(self):
        with contextlib.suppress(OSError):
            return (self.folder / "server.log").read_text(errors="replace")[-4000:]
        return ""

    def token(self, sub="tester", role="operator"):
        done = subprocess.run([PROGRAM, "token", "--data", self.data, "--sub", sub, "--role", role], check=True,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        return done.stdout.strip()

    def api(self, sub="tester", role="operator"):
        return Api(self.url, self.token(sub, role), self.context)

    def workers(self):
        return children(self.process.pid)

    def kill(self):
        """SIGKILL, as a crash would. Its workers must notice by themselves."""
        if self.process is None:
            return
        below = self.workers()
        self.process.kill()
        self.process.wait()
        self.process = None
        until("the orphaned workers' end", lambda: not any(alive(pid) for pid in below), 30)

    def stop(self):
        """SIGTERM; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        finally:
            self.kill()


class ServerTest(unittest.TestCase):
    """A temporary folder, and servers that end with the test."""

    @classmethod
    def setUpClass(cls):
        if not PROGRAM.exists():
            raise AssertionError(f"{PROGRAM} is not built; ./dev build, or set UBERTOONS_BIN_DIR")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-e2e."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def serve(self, config="", flags=(), workers=None):
        server = Server(self.folder, config, flags, workers)
        self.addCleanup(server.kill)
        if SANITIZED:
            self.addCleanup(self._end_well, server)
        self.addCleanup(self._show_log, server)
        return server.start()

    def _end_well(self, server):
        """Leaks are looked for at a regular end, and a finding shows in the exit code."""
        if server.process is not None:
            self.assertEqual(server.stop() if server.process.poll() is None else server.process.returncode, 0)

    def _show_log(self, server):
        result = self._outcome.result  # its `success` is true while a cleanup runs
        if any(test is self for test, _ in result.failures + result.errors):
            print(f"-- the server's last lines:\n{server.log_tail()}", file=sys.stderr)

    def assert_one_outcome_each(self, api, job_id, toon_ids):
        """Every toon of a Completed job succeeded once, in manifest order, and the counters say so too."""
        job = api.job(job_id)
        rows = api.results(job_id)
        self.assertEqual([row["toonId"] for row in rows], toon_ids)
        self.assertEqual({row["state"] for row in rows}, {"Succeeded"})
        numbers = {name: job[name] for name in ("toonCount", "processed", "succeeded", "failed")}
        count = len(toon_ids)
        self.assertEqual(numbers, {"toonCount": count, "processed": count, "succeeded": count, "failed": 0})

    def assert_artifacts_whole(self, api, artifacts):
        for artifact in artifacts:
            data = api.artifact(artifact["sha256"])
            self.assertEqual((sha256(data), len(data)), (artifact["sha256"], artifact["bytes"]), artifact["name"])


def message(toon_id, value):
    return {"toonId": toon_id, "type": "message", "json": value}


def data_toon(toon_id, kind, data):
    return {"toonId": toon_id, "type": kind, "data": base64.b64encode(data).decode()}


def tls_pair(folder):
    """A certificate for 127.0.0.1 signed by itself: (cert, key)."""
    cert, key = pathlib.Path(folder) / "cert.pem", pathlib.Path(folder) / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    return cert, key


def trust(cert):
    return ssl.create_default_context(cafile=str(cert))
