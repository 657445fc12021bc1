"""What callers do, one coroutine each: they send, check the answer against what docs/api.md promises, and note what they learnt."""

import asyncio
import base64
import collections
import hashlib
import json
import pathlib
import re
import time
import urllib.parse

import toons
from client import Answer, Broken
from ledger import Job, encode

API_PAGE = (pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
LIMIT_NAME = re.compile(r"\((max\w+)\)")
TRIES = 5  # of a request that is told to come back
# How often each is done, of 100.
WEIGHTS = {"submit": 22, "submit_again": 8, "submit_other": 4, "poll": 22, "list_jobs": 8, "results": 11, "watch": 7, "upload_blob": 3,
           "upload_manifest": 2, "cancel": 3, "retry": 3, "artifact": 2, "bad": 4, "public": 1}


class Caller:
    """The operations of every tenant against one server."""

    def __init__(self, client, ledger, tokens, viewer):
        self.client, self.ledger, self.tokens, self.viewer = client, ledger, tokens, viewer
        self.refused, self.readmitted = collections.Counter(), 0  # 429s by reason, and requests that got through after one
        self.documented = {}  # {"GET /jobs": statuses}, from openapi.json

    async def read_contract(self):
        document = (await self.client.call("GET /openapi.json", "GET", "/openapi.json")).json()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if "responses" in operation:
                    self.documented[f"{method.upper()} {path}"] = {int(status) for status in operation["responses"]}

    def bearer(self, tenant):
        return {"Authorization": f"Bearer {self.tokens[tenant]}"}

    async def call(self, name, tenant, target, body=None, expect=(200,), due=None, headers=None):
        """One request as a well-behaved client makes it: told to wait, it waits and comes back. None: nothing to go on
        with, which is noted where it is a fault. `name` is the route, perhaps with a remark after it in brackets."""
        route = name.split(" (")[0]
        sent = {**(self.bearer(tenant) if tenant else {}), **(headers or {})}
        for attempt in range(TRIES):
            try:
                answer = await self.client.call(name, route.split(" ")[0], target, sent, body, due)
            except Broken as error:
                self.ledger.violation(f"no answer: {name}: {error}")
                return None
            if answer.status != 429:
                self.readmitted += attempt > 0
                return self._judge(name, route, answer, expect)
            await asyncio.sleep(self._wait_of(name, answer))
            due = None  # meant to be sent when the wait is over
        self.ledger.violation(f"{name}: 429 still after waiting {TRIES - 1} times as told: {answer.body[:300]!r}")
        return None

    def _judge(self, name, route, answer, expect):
        if answer.status in expect and answer.status in self.documented.get(route, expect):
            return answer
        self.ledger.violation(f"{name}: {answer.status} instead of {expect}: {answer.body[:300]!r}")
        return None

    def _wait_of(self, name, answer):
        """Seconds that a 429 asks for; it must name a limit that the documentation names too."""
        told = answer.headers.get("retry-after", "")
        problem = answer.json()
        self.refused[problem.get("reason", "no reason")] += 1
        named = LIMIT_NAME.search(problem.get("detail", ""))
        if not told.isdigit() or int(told) < 1:
            self.ledger.violation(f"{name}: 429 without a good Retry-After: {told!r}")
            return 1
        if not named or named[1] not in API_PAGE:
            self.ledger.violation(f"{name}: 429 that names no limit of docs/api.md: {answer.body[:300]!r}")
        return int(told)

    # ---- submitting ----

    async def send_job(self, job, due=None, name="POST /submit-job"):
        """Submits, and enters the job in the ledger once it is accepted."""
        answer = await self.call(name, job.tenant, "/submit-job", job.body, (202,), due, job.headers)
        if answer is None:
            return False
        job.accepted(answer.json())
        self.ledger.add(job)
        return True

    async def submit(self, tenant, number, rng, due):
        await self.send_job(toons.small_job(tenant, number, rng), due)

    async def submit_again(self, tenant, number, rng, due):
        job = self.ledger.any_of(tenant, rng)
        if job is None:
            return await self.submit(tenant, number, rng, due)
        answer = await self.call("POST /submit-job (again)", tenant, "/submit-job", job.body, (202,), due, job.headers)
        if answer and answer.json() != job.first:
            self.ledger.violation(f"a repeated submission was answered {answer.body[:300]!r}, the first {job.first}")

    async def submit_other(self, tenant, number, rng, due):
        job = self.ledger.any_of(tenant, rng)
        if job is None:
            return await self.submit(tenant, number, rng, due)
        other = encode({**({} if job.headers else {"jobId": job.id}), "toons": toons.messages(1, f"other{number}-")})
        await self.call("POST /submit-job (conflict)", tenant, "/submit-job", other, (409,), due, job.headers)

    # ---- reading ----

    async def poll(self, tenant, number, rng, due):
        job = self.ledger.any_of(tenant, rng)
        if job is None:
            return await self.submit(tenant, number, rng, due)
        before = job.progress
        answer = await self.call("GET /jobs/{jobId}", tenant, f"/jobs/{job.id}", due=due)
        if answer is None:
            return
        document = answer.json()
        now = (document["generation"], document["processed"])
        if now < before:
            self.ledger.violation(f"progress went back from {before} to {now} (generation, processed)")
        job.progress = max(job.progress, now)

    async def list_jobs(self, tenant, number, rng, due):
        target = f"/jobs?pageSize={rng.choice((5, 20, 100))}" + rng.choice(("", "", "&status=Completed", "&status=Processing"))
        answer = await self.call("GET /jobs", tenant, target, due=due)
        if answer is None:
            return
        page = answer.json()
        times = [job["submittedAt"] for job in page["jobs"]]
        if times != sorted(times, reverse=True):
            self.ledger.violation(f"a page of jobs is not newest first: {times[:5]}")
        if page.get("nextPageToken"):
            await self.call("GET /jobs", tenant, target + "&pageToken=" + urllib.parse.quote(page["nextPageToken"], safe=""))

    async def results(self, tenant, number, rng, due):
        job = self.ledger.any_of(tenant, rng)
        if job is None:
            return await self.submit(tenant, number, rng, due)
        answer = await self.call("GET /results", tenant, f"/results?jobId={job.id}&pageSize=50" + rng.choice(("", "&state=Failed")), due=due)
        if answer and not {row["toonId"] for row in answer.json()["results"]} <= set(job.toon_ids):
            self.ledger.violation(f"the results of {job.id} hold toons of something else")

    async def watch(self, tenant, number, rng, due):
        """A new job, watched to its end; half of the watchers lose their connection after the first event and come back."""
        job = toons.small_job(tenant, number, rng)
        if await self.send_job(job, due):
            await self.watch_to_end(job, drops=rng.random() < 0.5)

    async def watch_to_end(self, job, drops=False):
        """True once the end was told."""
        last = ""
        try:
            while True:
                headers = {**self.bearer(job.tenant), **({"Last-Event-ID": last} if last else {})}
                name = "GET /jobs/{jobId}/events" + (" (resumed)" if last else "")
                stream = self.client.watch(name, f"/jobs/{job.id}/events", headers)
                told = await self._read_stream(stream, last, drops)
                if told in ("end", "nothing"):
                    return True
                last, drops = told, False
        except Broken as error:
            self.ledger.violation(f"a watcher was cut off: {error}")
            return False

    async def _read_stream(self, stream, last, drops):
        """"end"; "nothing" is left to tell; or the id at which the connection was dropped."""
        try:
            async for event in stream:
                if isinstance(event, Answer):
                    if event.status == 429:
                        await asyncio.sleep(self._wait_of("GET /jobs/{jobId}/events", event))
                        return last
                    if event.status == 204 and last:
                        return "nothing"
                    raise Broken(f"events answered {event.status}: {event.body[:300]!r}")
                event_id, name, _ = event
                if name == "end":
                    return "end"
                if event_id == last:
                    self.ledger.violation(f"a resumed watcher was told {last} again")
                if drops:
                    return event_id
        finally:
            await stream.aclose()
        raise Broken("the events stopped before the end")

    async def artifact(self, tenant, number, rng, due):
        job = self.ledger.any_of(tenant, rng)
        if job is None:
            return await self.submit(tenant, number, rng, due)
        answer = await self.call("GET /results", tenant, f"/results?jobId={job.id}&pageSize=50", due=due)
        found = [one for row in (answer.json()["results"] if answer else []) for one in row.get("artifacts", [])]
        for one in found[:1]:
            got = await self.call("GET /artifacts/{sha256}", tenant, f"/artifacts/{one['sha256']}")
            if got and (hashlib.sha256(got.body).hexdigest(), len(got.body)) != (one["sha256"], one["bytes"]):
                self.ledger.violation(f"artifact {one['sha256']} has other bytes")

    # ---- uploads ----

    async def upload(self, tenant, data, due=None):
        """The bytes' uri, or None."""
        digest = hashlib.sha256(data).hexdigest()
        promise = await self.call("POST /uploads", tenant, "/uploads", encode({"bytes": len(data), "sha256": digest}), due=due)
        if promise is None:
            return None
        place = promise.json()
        url = urllib.parse.urlsplit(place["url"])
        put = await self.call("PUT /blobs/uploads/{sha256}", None, f"{url.path}?{url.query}", data, headers=place["headers"])
        return place["uri"] if put else None

    async def upload_blob(self, tenant, number, rng, due):
        uri = await self.upload(tenant, rng.randbytes(rng.randint(1, 64 * 1024)), due)
        if uri:
            await self.send_job(toons.job_of(tenant, f"blob-{number}", [{"toonId": "up", "type": "binary", "uri": uri}]))

    async def upload_manifest(self, tenant, number, rng, due):
        """A job by an uploaded manifest; one in five has a bad line, which is found after the 202."""
        listed = toons.messages(rng.randint(20, 400), f"u{number}-")
        bad = rng.random() < 0.2
        uri = await self.upload(tenant, toons.manifest(listed) + (b'{"toonId":"no type"}\n' if bad else b""), due)
        if uri:
            job = Job(tenant, encode({"jobId": f"manifest-{number}", "manifestUri": uri}), {}, [toon["toonId"] for toon in listed], broken=bad)
            await self.send_job(job, name="POST /submit-job (manifest)")

    # ---- changing a course ----

    async def cancel(self, tenant, number, rng, due):
        """Of a job just submitted, or of an older one, which has mostly ended."""
        job = toons.small_job(tenant, number, rng) if rng.random() < 0.5 else self.ledger.any_of(tenant, rng)
        if job is None or (job.id is None and not await self.send_job(job, due)):
            return
        job.cancelled = True  # also if the answer says that it has ended: the request may be the one that ended it
        await self.call("POST /jobs/{jobId}/cancel", tenant, f"/jobs/{job.id}/cancel", b"", (200, 409))

    async def retry(self, tenant, number, rng, due):
        failing = [job for job in self.ledger.jobs[tenant] if job.failing or job.cancelled]
        if not failing:
            return await self.submit(tenant, number, rng, due)
        job = rng.choice(failing)
        await self.call("POST /jobs/{jobId}/retry", tenant, f"/jobs/{job.id}/retry", b"", (202, 409), due)

    # ---- what is refused ----

    async def bad(self, tenant, number, rng, due):
        strange = next((job for jobs in self.ledger.jobs.values() for job in jobs[-3:] if job.tenant != tenant), None)
        stranger = base64.urlsafe_b64encode(rng.randbytes(12)).decode().strip("=")
        cases = [("POST /submit-job (bad)", tenant, "/submit-job", b'{"toons":[', (400,), None),
                 ("POST /submit-job (bad)", tenant, "/submit-job", b'{"toons":[],"colour":1}', (400,), None),
                 ("POST /submit-job (bad)", tenant, "/submit-job", b'{"jobId":"a","jobId":"b","toons":[]}', (400,), None),
                 ("POST /submit-job (bad)", None, "/submit-job", toons.small_job(tenant, number, rng).body, (401,), None),
                 ("POST /submit-job (bad)", None, "/submit-job", b"{}", (401,), {"Authorization": "Bearer a.b.c"}),
                 ("POST /submit-job (bad)", None, "/submit-job", b"{}", (403,), {"Authorization": f"Bearer {self.viewer}"}),
                 ("GET /jobs/{jobId} (bad)", tenant, f"/jobs/{stranger}", None, (404,), None),
                 ("GET /jobs (bad)", tenant, "/jobs?pageSize=many", None, (400,), None),
                 ("GET /results (bad)", tenant, "/results", None, (400,), None),
                 ("POST /uploads (bad)", tenant, "/uploads", b'{"bytes":-1}', (400,), None),
                 ("PUT /blobs/uploads/{sha256} (bad)", None, f"/blobs/uploads/{'a' * 64}?signature=none", b"x", (400, 403), None)]
        if strange and not any(job.id == strange.id for job in self.ledger.jobs[tenant]):
            cases.append(("GET /jobs/{jobId} (bad)", tenant, f"/jobs/{strange.id}", None, (404,), None))
        name, caller, target, body, expect, headers = rng.choice(cases)
        await self.call(name, caller, target, body, expect, due, headers)

    async def public(self, tenant, number, rng, due):
        path = rng.choice(("/healthz", "/readyz", "/openapi.json", "/.well-known/jwks.json"))
        await self.call(f"GET {path}", None, path, due=due)


async def timed_job(caller, tenant, number, due=None):
    """Seconds from the moment at which a job of ten toons was meant to be sent until its end is told; None if it is not."""
    started = time.monotonic() if due is None else due
    job = toons.job_of(tenant, f"ten-{number}", toons.messages(10, f"p{number}-"))
    if not await caller.send_job(job, started, "POST /submit-job (ten toons)"):
        return None
    return time.monotonic() - started if await caller.watch_to_end(job) else None


async def rows_are_wrong(caller, job, page_size=1000):
    """Reads every row of an ended job, page by page: exactly one outcome a toon, in manifest order. What is wrong; "" if
    nothing. Rows are not kept: a job may have a million."""
    at, token = 0, ""
    while True:
        target = f"/results?jobId={job.id}&pageSize={page_size}" + (f"&pageToken={urllib.parse.quote(token, safe='')}" if token else "")
        answer = await caller.call("GET /results (check)", job.tenant, target)
        if answer is None:
            return f"its results could not be read from toon {at} on"
        page = json.loads(answer.body)
        for row in page["results"]:
            wanted = job.toon_ids[at] if at < len(job.toon_ids) else None
            if row["toonId"] != wanted or row["state"] not in ("Succeeded", "Failed"):
                return f"row {at} is {row['toonId']} {row['state']}, an outcome of {wanted} is due"
            at += 1
        token = page.get("nextPageToken")
        if not token:
            return "" if at == len(job.toon_ids) else f"has {at} rows for {len(job.toon_ids)} toons"
