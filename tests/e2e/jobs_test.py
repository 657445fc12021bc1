"""A job's life over the API with real workers: custom processors, failures, retry, cancel, uploads, tenants, restarts."""

import json
import pathlib
import sys
import unittest

from harness import ROOT, Server, ServerTest, alive, data_toon, message, sha256, tls_pair, trust, until

FICKLE = pathlib.Path(__file__).resolve().parent / "fickle_processor.py"
FICKLE_CONFIG = f"""
[processors.fickle]
command = [{json.dumps(sys.executable)}, {json.dumps(str(FICKLE))}]
"""
WORDCLOUD_CONFIG = f"""
[processors.wordcloud]
command = [{json.dumps(sys.executable)}, {json.dumps(str(ROOT / "workers" / "python" / "bootstrap.py"))}, "wordcloud.handler"]
"""


def fickle(toon_id, text):
    return {"toonId": toon_id, "type": "fickle", "text": text}


def toon_ids(count):
    return [f"t{i:05d}" for i in range(count)]


class Jobs(ServerTest):
    def test_one_toon_of_each_data_type_succeeds(self):
        api = self.serve().api()
        csv = b"time,v\n2025-01-01T00:00:00Z,1\n2025-01-01T00:00:01Z,2\n2025-01-01T00:00:02Z,3\n"
        toons = [data_toon("a", "telemetry", csv), data_toon("b", "gameplay", csv), data_toon("c", "binary", b"\0" * 5000),
                 message("d", {"hello": "world"})]
        accepted = api.submit("kinds", toons)
        self.assertEqual((accepted["jobId"], accepted["status"], accepted["toonCount"]), ("kinds", "Pending", 4))
        job = api.ended("kinds")
        self.assertEqual(job["status"], "Completed", job)
        self.assert_one_outcome_each(api, "kinds", ["a", "b", "c", "d"])
        rows = api.results("kinds")
        self.assertEqual([row["fingerprint"]["sha256"] for row in rows[:3]], [sha256(csv), sha256(csv), sha256(b"\0" * 5000)])
        self.assertEqual(rows[3]["fingerprint"]["sha256"], sha256(b'{"hello":"world"}'))

    def test_the_documents_three_calls_work_under_a_stage_and_with_any_content_type(self):
        api = self.serve().api()
        body = json.dumps({"jobId": "JOB001", "toons": [message("a", 1)]}).encode()
        sent = api.call("POST", "/prod/submit-job", body, {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(sent.status, 202, sent.body)
        api.ended("JOB001")
        self.assertEqual(api.get("/prod/jobs/JOB001").json()["status"], "Completed")
        self.assertEqual(api.get("/prod/results?jobId=JOB001").json()["results"][0]["toonId"], "a")

    def test_the_same_payload_is_answered_again_and_another_one_refused(self):
        api = self.serve().api()
        first = api.submit("again", [message("a", 1)])
        self.assertEqual(api.submit("again", [message("a", 1)])["submittedAt"], first["submittedAt"])
        api.post("/submit-job", {"jobId": "again", "toons": [message("a", 2)]}, expect=409)

    def test_another_tenant_sees_nothing(self):
        server = self.serve()
        owner, other = server.api("owner"), server.api("other")
        owner.submit("mine", [{**message("a", {"x": 1}), "operations": [{"op": "emit"}]}])
        owner.ended("mine")
        artifact = owner.results("mine")[0]["artifacts"][0]
        for path in ("/jobs/mine", "/results?jobId=mine", f"/artifacts/{artifact['sha256']}"):
            owner.get(path)
            other.get(path, expect=404)
        self.assertEqual(other.get("/jobs").json()["jobs"], [])

    def test_a_viewer_reads_but_does_not_submit(self):
        server = self.serve()
        server.api().submit("seen", [message("a", 1)])
        viewer = server.api(role="viewer")
        self.assertEqual(viewer.job("seen")["jobId"], "seen")
        viewer.post("/submit-job", {"toons": [message("a", 1)]}, expect=403)

    def test_a_failed_toon_fails_the_job_unless_it_is_tolerated(self):
        api = self.serve().api()
        schema = {"op": "validate", "schema": {"type": "object"}}
        toons = [message("good", {}), {**message("bad", 3), "operations": [schema]}]
        api.submit("strict", toons)
        api.submit("lenient", toons, tolerance={"failedCount": 1})
        strict, lenient = api.ended("strict"), api.ended("lenient")
        self.assertEqual((strict["status"], lenient["status"]), ("Failed", "Completed"))
        self.assertTrue(strict["reason"])
        self.assertEqual([row["state"] for row in api.results("strict")], ["Succeeded", "Failed"])
        self.assertEqual(api.results("strict", state="Failed")[0]["error"]["code"], "schema-mismatch")

    def test_uploads_serve_as_toons_and_as_manifests(self):
        api = self.serve().api()
        data = bytes(range(256)) * 40
        uri = api.upload(data)
        api.submit("by-uri", [{"toonId": "up", "type": "binary", "uri": uri}])
        self.assertEqual(api.ended("by-uri")["status"], "Completed")
        self.assertEqual(api.results("by-uri")[0]["fingerprint"]["sha256"], sha256(data))
        ids = toon_ids(2500)
        manifest = "".join(json.dumps(message(toon, {"n": n})) + "\n" for n, toon in enumerate(ids)).encode()
        api.post("/submit-job", {"jobId": "by-manifest", "manifestUri": api.upload(manifest, "application/x-ndjson")})
        self.assertEqual(api.ended("by-manifest")["status"], "Completed")
        self.assert_one_outcome_each(api, "by-manifest", ids)

    def test_a_bad_line_fails_an_uploaded_manifest_and_is_named(self):
        api = self.serve().api()
        manifest = (json.dumps(message("a", 1)) + "\n" + '{"toonId":"b"}\n').encode()
        api.post("/submit-job", {"jobId": "broken", "manifestUri": api.upload(manifest)})
        job = api.ended("broken")
        self.assertEqual((job["status"], job["reason"]), ("Failed", "invalid-manifest"))
        self.assertTrue(any(error["pointer"].startswith("/1") for error in job["errors"]), job)

    def test_an_upload_of_other_bytes_is_refused(self):
        api = self.serve().api()
        place = api.call("POST", "/uploads", {"bytes": 3, "sha256": sha256(b"abc")}).json()
        self.assertEqual(api.call(place["method"], place["url"], b"abd", place["headers"]).status, 400)


class CustomProcessors(ServerTest):
    def test_the_word_cloud_is_made_by_python(self):
        api = self.serve(WORDCLOUD_CONFIG).api()
        toons = json.loads((ROOT / "samples" / "wordcloud.json").read_text())["toons"]
        api.submit("cloud", toons)
        self.assertEqual(api.ended("cloud")["status"], "Completed")
        rows = api.results("cloud")
        self.assertEqual(len(rows), len(toons))
        for row, toon in zip(rows, toons):
            self.assertEqual(row["fingerprint"]["sha256"], sha256(toon["text"].encode()))
            self.assertTrue(row["artifacts"], row)
            self.assert_artifacts_whole(api, row["artifacts"])

    def test_retry_runs_the_failed_toons_only(self):
        api = self.serve(FICKLE_CONFIG).api()
        flag = self.folder / "flag"
        api.submit("again", [fickle("a", "ok"), fickle("b", f"flag {flag}"), fickle("c", "ok")])
        first = api.ended("again")
        self.assertEqual((first["status"], first["succeeded"], first["failed"]), ("Failed", 2, 1))
        before = {row["toonId"]: row["processedAt"] for row in api.results("again")}
        flag.touch()
        api.post("/jobs/again/retry")
        self.assertEqual(api.ended("again")["status"], "Completed")
        self.assert_one_outcome_each(api, "again", ["a", "b", "c"])
        after = {row["toonId"]: row["processedAt"] for row in api.results("again")}
        self.assertEqual([toon for toon in before if before[toon] != after[toon]], ["b"])
        api.post("/jobs/again/retry", expect=409)

    def test_a_toon_that_kills_its_worker_delays_nobody(self):
        api = self.serve(FICKLE_CONFIG).api()
        api.submit("poison", [fickle("a", "ok"), fickle("b", "exit"), fickle("c", "ok")])
        job = api.ended("poison")
        self.assertEqual((job["status"], job["succeeded"], job["failed"]), ("Failed", 2, 1))
        bad = api.results("poison", state="Failed")
        self.assertEqual([(row["toonId"], row["error"]["code"]) for row in bad], [("b", "worker-died")])

    def test_bytes_that_kill_their_worker_are_refused_until_released(self):
        server = self.serve(FICKLE_CONFIG)
        api, digest = server.api(), sha256(b"exit")

        def code_of(job_id):
            api.submit(job_id, [fickle("a", "ok"), fickle("b", "exit")])
            self.assertEqual(api.ended(job_id)["succeeded"], 1)
            return api.results(job_id, state="Failed")[0]["error"]["code"]

        self.assertEqual(code_of("first"), "worker-died")
        self.assertEqual(code_of("second"), "quarantined")
        self.assertEqual(server.stop(), 0)
        api = server.start().api()
        self.assertEqual(code_of("third"), "quarantined")
        [entry] = api.get("/prod/quarantine").json()["items"]
        self.assertEqual((entry["sha256"], entry["type"], entry["code"], entry["jobId"], entry["toonId"]),
                         (digest, "fickle", "worker-died", "first", "b"))
        self.assertEqual(api.call("DELETE", f"/quarantine/{digest}").status, 204)
        self.assertEqual(api.get("/quarantine").json(), {"items": []})
        self.assertEqual(api.call("DELETE", f"/quarantine/{digest}").status, 404)
        self.assertEqual(code_of("fourth"), "worker-died")

    def test_a_processor_that_answers_quarantines_nothing_whatever_it_says(self):
        api = self.serve(FICKLE_CONFIG).api()
        api.submit("claims", [fickle("a", "claim timeout"), fickle("b", "claim bad-words")])
        api.ended("claims")
        self.assertEqual([row["error"]["code"] for row in api.results("claims")], ["processor-timeout", "bad-words"])
        self.assertEqual(api.get("/quarantine").json(), {"items": []})

    def test_cancel_stops_running_work(self):
        api = self.serve(FICKLE_CONFIG).api()
        place = self.folder / "pid"
        api.submit("stop", [fickle("a", f"hang {place}"), fickle("b", "ok")])
        until("the toon's start", lambda: place.exists() and place.read_text())
        api.post("/jobs/stop/cancel", expect=200)
        job = api.ended("stop")
        self.assertEqual((job["status"], job["reason"]), ("Failed", "cancelled"))
        until("the running worker's end", lambda: not alive(int(place.read_text())), 30)
        rows = {row["toonId"]: row for row in api.results("stop")}
        self.assertEqual((rows["a"]["state"], rows["a"]["error"]["code"]), ("Failed", "cancelled"))
        self.assertEqual(job["processed"], 2)


class Lifetimes(ServerTest):
    def test_jobs_and_results_survive_a_restart(self):
        server = self.serve()
        api = server.api()
        api.submit("kept", [message("a", {"n": 1}), message("b", {"n": 2})])
        job, rows = api.ended("kept"), api.results("kept")
        self.assertEqual(server.stop(), 0)
        api = server.start().api()
        self.assertEqual((api.job("kept"), api.results("kept")), (job, rows))

    def test_a_terminated_server_drains_and_its_job_ends_after_the_restart(self):
        server = self.serve(FICKLE_CONFIG)
        api, place = server.api(), self.folder / "pid"
        api.submit("long", [fickle("a", f"hang {place}"), fickle("b", "ok")])
        until("the toon's start", lambda: place.exists() and place.read_text())
        workers = server.workers()
        self.assertEqual(server.stop(), 0)
        self.assertEqual([pid for pid in workers if alive(pid)], [])
        place.unlink()
        api = server.start().api()
        until("the toon's second start", lambda: place.exists() and place.read_text())
        self.assertEqual(api.job("long")["status"], "Processing")
        api.post("/jobs/long/cancel", expect=200)
        self.assertEqual(api.ended("long")["reason"], "cancelled")

    def test_tls_serves_those_who_trust_the_certificate(self):
        cert, key = tls_pair(self.folder)
        server = Server(self.folder, flags=["--tls-cert", str(cert), "--tls-key", str(key)])
        self.addCleanup(server.kill)
        server.start()
        self.assertTrue(server.url.startswith("https://"))
        server.context = trust(cert)
        api = server.api()
        api.submit("safe", [message("a", 1)])
        self.assertEqual(api.ended("safe")["status"], "Completed")
        self.assertEqual(api.results("safe")[0]["state"], "Succeeded")


if __name__ == "__main__":
    unittest.main()
