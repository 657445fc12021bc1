"""The load test in short: everything is checked but how fast it went, which other work on the machine decides too."""

import asyncio
import unittest

import run  # also finds harness
from client import Answer
from harness import ServerTest
from ledger import Job, Ledger
from operations import Caller


class ShortLoad(ServerTest):
    def test_callers_who_do_not_wait_get_all_they_were_promised(self):
        options = run.parse(["--seconds", "5", "--tenants", "6", "--rate", "25", "--toons", "60000", "--workers", "3", "--max-delay", "60"])
        server = run.start(self.folder, options)
        self.addCleanup(server.kill)
        self.addCleanup(self._show_log, server)
        load, found = asyncio.run(run.run_against(options, server))
        if found:
            load.show()
        self.assertEqual(found, [])
        self.assertEqual(server.stop(), 0)


class TheJudge(unittest.TestCase):
    """What would make a run fail is seen to."""

    def job(self, **more):
        return Job("ana", b"", {}, ["a", "b"], **more)

    def document(self, **more):
        return {"status": "Completed", "toonCount": 2, "processed": 2, "succeeded": 2, "failed": 0, **more}

    def test_a_job_that_ended_well_is_well(self):
        self.assertEqual(self.job().ended_badly(self.document()), "")
        self.assertEqual(self.job(failing=1).ended_badly(self.document(status="Failed", succeeded=1, failed=1)), "")

    def test_a_job_that_did_not_end_or_lost_an_outcome_is_named(self):
        self.assertIn("has not ended", self.job().ended_badly(self.document(status="Processing", processed=1)))
        self.assertIn("has 2 toons", self.job().ended_badly(self.document(processed=1, succeeded=1)))
        self.assertIn("counts", self.job().ended_badly(self.document(failed=1)))
        self.assertIn("failed toons instead of 1", self.job(failing=1).ended_badly(self.document()))
        self.assertIn("bad manifest", self.job(broken=True).ended_badly(self.document()))

    def test_a_manifest_cancelled_before_it_was_read_has_no_count(self):
        job, unread = self.job(), self.document(status="Failed", reason="cancelled", toonCount=None, processed=0, succeeded=0)
        self.assertIn("toons", job.ended_badly(unread))
        job.cancelled = True
        self.assertEqual(job.ended_badly(unread), "")

    def caller(self):
        ledger = Ledger()
        return Caller(None, ledger, {}, ""), ledger

    def test_a_status_that_is_not_expected_is_a_violation(self):
        caller, ledger = self.caller()
        self.assertIsNone(caller._judge("GET /jobs", "GET /jobs", Answer(503, {"retry-after": "2"}, b""), (200,)))
        self.assertEqual(len(ledger.violations), 1)

    def test_a_429_must_name_a_documented_limit_and_a_time(self):
        caller, ledger = self.caller()
        good = b'{"detail": "10 a second that may be (maxRequestsPerSecondPerTenant)"}'
        self.assertEqual(caller._wait_of("GET /jobs", Answer(429, {"retry-after": "3"}, good)), 3)
        self.assertEqual(len(ledger.violations), 0)
        caller._wait_of("GET /jobs", Answer(429, {}, good))
        self.assertEqual(len(ledger.violations), 1)
        caller._wait_of("GET /jobs", Answer(429, {"retry-after": "3"}, b'{"detail": "too much"}'))
        caller._wait_of("GET /jobs", Answer(429, {"retry-after": "3"}, b'{"detail": "(maxWishes)"}'))
        self.assertEqual(len(ledger.violations), 3)


if __name__ == "__main__":
    unittest.main()
