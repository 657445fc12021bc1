"""For tests of hostile clients: a client that says exactly what it is told, and a server whose figures are watched."""

import ctypes
import json
import pathlib
import re
import shutil
import socket
import struct
import tempfile

from harness import Server, ServerTest, until

WAIT_SECONDS = 25  # generous: of every wait for the server
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
SLACK_FILES = 40   # that a store or a worker may open meanwhile
SLACK_BYTES = 96 << 20
SETTINGS = """
worker_idle = "1h"
[http]
header_timeout = "2s"
body_timeout = "2s"
idle_timeout = "10m"
min_body_rate = 2000
[processors.never]
command = ["sleep", "3600"]
"""  # toons of the type "never" keep their job open


class Raw:
    """A client that says exactly what it is told."""

    def __init__(self, port, source=None, receive_buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(WAIT_SECONDS)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.read = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False once the server has closed."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            return False
        return True

    def more(self):
        try:
            piece = self.socket.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            piece = b""
        self.read += piece
        return piece

    def answer(self):
        """(status, head, body) of the next answer with a Content-Length; (0, b"", b"") if the connection ends first."""
        while True:
            head, mark, rest = self.read.partition(b"\r\n\r\n")
            if mark:
                length = re.search(rb"(?i)content-length: (\d+)", head)
                size = int(length[1]) if length else 0
                if len(rest) >= size:
                    self.read = rest[size:]
                    return int(head.split()[1]), head, rest[:size]
            if not self.more():
                return 0, b"", b""

    def to_end(self):
        """Everything until the server closes."""
        while self.more():
            pass
        return self.read

    def reset(self):
        """Ends with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def vanish(self):
        """Its system answers nothing from now on, as if the cable were cut."""
        drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
        so_attach_filter = 26
        self.socket.setsockopt(socket.SOL_SOCKET, so_attach_filter, struct.pack("HL", 1, ctypes.addressof(drop_all)))


class AbuseTest(ServerTest):
    """One server for all tests of a class."""

    settings = SETTINGS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder_of_all = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-e2e."))
        cls.addClassCleanup(shutil.rmtree, cls.folder_of_all, ignore_errors=True)
        cls.server = Server(cls.folder_of_all, cls.settings, workers=1)
        cls.addClassCleanup(cls.server.kill)
        cls.server.start()
        cls.port = int(cls.server.url.rsplit(":", 1)[1])
        cls.api = cls.server.api()
        cls.authorization = f"Authorization: Bearer {cls.api.token}\r\n".encode()

    def setUp(self):
        self.watcher = Raw(self.port)  # asks for figures, also where no further connection is taken
        self.addCleanup(self.watcher.socket.close)
        self.before = self.figures()

    def figures(self):
        self.assertTrue(self.watcher.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"))
        status, _, body = self.watcher.answer()
        self.assertEqual(status, 200)
        lines = dict(line.rsplit(b" ", 1) for line in body.splitlines() if line and not line.startswith(b"#"))
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return {"connections": float(lines[b"ubertoons_http_connections"]), "files": float(lines[b"process_open_fds"]),
                "bytes": int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024}

    def raw(self, **options):
        client = Raw(self.port, **options)
        self.addCleanup(client.socket.close)
        return client

    def request(self, method, path, headers=b"", body=b""):
        return (f"{method} {path} HTTP/1.1\r\nHost: a\r\n".encode() + self.authorization + headers + b"\r\n" + body)

    def assert_served(self):
        """A neighbour on a connection of its own is."""
        with Raw(self.port) as client:
            self.assertTrue(client.send(GET))
            self.assertEqual(client.answer()[0], 200)
            self.assertTrue(client.send(self.request("GET", "/jobs?pageSize=1")))
            self.assertEqual(client.answer()[0], 200)

    def assert_gone(self):
        """Nothing of the test's clients is left in the server, though they may hold on."""
        now = {}

        def back():
            now.update(self.figures())
            return now["connections"] <= 1 and now["files"] <= self.before["files"] + SLACK_FILES

        try:
            until("connections and descriptors go back", back, WAIT_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.before} -> {now}") from None
        self.assertLess(now["bytes"], self.before["bytes"] + SLACK_BYTES)
        self.assert_served()

    def assert_problem(self, answer, statuses):
        """The whole of what a refused client read: one answer, a problem, and the end."""
        self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)), 1, answer[:600])
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertIn(int(head.split()[1]), statuses, answer[:600])
        self.assertIn(b"Connection: close", head)
        self.assertIn(b"Content-Type: application/problem+json", head)
        self.assertEqual(json.loads(body)["status"], int(head.split()[1]))
