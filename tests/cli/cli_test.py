#!/usr/bin/env python3
"""The command line client as a process: exit codes, streams, resumption and patience.

UBERTOONS_BIN   the `ubertoons` binary (or the first argument)
UBERTOONS_E2E   set: also runs everything against a real `ubertoons serve`
"""

import base64
import csv
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import threading
import unittest

from scripted_server import DEADLINE, CliTest, Fake, binary, job, main, ok, problem


class Usage(CliTest):
    def test_help_is_data_and_documents_exit_codes(self):
        out, err = self.run_cli("--help")
        self.assertIn("Exit codes:", out)
        for verb in ("submit", "status", "watch", "results", "artifacts", "cancel", "retry", "jobs", "quarantine",
                     "token"):
            self.assertIn(verb, out)
        self.assertEqual(err, "")

    def test_wrong_flags_exit_2_on_standard_error(self):
        for args in (["status"], ["jobs", "--status", "Odd"], ["results", "J", "--json", "--csv"], ["frobnicate"],
                     ["status", "J", "--url", "ftp://x"], ["submit", "/nonexistent/file"]):
            out, err = self.run_cli(*args, code=2)
            self.assertEqual(out, "")
            self.assertNotEqual(err, "")
        self.assertEqual(self.fake.requests, [])

    def test_unreadable_paths_are_named(self):
        _, err = self.run_cli("submit", "nothing-here.csv", code=2)
        self.assertIn("nothing-here.csv", err)


