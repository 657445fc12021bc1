"""The promise under SIGKILL: every accepted toon ends in exactly one recorded outcome."""

import os
import signal
import unittest

from harness import ServerTest, message, until

SIZES = (20_000, 80_000, 320_000)  # the next one when a machine ends the job before it is hit
EMIT_EVERY = 50


def toons(count):
    made = [message(f"t{i:06d}", {"n": i, "pad": "x" * 200}) for i in range(count)]
    for toon in made[::EMIT_EVERY]:
        toon["operations"] = [{"op": "emit"}]
    return made


class Kill(ServerTest):
    def run_hit(self, hit, points):
        """Submits a job and calls hit(server) when it has passed each of these fractions; answers (server, job, ids)."""
        for size in SIZES:
            server = self.serve(workers=2)
            job_id = f"hit-{size}"
            api = server.api()
            made = toons(size)
            api.submit(job_id, made)
            hits = 0
            for point in points:

                def reached(api=api, least=point * size):
                    job = api.job(job_id)
                    return job if job["processed"] >= least or job["status"] in ("Completed", "Failed") else None

                job = until(f"{point:.0%} of {job_id}", reached, pause=0.002)
                if job["status"] in ("Completed", "Failed"):
                    break
                hits += 1
                hit(server)
                api = server.api()
            if hits == len(points):
                return server, job_id, [toon["toonId"] for toon in made]
            server.kill()
            self.fresh_folder(size)
        raise AssertionError(f"even {SIZES[-1]} toons ended before {len(points)} hits")

    def fresh_folder(self, size):
        self.folder = self.folder / f"after-{size}"
        self.folder.mkdir()

    def assert_whole(self, server, job_id, ids):
        api = server.api()
        job = api.ended(job_id, seconds=300)
        self.assertEqual(job["status"], "Completed", job)
        self.assert_one_outcome_each(api, job_id, ids)
        self.assertIn("summary.json", [artifact["name"] for artifact in job["artifacts"]])
        self.assert_artifacts_whole(api, job["artifacts"])
        emitted = [row for row in api.results(job_id) if row["artifacts"]]
        self.assertEqual([row["toonId"] for row in emitted], ids[::EMIT_EVERY])
        for row in emitted[:: max(1, len(emitted) // 100)]:
            self.assert_artifacts_whole(api, row["artifacts"])

    def test_the_server_killed_in_mid_job_three_times_finishes_it_once(self):
        def crash(server):
            server.kill()
            server.start()

        server, job_id, ids = self.run_hit(crash, (0.02, 0.25, 0.6))
        self.assert_whole(server, job_id, ids)

    def test_workers_killed_in_mid_job_lose_and_repeat_nothing(self):
        def crash(server):
            for pid in server.workers():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

        server, job_id, ids = self.run_hit(crash, (0.02, 0.2, 0.4, 0.6))
        self.assert_whole(server, job_id, ids)


if __name__ == "__main__":
    unittest.main()
