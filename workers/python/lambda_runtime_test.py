"""The runtime loop against a small Runtime API of its own."""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

import lambda_runtime

HERE = pathlib.Path(__file__).resolve().parent


class FakeApi(http.server.ThreadingHTTPServer):
    """Gives out `events`, then 500 (the worker is to go), and keeps what was posted."""

    daemon_threads = True

    def __init__(self, events):
        super().__init__(("127.0.0.1", 0), FakeHandler)
        self.events = list(events)
        self.posted = []
        self.connections = set()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class FakeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"{}", headers=()):
        self.server.connections.add(self.client_address)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path != "/secret/2018-06-01/runtime/invocation/next":
            self.answer(403)
        elif self.server.events:
            event = self.server.events.pop(0)
            self.answer(200, json.dumps(event).encode(), [("Lambda-Runtime-Aws-Request-Id", event["id"]),
                                                          ("Lambda-Runtime-Deadline-Ms", "1")])
        else:
            self.answer(500)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path.removeprefix("/secret/2018-06-01/runtime"), json.loads(body)))
        self.answer(202)

    def log_message(self, *_):
        pass


class Loop(unittest.TestCase):
    def serve(self, handler, events):
        with FakeApi(events) as api:
            client = lambda_runtime.RuntimeApi(f"127.0.0.1:{api.server_port}/secret")
            self.addCleanup(client.close)
            lambda_runtime.serve(client, handler)
            return api

    def test_every_event_is_answered_over_one_connection(self):
        api = self.serve(lambda event, context: {"got": event["n"], "id": context.request_id},
                         [{"id": "a", "n": 1}, {"id": "b", "n": 2}])
        self.assertEqual(api.posted, [("/invocation/a/response", {"got": 1, "id": "a"}),
                                      ("/invocation/b/response", {"got": 2, "id": "b"})])
        self.assertEqual(len(api.connections), 1)

    def test_an_exception_is_reported_and_the_loop_goes_on(self):
        def handler(event, _):
            if event["n"] == 1:
                raise ValueError("no good")
            return {}

        api = self.serve(handler, [{"id": "a", "n": 1}, {"id": "b", "n": 2}])
        (first, report), (second, _) = api.posted
        self.assertEqual((first, second), ("/invocation/a/error", "/invocation/b/response"))
        self.assertEqual((report["errorType"], report["errorMessage"]), ("ValueError", "no good"))

    def bootstrap(self, name, events):
        with FakeApi(events) as api:
            environment = os.environ | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}/secret"}
            done = subprocess.run([sys.executable, str(HERE / "bootstrap.py"), name], env=environment, timeout=60,
                                  stderr=subprocess.DEVNULL, check=False)
            return done.returncode, api.posted

    def test_bootstrap_runs_the_word_cloud(self):
        record = {"messageId": "7", "body": json.dumps({"toonId": "t", "type": "wordcloud", "text": "anvil anvil"})}
        code, posted = self.bootstrap("wordcloud.handler", [{"id": "a", "Records": [record]}])
        self.assertEqual(code, 0)
        self.assertEqual(posted[0][0], "/invocation/a/response")
        self.assertEqual(posted[0][1]["outcomes"][0]["result"]["top"], [{"word": "anvil", "count": 2}])

    def test_bootstrap_reports_a_handler_that_is_not_there(self):
        code, posted = self.bootstrap("nothing.handler", [])
        self.assertEqual(code, 1)
        self.assertEqual(posted[0][0], "/init/error")


if __name__ == "__main__":
    unittest.main()
