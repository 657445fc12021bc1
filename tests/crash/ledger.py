"""What the server has promised, and whether it keeps it.

A Ledger writes down every job and upload that was acknowledged, every end that was announced and every result that was
read. Traffic makes more of them until the server dies. Check asks a restarted server for all of it.
"""

import hashlib
import http.client
import json
import random
import threading
import time

from harness import data_toon, message, sha256

FINAL = ("status", "toonCount", "processed", "succeeded", "failed", "completedAt", "reason", "artifacts")
DEAD = (OSError, http.client.HTTPException)  # what a call to a killed server ends in
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


class Broken(AssertionError):
    """A promise was not kept."""


class Refused(Exception):
    """The server said that it did not take something: 429 or 503."""


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Job:
    def __init__(self, job_id, kind, body, ids, prints=None, flawed=(), emits=()):
        self.id, self.kind, self.body, self.ids = job_id, kind, body, ids
        self.prints = prints or {}  # toon id: the fingerprint it must get
        self.flawed, self.emits = frozenset(flawed), frozenset(emits)
        self.accepted = False
        self.retry, self.cancel = "", ""  # "asked": it may have happened; "answered": it has
        self.generation = 1  # at least
        self.end = None  # the document in which its end was announced
        self.rows = {}  # toon id: the outcome as it was read
        self.settled = False  # read whole after its end


class Ledger:
    def __init__(self, rng):
        self.rng = random.Random(rng.random())
        self.jobs, self.uploads = {}, {}
        self.lock = threading.Lock()
        self.problems, self.refusals = [], 0
        self.numbers = 0

    def number(self):
        with self.lock:
            self.numbers += 1
            return self.numbers

    def accepted(self):
        return [job for job in list(self.jobs.values()) if job.accepted]

    def counts(self):
        jobs = self.accepted()
        return f"{len(jobs)} jobs, {sum(job.settled for job in jobs)} settled, {len(self.uploads)} uploads, " \
               f"{sum(len(job.rows) for job in jobs)} outcomes"


# ---- making jobs ----------------------------------------------------------------------------------------------------


def messages(job_id, rng, count, flawed=False, **more):
    toons, prints, bad, emits = [], {}, set(), set()
    for i in range(count):
        value = {"n": i, "pad": "x" * rng.randint(0, 300), "salt": rng.random() if flawed else rng.randrange(10**9)}
        value["salt"] = str(value["salt"])
        toon = message(f"t{i:05d}", value)
        if flawed:
            if rng.random() < 0.3:
                value["n"] = "none"
                bad.add(toon["toonId"])
            toon["operations"] = [{"op": "validate", "schema": SCHEMA}]
        elif rng.random() < 0.1:
            toon["operations"] = [{"op": "emit"}]
            emits.add(toon["toonId"])
        prints[toon["toonId"]] = sha256(canonical(value))
        toons.append(toon)
    kind = "flawed" if bad else "messages"
    ids = [toon["toonId"] for toon in toons]
    return Job(job_id, kind, {"jobId": job_id, "toons": toons, **more}, ids, prints, bad, emits)


def emitting(job_id, count):
    """Each toon by itself, with an artifact."""
    toons = [{**message(f"t{i:05d}", {"n": i}), "operations": [{"op": "emit"}]} for i in range(count)]
    ids = [toon["toonId"] for toon in toons]
    return Job(job_id, "emitting", {"jobId": job_id, "toons": toons, "chunking": "per-toon"}, ids, emits=ids)


def telemetry(job_id, rng):
    toons = []
    for i in range(rng.randint(1, 4)):
        rows = "".join(f"2025-01-01T00:{i:02d}:{s:02d}Z,{rng.randint(0, 99)}\n" for s in range(40))
        toons.append(data_toon(f"t{i}", "telemetry", f"time,v\n{rows}".encode()))
        toons[-1]["operations"] = [{"op": "clean", "emit": True}]
    ids = [toon["toonId"] for toon in toons]
    return Job(job_id, "telemetry", {"jobId": job_id, "toons": toons, "reducers": ["timeline"]}, ids, emits=ids)


def of_uploads(job_id, uploads):
    toons = [{"toonId": f"t{i}", "type": "binary", "uri": uri} for i, (uri, _) in enumerate(uploads)]
    prints = {f"t{i}": digest for i, (_, digest) in enumerate(uploads)}
    return Job(job_id, "uploads", {"jobId": job_id, "toons": toons}, list(prints), prints)


def by_manifest(job_id, rng, uri_of):
    job = messages(job_id, rng, rng.randint(1, 200))
    lines = b"".join(json.dumps(toon).encode() + b"\n" for toon in job.body["toons"])
    job.body = {"jobId": job_id, "manifestUri": uri_of(lines)}
    return job


# ---- traffic --------------------------------------------------------------------------------------------------------


