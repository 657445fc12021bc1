"""samples/hostile among good neighbours: each ends as its table says, nobody else notices, memory stays flat."""

import contextlib
import json
import os
import pathlib
import unittest

from harness import ROOT, SANITIZED, ServerTest, alive, data_toon, message

HOSTILE = ROOT / "samples" / "hostile"
IMAGES = ROOT / "samples" / "files" / "image"
CASES = json.loads((HOSTILE / "hostile.json").read_text())
# Of any process that lives through further rounds; a bomb's pixels are 200 MB and more. AddressSanitizer keeps 256 MB of
# what was freed.
GROWTH_BYTES = (512 if SANITIZED else 32) << 20
JOB_SECONDS = 600
# What a decoder's crash or a blocked system call reads as: contained, but a defect of ours.
DEFECTS = {"executor-died", "forbidden-call", "processing-failed", "isolation-unavailable"}


def resident(pid):
    """Bytes of memory that the process holds now; 0 if it is gone."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def program(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].rsplit(b"/", 1)[-1].decode()
    return ""


def hostile_toons():
    return [{**data_toon(case["file"], case["type"], (HOSTILE / case["file"]).read_bytes()),
             "operations": operations(case["type"])} for case in CASES]


def operations(kind):
    return {"image": [{"op": "thumbnail", "width": 128}], "audio": [{"op": "waveform"}], "video": [{"op": "poster"}]}[kind]


def neighbour(i):
    if i % 3 == 0:
        return message(f"good-{i}", {"i": i})
    return {**data_toon(f"good-{i}", "image", (IMAGES / ("pixel-parade.gif", "lab-map.png")[i % 2]).read_bytes()),
            "operations": operations("image")}


def among_neighbours(toons):
    """A good toon before and behind every hostile one."""
    mixed = []
    for i, toon in enumerate(toons):
        mixed += [neighbour(i), toon]
    return [*mixed, neighbour(len(toons))]


class Hostile:
    """Of each level of isolation: what follows must hold in both."""

    isolation = ""

    def guarded(self, workers):
        return self.serve(f'isolation = "{self.isolation}"\n', workers=workers)

    def submit(self, api, job_id):
        toons = among_neighbours(hostile_toons())
        api.submit(job_id, toons, tolerance={"failedPercent": 100})
        job = api.ended(job_id, JOB_SECONDS)
        self.assertEqual((job["status"], job["processed"]), ("Completed", len(toons)))
        rows = api.results(job_id)
        self.assertEqual([row["toonId"] for row in rows], [toon["toonId"] for toon in toons])
        return {row["toonId"]: row for row in rows}

    def standing(self, server):
        """Resident bytes of the server and its workers, by process; executors come and go."""
        pids = [server.process.pid, *server.workers()]
        return {pid: resident(pid) for pid in pids if program(pid) in ("ubertoons", "ubertoons-worker")}

    def test_each_ends_as_its_table_says_nobody_else_notices_and_memory_stays_flat(self):
        server = self.guarded(workers=2)
        api = server.api()
        outside = self.canary()
        rows = self.submit(api, "first")
        before = self.standing(server)
        for case in CASES:
            with self.subTest(case["file"], why=case["why"]):
                self.assert_allowed(rows[case["file"]], case["expect"])
        for toon_id, row in rows.items():
            if toon_id.startswith("good-"):
                self.assertEqual((row["state"], row.get("error")), ("Succeeded", None), toon_id)
        self.assert_nothing_told(api, rows)
        self.assert_untouched(outside)
        for i in range(2):
            self.submit(api, f"again-{i}")
        self.assert_flat(before, self.standing(server))
        self.assertTrue(alive(server.process.pid))

    def assert_flat(self, before, now):
        lived = set(before) & set(now)  # a worker may have been replaced
        self.assertIn("ubertoons", map(program, lived))
        for pid in lived:
            self.assertLess(now[pid] - before[pid], GROWTH_BYTES, program(pid))

    def assert_allowed(self, row, expect):
        if row["state"] == "Succeeded":
            self.assertTrue(expect.get("maySucceed"), f"succeeded: {json.dumps(row)[:1000]}")
            return
        code = row["error"]["code"]
        self.assertNotIn(code, DEFECTS, row["error"])
        self.assertIn(code, expect["codes"], row["error"])
        self.assertGreater(len(row["error"]["message"]), 10)

    def canary(self):
        """A file beside the server's data which a playlist could name. Read once, a file's access time passes its change."""
        path = self.folder / "canary.txt"
        path.write_text("nobody reads this")
        os.utime(path, (1_000_000_000, 1_100_000_000))
        return path

    def assert_untouched(self, path):
        self.assertEqual(path.stat().st_atime, 1_000_000_000)
        self.assertEqual({entry.name for entry in self.folder.iterdir()}, {"canary.txt", "config.toml", "data", "server.log", "server.out"})

    def assert_nothing_told(self, api, rows):
        """The files that scripts ask for are in no result and no artifact."""
        with contextlib.suppress(OSError):
            secret = pathlib.Path("/etc/hostname").read_text().strip()
            if len(secret) < 6:  # could be anywhere by chance
                return
            for row in rows.values():
                self.assertNotIn(secret, json.dumps(row))
                for artifact in row.get("artifacts", []):
                    self.assertNotIn(secret.encode(), api.artifact(artifact["sha256"]))

    def test_a_playlist_that_names_a_real_file_does_not_get_it_opened(self):
        api = self.guarded(workers=1).api()
        outside = self.canary()
        scripts = {
            "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{outside}\n#EXT-X-ENDLIST\n",
            "concat": f"ffconcat version 1.0\nfile 'file://{outside}'\n",
            "bare-concat": f"file '{outside}'\nduration 5\n",
            "dash": f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><BaseURL>file://{outside}</BaseURL></MPD>',
        }
        toons = [{**data_toon(f"{name}-{kind}", kind, text.encode()), "operations": operations(kind)}
                 for name, text in scripts.items() for kind in ("image", "audio", "video")]
        api.submit("scripts", toons, tolerance={"failedPercent": 100})
        self.assertEqual(api.ended("scripts")["status"], "Completed")
        for row in api.results("scripts"):
            self.assertEqual(row["state"], "Failed", row["toonId"])
            self.assertIn(row["error"]["code"], ("type-mismatch", "unsupported-format", "invalid-image", "invalid-media"), row["error"])
        self.assert_untouched(outside)


class Strict(Hostile, ServerTest):
    isolation = "strict"


class Contained(Hostile, ServerTest):
    isolation = "contained"


class Index(unittest.TestCase):
    def test_every_hostile_file_is_in_the_index_and_has_an_end(self):
        self.assertEqual({case["file"] for case in CASES} | {"hostile.json", "README.md"}, {path.name for path in HOSTILE.iterdir()})
        for case in CASES:
            self.assertTrue(case["expect"]["codes"], case["file"])
            self.assertIn(case["type"], ("image", "audio", "video"))


if __name__ == "__main__":
    unittest.main()
