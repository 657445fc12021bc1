"""An HTTP/1.1 client on asyncio that hides nothing: one connection a request at a time, kept between requests, never a silent retry."""

import asyncio
import collections
import json
import math
import time

KEEP_SECONDS = 20  # an idle connection is used again for so long: well below the server's own 60 s
ANSWER_SECONDS = 60
STREAM_LIMIT = 16 << 20


class Broken(Exception):
    """The connection ended, or the answer was no HTTP, where an answer was due."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Figures:
    """Every request by its name: how long it took from when it was meant to be sent, and the status."""

    def __init__(self):
        self.seconds, self.statuses = collections.defaultdict(list), collections.defaultdict(collections.Counter)

    def note(self, name, status, seconds):
        self.seconds[name].append(seconds)
        self.statuses[name][status] += 1

    def count(self, name):
        return len(self.seconds[name])


def percentile(values, share):
    """By nearest rank; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.idle_since = reader, writer, 0.0

    @classmethod
    async def open(cls, host, port):
        return cls(*await asyncio.open_connection(host, port, limit=STREAM_LIMIT))

    def close(self):
        self.writer.close()

    async def send(self, method, target, headers, body):
        lines = [f"{method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
        if body is not None or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body or b'')}")
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        if body:
            self.writer.write(body)
        await self.writer.drain()

    async def read_head(self):
        """(status, headers with names in lower case)."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ", 2)
        if version != "HTTP/1.1":
            raise Broken(f"no HTTP answer: {lines[0]!r}")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return int(status), {name.lower(): value.strip() for name, _, value in pairs}

    async def read_piece(self):
        """One chunk of a chunked body; empty at its end."""
        size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
        piece = await self.reader.readexactly(size + 2)
        return piece[:-2]

    async def read_body(self, status, headers):
        if status in (204, 304):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            pieces = []
            while piece := await self.read_piece():
                pieces.append(piece)
            return b"".join(pieces)
        return await self.reader.readexactly(int(headers.get("content-length", 0)))


class Client:
    """All callers of one server. Used by one event loop."""

    def __init__(self, host, port):
        self.host, self.port, self.figures = host, port, Figures()
        self._idle = collections.deque()

    async def _take(self):
        while self._idle:
            connection = self._idle.pop()
            if time.monotonic() - connection.idle_since < KEEP_SECONDS:
                return connection
            connection.close()
        return await Connection.open(self.host, self.port)

    async def call(self, name, method, target, headers=None, body=None, due=None):
        """One request and its answer. `due`: when it was meant to be sent (time.monotonic()); now by default.
        Broken: there was no answer, which is noted as status 0."""
        due = time.monotonic() if due is None else due
        sent = {"Host": f"{self.host}:{self.port}", **(headers or {})}
        try:
            answer = await asyncio.wait_for(self._exchange(method, target, sent, body), ANSWER_SECONDS)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, Broken) as error:
            self.figures.note(name, 0, time.monotonic() - due)
            raise Broken(f"{method} {target}: {error!r}") from error
        self.figures.note(name, answer.status, time.monotonic() - due)
        return answer

    async def _exchange(self, method, target, headers, body):
        connection = await self._take()
        try:
            await connection.send(method, target, headers, body)
            status, answered = await connection.read_head()
            answer = Answer(status, answered, await connection.read_body(status, answered))
        except BaseException:
            connection.close()
            raise
        if answered.get("connection", "").lower() == "close":
            connection.close()
        else:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        return answer

    async def watch(self, name, target, headers, due=None):
        """Server-sent events as (id, name, data) on a connection of their own, until the stream's end. The figure is the
        time to the head. An answer other than 200 is yielded alone, as the status."""
        due = time.monotonic() if due is None else due
        connection = None
        try:
            connection = await Connection.open(self.host, self.port)
            await connection.send("GET", target, {"Host": f"{self.host}:{self.port}", **headers}, None)
            status, answered = await asyncio.wait_for(connection.read_head(), ANSWER_SECONDS)
            self.figures.note(name, status, time.monotonic() - due)
            if status != 200:
                yield Answer(status, answered, await connection.read_body(status, answered))
                return
            async for event in _events(connection):
                yield event
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            self.figures.note(name, 0, time.monotonic() - due)
            raise Broken(f"GET {target}: {error!r}") from error
        finally:
            if connection:
                connection.close()

    def close(self):
        while self._idle:
            self._idle.pop().close()


async def _events(connection):
    pending = b""
    while piece := await asyncio.wait_for(connection.read_piece(), ANSWER_SECONDS):
        pending += piece
        while b"\n\n" in pending:
            block, pending = pending.split(b"\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if ": " in line)
            if fields:  # else a comment that keeps the connection open
                yield fields.get("id", ""), fields.get("event", ""), fields.get("data", "")