class Traffic:
    """Threads that use the server until they are told to stop or it dies."""

    def __init__(self, ledger, api, writers=3, jobs_each=8):
        self.ledger, self.api, self.jobs_each = ledger, api, jobs_each
        self.halt = threading.Event()
        seeds = [ledger.rng.random() for _ in range(writers + 1)]
        works = [self._write] * writers + [self._watch]
        self.threads = [threading.Thread(target=self._run, args=(work, random.Random(seed)), daemon=True)
                        for work, seed in zip(works, seeds)]
        for thread in self.threads:
            thread.start()

    def stop(self, seconds=60):
        self.halt.set()
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))
            if thread.is_alive():
                raise Broken("a request was not answered")

    def wait(self, seconds):
        """Until all that was to be written is, or the server died."""
        deadline = time.monotonic() + seconds
        for thread in self.threads[:-1]:
            thread.join(max(0, deadline - time.monotonic()))

    def _run(self, work, rng):
        try:
            work(rng)
        except DEAD:
            pass
        except AssertionError as error:
            self.ledger.problems.append(error)

    def _write(self, rng):
        for _ in range(self.jobs_each):
            if self.halt.is_set():
                return
            try:
                self._write_one(rng)
            except Refused:
                self.ledger.refusals += 1
                self.halt.wait(0.05)

    def _write_one(self, rng):
        job_id = f"j{self.ledger.number():05d}"
        kind = rng.choice(("messages", "messages", "flawed", "telemetry", "uploads", "manifest", "cancel"))
        if kind in ("messages", "cancel"):
            count = rng.randint(500, 2000) if kind == "cancel" else rng.choice((1, 5, 50, 400))
            more = {"chunking": "per-toon"} if count < 100 and rng.random() < 0.5 else {}
            self._submit(messages(job_id, rng, count, **more))
            if kind == "cancel":
                self.act(self.ledger.jobs[job_id], "cancel")
        elif kind == "flawed":
            self._submit(messages(job_id, rng, rng.randint(1, 60), flawed=True))
        elif kind == "telemetry":
            self._submit(telemetry(job_id, rng))
        elif kind == "manifest":
            self._submit(by_manifest(job_id, rng, self._upload))
        else:
            self._upload(rng.randbytes(rng.choice((1, 700, 70_000, 300_000))))
            known = sorted(self.ledger.uploads.items())
            self._submit(of_uploads(job_id, rng.sample(known, min(len(known), 3))))

    def _submit(self, job):
        self.ledger.jobs[job.id] = job
        submit(self.api, job)

    def _upload(self, data):
        promise = ask(self.api, "POST", "/uploads", {"bytes": len(data), "sha256": sha256(data)})
        place = promise.json()
        ask(self.api, place["method"], place["url"], data, place["headers"])
        self.ledger.uploads[place["uri"]] = sha256(data)
        return place["uri"]

    def act(self, job, verb):
        """Cancels or retries. 409: it is too late or too early for that."""
        setattr(job, verb, "asked")
        answer = ask(self.api, "POST", f"/jobs/{job.id}/{verb}", accept=(200, 202, 409))
        if answer.status == 409:
            return
        setattr(job, verb, "answered")
        if verb == "retry":
            job.generation += 1

    def _watch(self, rng):
        while not self.halt.wait(0.005):
            open_jobs = [job for job in self.ledger.accepted() if not job.settled]
            if not open_jobs:
                continue
            job = rng.choice(open_jobs)
            try:
                Check(self.ledger, self.api).look(job)
                if job.settled and job.kind == "flawed" and not job.retry and rng.random() < 0.5:
                    job.settled = False
                    self.act(job, "retry")
            except Refused:
                self.ledger.refusals += 1


