"""Webhooks: signed, after the commit, sent again until they are taken, also across a crash."""

import hashlib
import hmac
import http.server
import json
import threading
import unittest

from harness import ServerTest, message, until

SECRET = "a secret of the operator"


class Receiver:
    """Takes what is posted; answers 503 to the first `refusals` posts."""

    def __init__(self, refusals=0):
        self.posts, self.lock, self.refusals = [], threading.Lock(), refusals
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.posts.append((dict(self.headers), body))
                    refuse = len(receiver.posts) <= receiver.refusals
                self.send_response(503 if refuse else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def taken(self):
        """(headers, event) of the posts that were not refused."""
        with self.lock:
            return [(headers, json.loads(body)) for headers, body in self.posts[self.refusals :]]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Webhooks(ServerTest):
    def receive(self, **options):
        receiver = Receiver(**options)
        self.addCleanup(receiver.close)
        config = f'[[webhooks]]\nurl = "{receiver.url()}"\nsecret = "{SECRET}"\n'
        return receiver, config

    def test_a_completed_job_is_told_with_a_signature_that_verifies(self):
        receiver, config = self.receive()
        api = self.serve(config).api()
        api.submit("told", [message("a", 1)])
        until("the webhook", lambda: any("JobCompleted" in json.dumps(event) for _, event in receiver.taken()))
        self.assertEqual(api.job("told")["status"], "Completed")
        for headers, body in receiver.posts:
            signature = {name.lower(): value for name, value in headers.items()}["x-ubertoons-signature"]
            self.assertRegex(signature, r"^t=\d+,v1=[0-9a-f]{64}$")
            time, mac = (part.split("=")[1] for part in signature.split(","))
            self.assertEqual(mac, hmac.new(SECRET.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest())
            self.assertIn("told", body.decode())

    def test_a_refused_webhook_is_sent_again(self):
        receiver, config = self.receive(refusals=2)
        api = self.serve(config).api()
        api.submit("told", [message("a", 1)])
        until("the webhook after refusals", lambda: any("JobCompleted" in json.dumps(event) for _, event in receiver.taken()))

    def test_what_was_not_sent_before_a_crash_is_sent_after_it(self):
        receiver, config = self.receive(refusals=1000)
        server = self.serve(config)
        api = server.api()
        api.submit("told", [message("a", 1)])
        api.ended("told")
        until("a first try", lambda: receiver.posts)
        server.kill()
        with receiver.lock:
            receiver.refusals = len(receiver.posts)
        server.start()
        until("the webhook after the crash", lambda: any("JobCompleted" in json.dumps(event) for _, event in receiver.taken()))


if __name__ == "__main__":
    unittest.main()