class ExitCodes(CliTest):
    def test_status_carries_the_token_and_prints_the_document(self):
        self.fake.on("GET", "/jobs/J 1", ok(job(jobId="J 1")))
        out, err = self.run_cli("status", "J 1", "--json")
        self.assertEqual(json.loads(out)["jobId"], "J 1")
        self.assertEqual(err, "")
        self.assertEqual(self.fake.requests[0].headers["Authorization"], "Bearer secret-token")

    def test_a_refusal_exits_3_with_every_place(self):
        self.fake.on("GET", "/jobs/J1", problem(400, title="Not valid", detail="1 bad field", traceId="abc123",
                                                errors=[{"pointer": "/x", "detail": "is \x1b[31mbad"}]))
        out, err = self.run_cli("status", "J1", code=3)
        self.assertEqual(out, "")
        for part in ("Not valid", "1 bad field", "/x: is \\x1b[31mbad", "abc123"):
            self.assertIn(part, err)
        _, err = self.run_cli("status", "J1", "--json", code=3)
        self.assertEqual(json.loads(err)["traceId"], "abc123")

    def test_a_failing_server_exits_4(self):
        self.fake.on("GET", "/jobs/J1", (500, {}, "oops"))
        self.run_cli("status", "J1", code=4)

    def test_nobody_there_exits_4(self):
        self.fake.close()
        self.fake.close = lambda: None
        _, err = self.run_cli("status", "J1", code=4)
        self.assertIn("Cannot reach", err)

    def test_throttling_is_waited_out(self):
        self.fake.on("GET", "/jobs/J1", lambda r: (
            (429, {"Retry-After": "0"}, "{}") if len(self.fake.requests) < 3 else ok(job())))
        out, err = self.run_cli("status", "J1")
        self.assertIn("J1", out)
        self.assertIn("trying again", err)
        self.assertEqual(len(self.fake.requests), 3)

    def test_throttling_that_does_not_end_exits_5(self):
        self.fake.on("GET", "/jobs/J1", (429, {"Retry-After": "0"}, json.dumps({"title": "Over a quota"})))
        _, err = self.run_cli("status", "J1", code=5)
        self.assertIn("Over a quota", err)
        self.assertEqual(len(self.fake.requests), 5)

    def test_too_long_a_wait_exits_5_at_once(self):
        self.fake.on("GET", "/jobs/J1", (429, {"Retry-After": "3600"}, "{}"))
        self.run_cli("status", "J1", code=5)
        self.assertEqual(len(self.fake.requests), 1)

    def test_a_closed_pipe_is_quiet(self):
        rows = [{"toonId": "t%d" % i, "type": "message", "state": "Succeeded", "result": {}} for i in range(500)]
        self.fake.on("GET", "/results", lambda r: ok({"jobId": "J1", "results": rows,
                                                      "nextPageToken": "p%d" % len(self.fake.requests)}))
        with subprocess.Popen([binary(), "results", "J1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.env) as process:
            process.stdout.readline()
            process.stdout.close()
            self.assertEqual(process.wait(DEADLINE), 0)
            self.assertEqual(process.stderr.read(), b"")


class Watching(CliTest):
    def event(self, number, **members):
        return "id: %d\nevent: progress\ndata: %s\n\n" % (number, json.dumps(job(**members)))

    def test_a_broken_stream_resumes_after_its_last_event(self):
        running = dict(status="Processing", processed=1, succeeded=1)
        ended = threading.Event()

        def events(request):
            if "Last-Event-ID" not in request.headers:
                request.stream("retry: 10\n\n" + self.event(7, **running))
            else:
                ended.set()
                request.stream(self.event(8) + 'id: 8.end\nevent: end\ndata: {"jobId":"J1","status":"Completed"}\n\n')

        self.fake.on("GET", "/jobs/J1", lambda r: ok(job() if ended.is_set() else job("Processing", processed=0,
                                                                                   succeeded=0)))
        self.fake.on("GET", "/jobs/J1/events", events)
        out, _ = self.run_cli("watch", "J1", "--exit-status")
        streams = self.fake.seen("GET", "/jobs/J1/events")
        self.assertEqual([r.headers.get("Last-Event-ID") for r in streams], [None, "7"])
        self.assertIn("J1 Processing 0/2", out)
        self.assertIn("J1 Completed 2/2, 2 succeeded, 0 failed", out)
        self.assertTrue(out.splitlines()[-1].startswith("J1 Completed"), out)

    def test_without_a_stream_it_polls(self):
        asked = []
        self.fake.on("GET", "/jobs/J1", lambda r: asked.append(1) or ok(job("Processing") if len(asked) < 3
                                                                         else job()))
        self.run_cli("watch", "J1")
        self.assertEqual(len(self.fake.seen("GET", "/jobs/J1/events")), 1)

    def test_exit_status_is_asked_for(self):
        self.fake.on("GET", "/jobs/J1", ok(job("Failed", failed=1, succeeded=1, reason="over-tolerance")))
        out, _ = self.run_cli("watch", "J1")
        self.assertIn("over-tolerance", out)
        self.run_cli("watch", "J1", "--exit-status", code=1)
        out, _ = self.run_cli("watch", "J1", "--exit-status", "--json", code=1)
        self.assertEqual(json.loads(out)["status"], "Failed")

    def test_an_unknown_job_exits_3(self):
        self.run_cli("watch", "J1", code=3)

    def test_interrupt_leaves_the_job_running_and_says_so(self):
        listening, let_go = threading.Event(), threading.Event()
        self.addCleanup(let_go.set)

        def events(request):
            request.stream(": hello\n\n")
            listening.set()
            let_go.wait(DEADLINE)

        self.fake.on("GET", "/jobs/J1", ok(job("Processing")))
        self.fake.on("GET", "/jobs/J1/events", events)
        with subprocess.Popen([binary(), "watch", "J1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.env) as process:
            self.assertTrue(listening.wait(DEADLINE))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=DEADLINE)
            self.assertEqual(process.returncode, 130)
            self.assertIn(b"J1 is still running", err)
        self.assertEqual(self.fake.seen("POST", "/jobs/J1/cancel"), [])


class Results(CliTest):
    def setUp(self):
        super().setUp()
        self.pages = {
            "": {"jobId": "J1", "nextPageToken": "n/1", "results": [
                {"toonId": "evil\x1b[2J", "type": "message", "state": "Succeeded", "durationMs": 1.50,
                 "fingerprint": {"sha256": "ab" * 32}, "result": {"format": "json", "bytes": 312, "n": 1.0}}]},
            "n/1": {"jobId": "J1", "results": [
                {"toonId": "two, \"quoted\"", "type": "telemetry", "state": "Failed",
                 "error": {"code": "invalid-csv", "message": "line 3"}}]}}
        self.fake.on("GET", "/results", lambda r: ok(self.pages[r.query.get("pageToken", "")]))

    def test_the_table_shows_all_pages_escaped(self):
        out, err = self.run_cli("results", "J1")
        self.assertNotIn("\x1b", out)
        self.assertIn("evil\\x1b[2J", out)
        self.assertIn("json, 312 B", out)
        self.assertIn("abababababab", out)
        self.assertIn("invalid-csv: line 3", out)
        self.assertEqual(err, "")

    def test_json_is_one_document_of_all_pages(self):
        out, _ = self.run_cli("results", "J1", "--json")
        document = json.loads(out)
        self.assertEqual(document["jobId"], "J1")
        self.assertEqual(document["results"], self.pages[""]["results"] + self.pages["n/1"]["results"])

    def test_csv_reads_back(self):
        out, _ = self.run_cli("results", "J1", "--csv")
        rows = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual([r["toonId"] for r in rows], ["evil\x1b[2J", "two, \"quoted\""])
        self.assertEqual(json.loads(rows[0]["result"])["n"], 1.0)
        self.assertEqual(rows[1]["errorCode"], "invalid-csv")

    def test_filters_and_limits_are_passed_on(self):
        self.run_cli("results", "J1", "--state", "failed", "--type", "message", "--limit", "1")
        self.assertEqual(len(self.fake.requests), 1)
        self.assertEqual(self.fake.requests[0].query,
                         {"jobId": "J1", "pageSize": "1", "state": "Failed", "type": "message"})


class Artifacts(CliTest):
    def artifact(self, name, data):
        digest = hashlib.sha256(data).hexdigest()
        self.fake.on("GET", "/artifacts/" + digest, (200, {}, data))
        return {"name": name, "contentType": "text/plain", "bytes": len(data), "sha256": digest}

    def serve(self, toon_id, artifact, job_artifacts=()):
        self.fake.on("GET", "/jobs/J1", ok(job(artifacts=list(job_artifacts))))
        self.fake.on("GET", "/results", ok({"jobId": "J1", "results": [
            {"toonId": toon_id, "type": "message", "state": "Succeeded", "artifacts": [artifact]}]}))

    def test_everything_lands_below_the_folder(self):
        self.serve("../../etc/x", self.artifact("../passwd", b"toon bytes"),
                   [self.artifact("summary.json", b"{}")])
        out, _ = self.run_cli("artifacts", "J1", "-o", "out")
        files = {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}
        self.assertEqual(files, {"out/_job/summary.json": b"{}",
                                 "out/%2E%2E/%2E%2E/etc/x/..%2Fpasswd": b"toon bytes"})
        self.assertEqual(sorted(out.split()), sorted(files))

    def test_what_is_there_already_is_not_fetched_again(self):
        self.serve("t", self.artifact("a", b"x"))
        self.run_cli("artifacts", "J1", "-o", "out")
        before = len([r for r in self.fake.requests if r.path.startswith("/artifacts")])
        _, err = self.run_cli("artifacts", "J1", "-o", "out")
        self.assertEqual(len([r for r in self.fake.requests if r.path.startswith("/artifacts")]), before)
        self.assertIn("there already", err)

    def test_damaged_bytes_never_take_the_name(self):
        artifact = self.artifact("a", b"right")
        self.fake.on("GET", "/artifacts/" + artifact["sha256"], (200, {}, b"wrong"))
        self.serve("t", artifact)
        _, err = self.run_cli("artifacts", "J1", "-o", "out", code=6)
        self.assertIn("damaged", err)
        self.assertEqual([p for p in (self.folder / "out").rglob("*") if p.is_file()], [])


class Submitting(CliTest):
    def setUp(self):
        super().setUp()
        self.uploads = {}
        self.fake.on("POST", "/submit-job", ok({"jobId": "J1", "status": "Pending", "toonCount": 1}, 202))

        def promise(request):
            wanted = json.loads(request.body)
            path = "/blobs/" + wanted["sha256"]

            def put(upload):
                self.uploads["upload://" + wanted["sha256"]] = upload.record
                return (204, {}, "")

            self.fake.on("PUT", path, put)
            return ok({"uri": "upload://" + wanted["sha256"], "method": "PUT", "url": self.fake.url + path + "?sig=1",
                       "headers": {"X-Bound": str(wanted["bytes"])}})

        self.fake.on("POST", "/uploads", promise)

    def submitted(self):
        return json.loads(self.fake.seen("POST", "/submit-job")[-1].body)

    def test_files_and_folders_become_toons(self):
        self.write("in/gameplay/mice.csv", "t,v\n1,2\n")
        self.write("in/b.bin", b"\x00\xff")
        self.write("note.json", '{"narf": 1.0}\n')
        out, err = self.run_cli("submit", "in", "note.json", "--op", "message:emit", "--reduce", "timeline",
                                "--tolerance", "5%", "--metadata", "who=Pinky")
        self.assertEqual(out, "J1\n")
        self.assertIn("Accepted J1", err)
        body = self.submitted()
        self.assertEqual(body["toons"], [
            {"toonId": "b.bin", "type": "binary", "data": base64.b64encode(b"\x00\xff").decode()},
            {"toonId": "gameplay/mice.csv", "type": "gameplay", "text": "t,v\n1,2\n"},
            {"toonId": "note.json", "type": "message", "json": {"narf": 1.0}}])
        self.assertEqual(body["operations"], {"message": [{"op": "emit"}]})
        self.assertEqual(body["reducers"], ["timeline"])
        self.assertEqual(body["tolerance"], {"failedPercent": 5})
        self.assertEqual(body["metadata"], {"who": "Pinky"})
        self.assertIn("Idempotency-Key", self.fake.seen("POST", "/submit-job")[0].headers)

    def test_large_files_are_uploaded_without_our_token(self):
        data = os.urandom(2 << 20)
        self.write("big.bin", data)
        self.run_cli("submit", "big.bin", "--job-id", "J1")
        uri = self.submitted()["toons"][0]["uri"]
        put = self.uploads[uri]
        self.assertEqual(put.body, data)
        self.assertNotIn("Authorization", put.headers)
        self.assertEqual(put.headers["X-Bound"], str(len(data)))

    def test_standard_input_is_ndjson(self):
        lines = b'{"toonId":"a","type":"message","text":"x"}\n\n{"toonId":"b","type":"message","json":1.50}'
        self.run_cli("submit", "-", stdin=lines)
        self.assertEqual([t["toonId"] for t in self.submitted()["toons"]], ["a", "b"])
        _, err = self.run_cli("submit", "-", stdin=b'{"toonId":"a"}\n{oops\n', code=2)
        self.assertIn("line 2", err)

    def test_long_input_goes_up_as_a_manifest(self):
        lines = b"".join(b'{"toonId":"t%d","type":"message","text":"%s"}\n' % (i, b"x" * 1000) for i in range(4000))
        self.run_cli("submit", "-", stdin=lines)
        body = self.submitted()
        self.assertNotIn("toons", body)
        self.assertEqual(self.uploads[body["manifestUri"]].body, lines)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_manifest_file_is_uploaded_as_it_is(self):
        self.write("m.ndjson", b'{"toonId":"a","type":"message","text":"x"}\n')
        self.run_cli("submit", "--manifest", "m.ndjson")
        self.assertIn(self.submitted()["manifestUri"], self.uploads)

    def test_a_document_may_name_files_below_it(self):
        self.write("s/a.csv", "t,v\n")
        self.write("s/manifest.json", json.dumps({
            "jobId": "SAMPLES", "metadata": {"n": 1}, "toons": [
                {"toonId": "a", "type": "telemetry", "file": "a.csv", "metadata": {"title": "A"}},
                {"toonId": "m", "type": "message", "json": {"x": [1]}}]}, indent=2))
        self.run_cli("submit", "s/manifest.json")
        self.assertEqual(self.submitted(), {
            "jobId": "SAMPLES", "metadata": {"n": 1}, "toons": [
                {"toonId": "a", "type": "telemetry", "text": "t,v\n", "metadata": {"title": "A"}},
                {"toonId": "m", "type": "message", "json": {"x": [1]}}]})

    def test_a_document_may_not_climb_out(self):
        self.write("secret", "x")
        self.write("s/manifest.json", json.dumps({"toons": [{"toonId": "a", "type": "binary", "file": "../secret"}]}))
        _, err = self.run_cli("submit", "s/manifest.json", code=2)
        self.assertIn("../secret", err)
        self.assertEqual(self.fake.requests, [])

    def test_refused_places_are_named_by_file(self):
        self.write("odd.csv", "x")
        self.fake.on("POST", "/submit-job", problem(400, title="No", errors=[
            {"pointer": "/toons/0/type", "detail": "unknown type"}]))
        _, err = self.run_cli("submit", "odd.csv", code=3)
        self.assertIn("/toons/0/type: unknown type (odd.csv)", err)

    def test_watch_answers_with_the_jobs_end(self):
        self.write("a.txt", "x")
        self.fake.on("GET", "/jobs/J1", ok(job("Failed", reason="r")))
        out, err = self.run_cli("submit", "a.txt", "--watch", "--json", code=1)
        self.assertEqual(json.loads(out)["status"], "Failed")
        self.assertIn("J1 Failed (r)", err)


class Jobs(CliTest):
    def test_pages_are_followed_up_to_the_limit(self):
        self.fake.on("GET", "/jobs", lambda r: ok(
            {"jobs": [job(jobId="B")]} if "pageToken" in r.query else {"jobs": [job(jobId="A")], "nextPageToken": "n"}))
        out, _ = self.run_cli("jobs", "--json", "--status", "completed")
        self.assertEqual([j["jobId"] for j in json.loads(out)["jobs"]], ["A", "B"])
        self.assertEqual(self.fake.requests[0].query["status"], "Completed")
        out, _ = self.run_cli("jobs", "--limit", "1")
        self.assertEqual(len(out.splitlines()), 2)

    def test_cancel_and_retry_post(self):
        self.fake.on("POST", "/jobs/J1/cancel", ok(job("Failed", reason="cancelled")))
        self.fake.on("POST", "/jobs/J1/retry", ok(job("Processing"), 202))
        self.fake.on("GET", "/jobs/J1", ok(job()))
        out, _ = self.run_cli("cancel", "J1")
        self.assertIn("cancelled", out)
        self.run_cli("retry", "J1", "--watch")


class Token(CliTest):
    def test_it_is_alone_on_a_line(self):
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        out, err = self.run_cli("token", "--data", data, "--sub", "acme", "--ttl", "5m", "--role", "viewer")
        self.assertRegex(out, r"\A[\w-]+\.[\w-]+\.[\w-]+\n\Z")
        self.assertEqual(err, "")
        part = out.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        self.assertEqual(claims["sub"], "acme")
        self.assertEqual(claims["cognito:groups"], ["viewer"])
        self.run_cli("token", "--data", data, "--sub", "acme", "--role", "king", code=2)
        self.run_cli("token", "--data", data, "--sub", "acme", "--ttl", "1y", code=2)


@unittest.skipUnless(os.environ.get("UBERTOONS_E2E"), "UBERTOONS_E2E is not set")
class EndToEnd(CliTest):
    """The same verbs against a real server with real workers."""

    def setUp(self):
        super().setUp()
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        self.server = subprocess.Popen([binary(), "serve", "--data", str(data), "--listen", "127.0.0.1:0"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.env)
        self.addCleanup(self.stop)
        watchdog = threading.Timer(DEADLINE, self.server.kill)
        watchdog.start()
        line = self.server.stdout.readline().decode()
        watchdog.cancel()
        self.env["UBERTOONS_URL"] = re.search(r"https?://\S+", line).group(0)
        self.env["UBERTOONS_TOKEN"] = self.run_cli("token", "--data", data, "--sub", "acme")[0].strip()

    def stop(self):
        self.server.terminate()
        try:
            self.assertEqual(self.server.wait(DEADLINE), 0)
        finally:
            self.server.kill()
            self.server.wait()
            self.server.stdout.close()

    def test_a_job_from_files_to_artifacts(self):
        rows = "".join("2026-11-23T09:00:%02d.000Z,%d\n" % (i, i % 7) for i in range(60))
        self.write("in/gadget.csv", "time,value\n" + rows)
        self.write("in/hello.json", '{"narf": true}')
        self.write("in/blob.bin", os.urandom(4096))
        self.write("in/large.bin", os.urandom(2 << 20))
        out, err = self.run_cli("submit", "in", "--job-id", "E2E", "--reduce", "timeline", "--watch")
        self.assertEqual(out, "E2E\n")
        self.assertIn("E2E Completed", err)
        status = json.loads(self.run_cli("status", "E2E", "--json")[0])
        self.assertEqual((status["status"], status["toonCount"], status["succeeded"]), ("Completed", 4, 4))
        results = json.loads(self.run_cli("results", "E2E", "--json")[0])["results"]
        self.assertEqual([r["toonId"] for r in results], ["blob.bin", "gadget.csv", "hello.json", "large.bin"])
        blob = hashlib.sha256((self.folder / "in/blob.bin").read_bytes()).hexdigest()
        self.assertEqual(results[0]["fingerprint"]["sha256"], blob)
        table, _ = self.run_cli("results", "E2E", "--type", "telemetry")
        self.assertRegex(table, r"gadget\.csv .*60 rows")
        paths = self.run_cli("artifacts", "E2E", "-o", "out")[0].split("\n")
        self.assertIn("out/_job/summary.json", paths)
        self.assertEqual(self.run_cli("watch", "E2E", "--exit-status")[0].count("E2E Completed"), 2)
        self.assertIn("E2E", self.run_cli("jobs")[0])
        self.run_cli("retry", "E2E", code=3)
        self.run_cli("cancel", "E2E", code=3)

    def test_long_standard_input(self):
        lines = b"".join(b'{"toonId":"t%d","type":"message","text":"%s"}\n' % (i, b"x" * 1000) for i in range(4000))
        self.run_cli("submit", "-", "--job-id", "LONG", "--watch", stdin=lines)
        self.assertEqual(json.loads(self.run_cli("status", "LONG", "--json")[0])["succeeded"], 4000)
        self.assertEqual(len(json.loads(self.run_cli("results", "LONG", "--json")[0])["results"]), 4000)

    def test_refusals(self):
        self.run_cli("status", "NONE", code=3)
        self.run_cli("status", "NONE", "--token", "not.a.token", code=3)
        self.write("a.txt", "x")
        _, err = self.run_cli("submit", "a.txt", "--type", "unheard-of", code=3)
        self.assertIn("/toons/0/type", err)


if __name__ == "__main__":
    main()
