"""What the clients were promised, noted by themselves: the server's word is held against it at the end."""

import collections
import json
import re


class Job:
    """One accepted job as its client knows it."""

    def __init__(self, tenant, body, headers, toon_ids, failing=0, broken=False):
        self.tenant, self.body, self.headers, self.toon_ids = tenant, body, headers, toon_ids
        self.failing, self.broken = failing, broken  # toons that must fail; a manifest that must be refused
        self.id, self.first = None, None  # from the 202
        self.cancelled = False  # a cancel was sent: how many outcomes are cancellations depends on the moment
        self.progress = (0, 0)  # generation, processed: the highest document seen

    def accepted(self, answer):
        self.id, self.first = answer["jobId"], answer

    def uncounted(self, document):
        """Was it cancelled before its manifest was read? Then nobody knows how many toons it would have had."""
        return self.cancelled and document.get("reason") == "cancelled" and document["toonCount"] is None

    def ended_badly(self, document):
        """What is wrong with the document of this job, which must have ended; "" if nothing."""
        if document["status"] not in ("Completed", "Failed"):
            return f"has not ended: {document['status']}, {document['processed']} of {document['toonCount']}"
        if self.uncounted(document):
            return ""
        if self.broken:
            told = document.get("reason") == "invalid-manifest"
            return "" if told or self.cancelled else f"has a bad manifest and ended as {document}"
        numbers = tuple(document[name] for name in ("toonCount", "processed"))
        if numbers != (len(self.toon_ids),) * 2:
            return f"has {len(self.toon_ids)} toons, (toonCount, processed) are {numbers}"
        if document["succeeded"] + document["failed"] != document["processed"]:
            return f"counts {document['succeeded']} + {document['failed']} outcomes as {document['processed']}"
        if not self.cancelled and document["failed"] != self.failing:
            return f"has {document['failed']} failed toons instead of {self.failing}"
        return ""


class Ledger:
    def __init__(self):
        self.jobs = collections.defaultdict(list)  # by tenant
        self.violations = collections.Counter()

    def add(self, job):
        self.jobs[job.tenant].append(job)

    def all(self):
        return [job for jobs in self.jobs.values() for job in jobs]

    def any_of(self, tenant, rng):
        jobs = self.jobs[tenant]
        # The younger a job, the more it is asked about.
        return jobs[max(rng.randrange(len(jobs)), rng.randrange(len(jobs)))] if jobs else None

    def violation(self, text):
        self.violations[re.sub(r"[0-9a-f]{12,}", "*", text)[:300]] += 1  # ids differ: the same fault is one line


def encode(document):
    return json.dumps(document, separators=(",", ":")).encode()
