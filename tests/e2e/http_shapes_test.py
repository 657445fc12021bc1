"""Requests that proxies and servers are known to read differently, against both ports that take HTTP: the API's and the one
that workers speak to. Each malformed one is refused and ends its connection, and nothing behind it is answered."""

import json
import re
import stat
import unittest

from harness import BIN, DEADLINE_SECONDS, message
from raw_http import GET, AbuseTest, Raw

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
BODY = b'{"toons": []}'
CHUNK = b"d\r\n" + BODY + b"\r\n"
HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(197)  # the start of a TLS handshake


def framed(*headers, body=b""):
    """What differs in the head of a POST, and its body."""
    return b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def chunked(body):
    return framed(b"Transfer-Encoding: chunked", body=body)


LENGTH, CHUNKED = b"Content-Length: 13", b"Transfer-Encoding: chunked"
# Behind "POST <path> HTTP/1.1, Host, Authorization": each is 400.
MALFORMED = {
    "CL and TE": framed(LENGTH, CHUNKED, body=b"0\r\n\r\n"),
    "TE and CL": framed(CHUNKED, LENGTH, body=b"0\r\n\r\n"),
    "two CLs": framed(LENGTH, b"Content-Length: 1", body=BODY),
    "a list of CLs": framed(b"Content-Length: 13, 13", body=BODY),
    "CL with plus": framed(b"Content-Length: +13", body=BODY),
    "CL with minus": framed(b"Content-Length: -1", body=BODY),
    "CL with a space within": framed(b"Content-Length: 1 3", body=BODY),
    "CL in hex": framed(b"Content-Length: 0xd", body=BODY),
    "CL too large to count": framed(b"Content-Length: 184467440737095516170", body=BODY),
    "CL empty": framed(b"Content-Length:", body=BODY),
    "TE identity": framed(b"Transfer-Encoding: identity"),
    "TE chunked, identity": framed(b"Transfer-Encoding: chunked, identity", body=CHUNK),
    "TE identity, chunked": framed(b"Transfer-Encoding: identity, chunked", body=CHUNK),
    "TE xchunked": framed(b"Transfer-Encoding: xchunked", body=CHUNK),
    "TE chunked with parameter": framed(b"Transfer-Encoding: chunked;q=1", body=CHUNK),
    "TE chunked with comma": framed(b"Transfer-Encoding: chunked,", body=CHUNK),
    "TE twice": framed(CHUNKED, CHUNKED, body=CHUNK),
    "TE twice, differing": framed(CHUNKED, b"Transfer-Encoding: x", body=CHUNK),
    "TE empty": framed(b"Transfer-Encoding:", body=CHUNK),
    "TE quoted": framed(b'"Transfer-Encoding": chunked', body=CHUNK),
    "TE after a vertical tab": framed(b"Transfer-Encoding: \x0bchunked", body=CHUNK),
    "space before colon": framed(b"Content-Length : 13", body=BODY),
    "tab before colon": framed(b"Transfer-Encoding\t: chunked", body=CHUNK),
    "obs-fold": framed(b"X: a", b" Content-Length: 13", body=BODY),
    "obs-fold by tab": framed(b"Transfer-Encoding:", b"\tchunked", body=CHUNK),
    "bare LF": framed(b"X: a\nContent-Length: 13", body=BODY),
    "bare CR": framed(b"X: a\rContent-Length: 13", body=BODY),
    "NUL in a header": framed(b"X: a\0b"),
    "NUL in a name": framed(b"X\0: a"),
    "two Hosts": framed(b"Host: b"),
    "no colon": framed(b"Nothing"),
    "chunk size with plus": chunked(b"+" + CHUNK + b"0\r\n\r\n"),
    "chunk size with minus": chunked(b"-" + CHUNK + b"0\r\n\r\n"),
    "chunk size with 0x": chunked(b"0x" + CHUNK + b"0\r\n\r\n"),
    "chunk size with leading space": chunked(b" " + CHUNK + b"0\r\n\r\n"),
    "chunk size with trailing space": chunked(b"d \r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size too large to count": chunked(b"1000000000000000" + CHUNK + b"0\r\n\r\n"),
    "chunk size absent": chunked(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk ended by LF": chunked(b"d\r\n" + BODY + b"\n0\r\n\r\n"),
    "chunk ended by other bytes": chunked(b"d\r\n" + BODY + b"XX0\r\n\r\n"),
    "chunk not ended": chunked(b"d\r\n" + BODY + b"0\r\n\r\n"),
    "chunk size ended by LF": chunked(b"d\n" + BODY + b"\r\n0\r\n\r\n"),
    "LF in an extension": chunked(b"d;a\n=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "CR in an extension": chunked(b"d;a\r=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "last chunk ended by LF": chunked(CHUNK + b"0\n\n"),
    "CL in the trailers": chunked(CHUNK + b"0\r\nContent-Length: 5\r\n\r\n"),
    "TE in the trailers": chunked(CHUNK + b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "no colon in the trailers": chunked(CHUNK + b"0\r\nGET / HTTP/1.1\r\n\r\n"),
    "a giant extension": chunked(b"d;" + b"x" * 100_000),
    "giant extensions of tiny chunks": chunked((b"1;" + b"x" * 10_000 + b"\r\n \r\n") * 20 + b"0\r\n\r\n"),
    "giant trailers": chunked(CHUNK + b"0\r\n" + b"X: y\r\n" * 20_000),
}
# Whole requests, and the statuses that are right.
WHOLE = {
    "HTTP/0.9": (b"GET /healthz\r\n", {400}),
    "the HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
    "a TLS handshake": (HELLO, {400}),
    "HTTP/1.2": (b"GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n", {400}),
    "HTTP/1.0 with TE": (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "no Host": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "an empty Host": (b"GET /healthz HTTP/1.1\r\nHost: \r\n\r\n", {400}),
    "a Host that is a path": (b"GET /healthz HTTP/1.1\r\nHost: a/../b\r\n\r\n", {400}),
    "a Host with user": (b"GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n", {400}),
    "absolute form with another Host": (b"GET http://other/healthz HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", {501}),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", {400}),
    "an unknown expectation": (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n", {417}),
    "one 1 MB header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n", {431}),
    "10,000 small headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", {431}),
    "a giant request line": (b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: a\r\n\r\n", {414}),
    "NUL in the path": (b"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "a broken escape": (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "a backslash": (b"GET /..\\..\\x HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
}


class ShapesTest(AbuseTest):
    def assert_refused(self, port, request, statuses):
        with Raw(port) as client:
            client.send(request + SMUGGLED)
            answer = client.to_end()
        self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)), 1, answer[:600])
        self.assertIn(int(answer.split()[1]), statuses, answer[:600])
        self.assertIn(b"Connection: close", answer)
        self.assertNotIn(b"smuggled", answer)
        return answer


class ApiShapesTest(ShapesTest):
    def test_malformed_requests_are_refused_and_smuggle_nothing(self):
        for name, shape in MALFORMED.items():
            with self.subTest(name):
                head = b"POST /submit-job HTTP/1.1\r\nHost: a\r\n" + self.authorization
                self.assert_problem(self.assert_refused(self.port, head + shape, {400}), {400})
                self.assert_served()
        for name, (request, statuses) in WHOLE.items():
            with self.subTest(name):
                self.assert_problem(self.assert_refused(self.port, request, statuses), statuses)
                self.assert_served()
        self.assert_gone()
        self.assertEqual(self.api.get("/jobs").json()["jobs"], [])

    def talk(self, request):
        """The statuses and bodies of all answers to the request and a GET behind it."""
        with Raw(self.port) as client:
            client.send(request + GET)
            first, second = client.answer(), client.answer()
        self.assertEqual(second[0], 200, first)
        return first

    def test_what_is_unusual_and_right_is_served(self):
        head = b"POST /submit-job HTTP/1.1\r\nHost: a\r\n" + self.authorization
        for name, shape in {"two equal CLs": framed(LENGTH, LENGTH, body=BODY),
                            "TE in mixed case": framed(b"transfer-ENCODING:  ChUnKeD ", body=CHUNK + b"0\r\n\r\n"),
                            "extensions and trailers": chunked(b"d;a=b\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n"),
                            "leading zeros": chunked(b"0000" + CHUNK + b"0\r\n\r\n")}.items():
            with self.subTest(name):
                status, _, body = self.talk(head + shape)
                self.assertEqual((status, json.loads(body)["errors"][0]["pointer"]), (400, "/toons"))  # it was read whole
        for name, more in {"h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
                           "a body that nobody wants": b"Content-Length: 5\r\n\r\nhello"}.items():
            with self.subTest(name):
                self.assertEqual(self.talk(b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + more)[0], 200)
        self.assertEqual(self.talk(b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n")[0], 200)
        self.assert_gone()

    def test_continue_is_said_when_the_body_is_wanted(self):
        with Raw(self.port) as client:
            client.send(self.request("POST", "/submit-job", b"Expect: 100-continue\r\nContent-Length: 13\r\n"))
            self.assertEqual(client.answer()[0], 100)
            client.send(BODY)
            self.assertEqual(client.answer()[0], 400)
        with Raw(self.port) as client:
            client.send(b"POST /submit-job HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n")
            self.assertEqual(client.answer()[0], 401)
            self.assertEqual(client.to_end(), b"")
        self.assert_gone()

    def test_paths_lead_nowhere_else_and_headers_stay_ours(self):
        evil = b"a%0d%0aX-Evil:%20yes%0d%0a%0d%0a"
        for path in (b"/jobs/../healthz", b"/jobs/%2e%2e/healthz", b"/jobs/%2e%2e%2fhealthz", b"//healthz", b"/healthz/",
                     b"/jobs/%252e%252e%252fhealthz", b"/jobs/%c0%ae%c0%ae", b"/artifacts/..%2f..%2fkeys%2furl-secret",
                     b"/artifacts/%2e%2e/%2e%2e/etc/passwd", b"/blobs/..%2f..%2fkeys", b"/./healthz", b"/prod/../healthz",
                     b"/jobs/" + evil, b"/artifacts/" + evil, b"/" + evil + b"/jobs/a", b"/quarantine/" + evil):
            with self.subTest(path):
                status, head, body = self.talk(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n" + self.authorization + b"\r\n")
                self.assertIn(status, {400, 404, 405})
                self.assertNotIn(b"X-Evil", head)
                self.assertEqual(json.loads(body)["status"], status)
        status, head, body = self.talk(b"GET /jobs/a HTTP/1.1\r\nHost: a\r\ntraceparent: 00-x\tX-Evil: 1-01\r\n"
                                       b"X-Trace-Id: evil\r\n" + self.authorization + b"\r\n")
        self.assertEqual(status, 404)
        self.assertNotIn(b"vil", head)
        self.assert_gone()


class WorkerPortShapesTest(ShapesTest):
    """A worker's own port, with the right to speak on it: the token in its address."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.kill()
        said = cls.folder_of_all / "runtime-api"
        wrapper = cls.folder_of_all / "worker"
        wrapper.write_text(f'#!/bin/sh\n[ -n "$AWS_LAMBDA_RUNTIME_API" ] && echo "$AWS_LAMBDA_RUNTIME_API" > {said}\n'
                           f'exec {BIN / "ubertoons-worker"} "$@"\n')
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        cls.server.flags += ["--worker-command", str(wrapper)]
        cls.server.start()
        cls.port = int(cls.server.url.rsplit(":", 1)[1])
        cls.api = cls.server.api()
        cls.api.submit("one", [message("m", {})])
        cls.api.ended("one", DEADLINE_SECONDS)
        cls.worker_port, cls.path = re.fullmatch(r"127\.0\.0\.1:(\d+)(/\w{32})", said.read_text().strip()).groups()
        cls.worker_port = int(cls.worker_port)

    def assert_working(self, job_id):
        self.api.submit(job_id, [message("m", {"job": job_id})], reuse=False)
        self.assertEqual(self.api.ended(job_id)["status"], "Completed")

    def test_malformed_requests_are_refused_and_smuggle_nothing(self):
        head = f"POST {self.path}/2018-06-01/runtime/init/error HTTP/1.1\r\nHost: a\r\n".encode()
        for name, shape in MALFORMED.items():
            with self.subTest(name):
                self.assert_refused(self.worker_port, head + shape, {400})
        self.assert_working("two")
        for name, (request, statuses) in WHOLE.items():
            with self.subTest(name):
                self.assert_refused(self.worker_port, request, statuses)
        self.assert_working("three")
        self.assert_gone()

    def test_without_a_workers_token_nothing_is_served(self):
        for path in ("/2018-06-01/runtime/invocation/next", f"/{'0' * 32}/2018-06-01/runtime/invocation/next", "/",
                     f"{self.path[:-1]}/2018-06-01/runtime/invocation/next"):
            with self.subTest(path), Raw(self.worker_port) as client:
                client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                self.assertEqual(client.answer()[0], 403)
        self.assert_working("four")

    def test_broken_clients_of_it_leave_the_workers_alone(self):
        post = f"POST {self.path}/2018-06-01/runtime/init/error HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n".encode()
        clients = [Raw(self.worker_port) for _ in range(60)]
        for i, client in enumerate(clients):
            self.addCleanup(client.socket.close)
            client.send((b"", b"GET /x HT", post)[i % 3])
        self.assert_working("five")
        for i, client in enumerate(clients):
            (client.reset, client.socket.close, client.vanish)[i % 3]()
        self.assert_working("six")


if __name__ == "__main__":
    unittest.main()