def ask(api, method, path, body=None, headers=None, accept=(200, 201, 202, 204)):
    answer = api.call(method, path, body, headers)
    if answer.status in (429, 503):
        raise Refused(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
    if answer.status not in accept:
        raise Broken(f"{method} {path}: {answer.status} {answer.body[:1000]!r}")
    return answer


def submit(api, job):
    answer = ask(api, "POST", "/submit-job", job.body).json()
    if answer["jobId"] != job.id:
        raise Broken(f"{job.id} was accepted as {answer}")
    job.accepted = True


# ---- checking -------------------------------------------------------------------------------------------------------


class Check:
    def __init__(self, ledger, api):
        self.ledger, self.api = ledger, api

    def remembered(self):
        """Right after a restart: nothing that was promised is gone. What was sent without an answer is sent again."""
        for job in list(self.ledger.jobs.values()):
            if job.accepted:
                self._status(job)
            else:
                submit(self.api, job)
        jobs = self.ledger.accepted()
        for job in self.ledger.rng.sample(jobs, min(len(jobs), 8)):
            self._results(job)

    def settle(self, seconds):
        """Every job ends as it must, whole."""
        deadline = time.monotonic() + seconds
        for job in self.ledger.accepted():
            while not job.settled:
                self.look(job)
                if not job.settled and time.monotonic() > deadline:
                    raise Broken(f"{job.id} ({job.kind}) did not end within {seconds} s: {self._document(job)}")
                if not job.settled:
                    time.sleep(0.01)
        uploads = sorted(self.ledger.uploads.items())
        if uploads:  # each of them can be read
            last = of_uploads(f"j{self.ledger.number():05d}", uploads)
            self.ledger.jobs[last.id] = last
            submit(self.api, last)
            while not last.settled:
                self.look(last)
                if time.monotonic() > deadline + seconds:
                    raise Broken(f"{last.id} over all uploads did not end")

    def look(self, job):
        document = self._status(job)
        rows = self._results(job)
        if document["status"] not in ("Completed", "Failed"):
            return
        # Read after the end was announced: final.
        self._whole(job, document, rows)
        job.settled = True

    def _document(self, job):
        return ask(self.api, "GET", f"/jobs/{job.id}").json()

    def _status(self, job):
        before, end, cancelled = job.generation, job.end, job.cancel == "answered"
        document = self._document(job)
        if cancelled and document.get("reason") != "cancelled":
            raise Broken(f"{job.id}: a cancel was answered and is forgotten: {document}")
        if document["generation"] < before:
            raise Broken(f"{job.id}: a retry was answered and is forgotten: {document}")
        ended = document["status"] in ("Completed", "Failed")
        if end and job.retry != "answered" and document["generation"] == end["generation"]:
            changed = {name for name in FINAL if document.get(name) != end.get(name)}
            if changed:
                raise Broken(f"{job.id} had ended and its {sorted(changed)} changed: {end} -> {document}")
        if end and not ended and not job.retry:
            raise Broken(f"{job.id} had ended and runs again: {document}")
        if ended:
            job.end = document
        return document

    def _results(self, job):
        rows, token = [], ""
        while True:
            more = f"&pageToken={token}" if token else ""
            page = ask(self.api, "GET", f"/results?jobId={job.id}&pageSize=1000{more}")
            rows += page.json()["results"]
            token = page.json().get("nextPageToken")
            if not token:
                break
        ids = [row["toonId"] for row in rows]
        if len(set(ids)) != len(ids):
            raise Broken(f"{job.id}: a toon has two outcomes: {sorted(i for i in set(ids) if ids.count(i) > 1)[:5]}")
        for row in rows:
            seen = job.rows.get(row["toonId"])
            if seen is not None and seen != row and not (job.retry and seen["state"] == "Failed"):
                raise Broken(f"{job.id}: an outcome that was read changed: {seen} -> {row}")
            if row["state"] != "Pending":
                job.rows[row["toonId"]] = row
        return rows

    def _whole(self, job, document, rows):
        states = [row["state"] for row in rows]
        counters = {name: document[name] for name in ("toonCount", "processed", "succeeded", "failed")}
        counted = {"toonCount": len(job.ids), "processed": len(rows), "succeeded": states.count("Succeeded"),
                   "failed": states.count("Failed")}
        if [row["toonId"] for row in rows] != job.ids:
            raise Broken(f"{job.id} ({job.kind}) has {len(rows)} outcomes of {len(job.ids)} toons: {document}")
        if counters != counted:
            raise Broken(f"{job.id}: its counters {counters} are not its outcomes {counted}")
        for row in rows:
            self._row(job, row)
        if job.cancel != "asked" or document["status"] == "Completed":
            want = "Failed" if "Failed" in states else "Completed"
            if document["status"] != want:
                raise Broken(f"{job.id} is {document['status']} with {counted}: {document}")
        artifacts = document.get("artifacts", [])
        if document["status"] == "Completed" and "summary.json" not in [artifact["name"] for artifact in artifacts]:
            raise Broken(f"{job.id} is Completed and has no summary: {document}")
        for artifact in artifacts + [a for row in rows[:40] for a in row.get("artifacts", [])]:
            data = ask(self.api, "GET", f"/artifacts/{artifact['sha256']}").body
            if (hashlib.sha256(data).hexdigest(), len(data)) != (artifact["sha256"], artifact["bytes"]):
                raise Broken(f"{job.id}: the artifact {artifact} is damaged")

    def _row(self, job, row):
        toon = row["toonId"]
        wanted = "Failed" if toon in job.flawed else "Succeeded"
        if row["state"] != wanted and not (job.cancel and row.get("error", {}).get("code") == "cancelled"):
            raise Broken(f"{job.id} ({job.kind}): {toon} must be {wanted}: {row}")
        if row["state"] != "Succeeded":
            return
        if toon in job.prints and row["fingerprint"]["sha256"] != job.prints[toon]:
            raise Broken(f"{job.id} ({job.kind}): {toon} has a wrong fingerprint: {row}")
        if toon in job.emits and not row["artifacts"]:
            raise Broken(f"{job.id}: {toon} has no artifact: {row}")
