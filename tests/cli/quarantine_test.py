#!/usr/bin/env python3
"""`ubertoons quarantine` as a process.

UBERTOONS_BIN   the `ubertoons` binary (or the first argument)
"""

import json

from scripted_server import CliTest, Fake, main, ok, problem


class Quarantine(CliTest):
    A, B = "ab" * 32, "cd" * 32

    def entry(self, sha256, **members):
        return dict({"type": "image", "sha256": sha256, "code": "memory-limit", "message": "9 GB\x1b[2J",
                     "jobId": "J1", "toonId": "bomb.gif", "quarantinedAt": "2026-11-23T09:00:00.000Z"}, **members)

    def setUp(self):
        super().setUp()
        self.fake.on("GET", "/quarantine", lambda r: ok(
            {"items": [self.entry(self.B)]} if "after" in r.query
            else {"items": [self.entry(self.A)], "next": self.A + ".image"}))

    def test_the_table_shows_all_pages_with_whole_hashes(self):
        out, err = self.run_cli("quarantine")
        self.assertEqual(err, "")
        lines = out.splitlines()
        self.assertEqual(len(lines), 3)
        for line, sha256 in zip(lines[1:], (self.A, self.B)):
            for part in (sha256, "image", "memory-limit", "J1", "bomb.gif", "2026-11-23", "9 GB\\x1b[2J"):
                self.assertIn(part, line)
        self.assertEqual([r.query.get("after") for r in self.fake.requests], [None, self.A + ".image"])

    def test_json_is_one_document_and_the_limit_holds(self):
        out, _ = self.run_cli("quarantine", "--json")
        self.assertEqual([e["sha256"] for e in json.loads(out)["items"]], [self.A, self.B])
        out, _ = self.run_cli("quarantine", "--json", "--limit", "1")
        self.assertEqual(len(json.loads(out)["items"]), 1)
        self.assertEqual(self.fake.requests[-1].query, {"limit": "1"})

    def test_an_empty_quarantine_is_a_table_without_rows(self):
        self.fake.on("GET", "/quarantine", ok({"items": []}))
        self.assertEqual(len(self.run_cli("quarantine")[0].splitlines()), 1)
        self.assertEqual(json.loads(self.run_cli("quarantine", "--json")[0]), {"items": []})

    def test_releasing_deletes_each(self):
        for sha256 in (self.A, self.B):
            self.fake.on("DELETE", "/quarantine/" + sha256, (204, {}, ""))
        out, err = self.run_cli("quarantine", "release", self.A, self.B)
        self.assertEqual(out.split(), [self.A, self.B])
        self.assertEqual(err, "")
        self.assertEqual([r.headers["Authorization"] for r in self.fake.requests], ["Bearer secret-token"] * 2)
        self.assertEqual(self.fake.seen("GET", "/quarantine"), [])
        for args in (("--json", "release", self.A), ("release", self.A, "--json")):
            self.assertEqual(json.loads(self.run_cli("quarantine", *args)[0]), {"released": [self.A]})

    def test_one_that_is_not_there_is_reported_and_the_others_go_on(self):
        self.fake.on("DELETE", "/quarantine/" + self.A, problem(404, title="Not found", detail="nothing of yours"))
        self.fake.on("DELETE", "/quarantine/" + self.B, (204, {}, ""))
        out, err = self.run_cli("quarantine", "release", self.A, self.B, code=3)
        self.assertEqual(out, self.B + "\n")
        self.assertIn("nothing of yours", err)

    def test_a_failing_server_ends_it(self):
        self.fake.on("DELETE", "/quarantine/" + self.A, (500, {}, "oops"))
        self.run_cli("quarantine", "release", self.A, self.B, code=4)
        self.assertEqual(len(self.fake.requests), 1)

    def test_what_is_no_hash_is_refused_here(self):
        for args in ((), ("bomb.gif",), (self.A[1:],)):
            _, err = self.run_cli("quarantine", "release", *args, code=2)
            self.assertNotEqual(err, "")
        self.assertEqual(self.fake.requests, [])

    def test_help_names_the_release_and_the_server(self):
        self.assertIn("release", self.run_cli("quarantine", "--help")[0])
        out, _ = self.run_cli("quarantine", "release", "--help")
        for part in ("SHA256", "--url", "--token"):
            self.assertIn(part, out)
        other = Fake()
        self.addCleanup(other.close)
        other.on("DELETE", "/quarantine/" + self.A, (204, {}, ""))
        self.run_cli("quarantine", "--url", other.url, "release", self.A)
        self.run_cli("quarantine", "release", self.A, "--url", other.url)
        self.assertEqual(len(other.requests), 2)


if __name__ == "__main__":
    main()
