"""The other side of the client's tests: a server that answers from a script, and a test case that runs the client."""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import types
import unittest
import urllib.parse

DEADLINE = 60  # seconds; of anything that is waited for


def binary():
    return os.environ["UBERTOONS_BIN"]


class Fake:
    """A server that answers from a script: {(method, path): function(request) -> (status, headers, body)}."""

    def __init__(self):
        fake = self
        self.requests = []
        self.routes = {}
        self.lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                url = urllib.parse.urlsplit(self.path)
                self.query = dict(urllib.parse.parse_qsl(url.query))
                # One handler serves all requests of a connection: what is remembered is a copy.
                self.record = types.SimpleNamespace(command=self.command, path=self.path, headers=self.headers,
                                                    query=self.query, body=self.body)
                with fake.lock:
                    fake.requests.append(self.record)
                route = fake.routes.get((self.command, urllib.parse.unquote(url.path)))
                if route is None:
                    self.answer(404, {"Content-Type": "application/problem+json"},
                                json.dumps({"title": "There is no such thing", "detail": "no " + url.path,
                                            "status": 404, "traceId": "t-404"}))
                    return
                answer = route(self)
                if answer is not None:
                    self.answer(*answer)

            do_GET = do_POST = do_PUT = do_DELETE = serve

            def answer(self, status, headers, body):
                data = body if isinstance(body, bytes) else body.encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def stream(self, text):
                """An event stream that ends when its connection does."""
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(text.encode())
                self.wfile.flush()
                self.close_connection = True

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # clients that go away

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(DEADLINE)

    def on(self, method, path, answer):
        self.routes[(method, path)] = answer if callable(answer) else (lambda _request: answer)

    def seen(self, method, path):
        with self.lock:
            return [r for r in self.requests
                    if r.command == method and urllib.parse.unquote(urllib.parse.urlsplit(r.path).path) == path]


def ok(document, status=200):
    return (status, {"Content-Type": "application/json"}, json.dumps(document))


def problem(status, **members):
    return (status, {"Content-Type": "application/problem+json"}, json.dumps(dict({"status": status}, **members)))


def job(status="Completed", **members):
    document = {"jobId": "J1", "status": status, "toonCount": 2, "processed": 2, "succeeded": 2, "failed": 0,
                "metadata": {}, "submittedAt": "2026-11-23T09:00:00.000Z"}
    return dict(document, **members)


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ubertoons-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.fake = Fake()
        self.addCleanup(self.fake.close)
        self.env = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "UBERTOONS_URL": self.fake.url,
                    "UBERTOONS_TOKEN": "secret-token", "TMPDIR": str(self.folder)}
        if "LD_LIBRARY_PATH" in os.environ:
            self.env["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]

    def run_cli(self, *args, stdin=b"", code=0):
        done = subprocess.run([binary(), *map(str, args)], input=stdin, capture_output=True, env=self.env,
                              timeout=DEADLINE, cwd=self.folder, check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, code, "%s\nstdout: %s\nstderr: %s" % (args, out, err))
        return out, err

    def write(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path


def main():
    """Runs the tests of the calling script; its first argument may be the binary."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.access(sys.argv[1], os.X_OK):
        os.environ["UBERTOONS_BIN"] = os.path.abspath(sys.argv.pop(1))
    if "UBERTOONS_BIN" not in os.environ:
        sys.exit("UBERTOONS_BIN is not set")
    unittest.main()
