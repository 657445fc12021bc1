"""./dev demo as a newcomer types it, and whether what is planted in the samples is found."""

import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import BIN, ROOT, Api, alive, children, sha256, until

DEV = ROOT / "dev"
# EXIF's pointer to the place, in either byte order: tag 0x8825, type LONG. libvips gives every WebP an EXIF of its own
# (sizes, resolution), so that the word "Exif" alone says nothing.
GPS_TAGS = (b"\x25\x88\x04\x00", b"\x88\x25\x00\x04")
XMP = b"http://ns.adobe.com/xap"
IMAGE_FACTS = ("format", "width", "height", "bands", "depth", "alpha", "colourSpace", "orientation", "frames", "durationMs")


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def run_demo(*options, **environment):
    # A folder that is not the repository's, no terminal, no input.
    return subprocess.run([DEV, "demo", *options], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=300, env={**os.environ, "UBERTOONS_BIN_DIR": str(BIN), **environment})


class Demo(unittest.TestCase):
    def test_it_ends_well_and_leaves_its_files_but_no_process(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-demo-test."))
        self.addCleanup(shutil.rmtree, folder)
        out = folder / "out"
        done = run_demo(UBERTOONS_DEMO_OUT=str(out), TMPDIR=str(folder))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("\x1b", done.stdout)
        server = int(re.search(r"^server (\d+) at http", done.stdout, re.MULTILINE)[1])
        self.assertFalse(alive(server))
        for name in ("summary.json", "timeline.svg", "timeline.csv", "contact-sheet.webp", "playlist.json", "playlist.m3u8"):
            path = out / "acme-samples" / "_job" / name
            self.assertGreater(path.stat().st_size, 0)
            self.assertIn(str(path), done.stdout)
        self.assertEqual([path.name for path in folder.iterdir()], ["out"])

    def test_an_unknown_option_is_a_usage_error(self):
        self.assertEqual(run_demo("--kep").returncode, 2)


class Planted(unittest.TestCase):
    """One kept demo, looked at through the API that it prints."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-demo-test."))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.done = run_demo("--keep", TMPDIR=str(cls.folder))
        found = re.search(r"^server (\d+) at (http\S+), data in", cls.done.stdout, re.MULTILINE)
        if not found:
            raise AssertionError(cls.done.stdout + cls.done.stderr)
        cls.server = int(found[1])
        cls.addClassCleanup(cls.stop)
        if cls.done.returncode != 0:
            raise AssertionError(cls.done.stdout + cls.done.stderr)
        cls.api = Api(found[2], re.search(r"^TOKEN (\S+)$", cls.done.stdout, re.MULTILINE)[1])
        cls.job = cls.api.job("acme-samples")
        cls.rows = {row["toonId"]: row for row in cls.api.results("acme-samples")}
        cls.expected = json.loads((ROOT / "samples" / "expected.json").read_text())["toons"]

    @classmethod
    def stop(cls):
        """Ends the kept server as the demo tells one to, and looks that its workers go with it."""
        workers = children(cls.server)
        if alive(cls.server):
            os.kill(cls.server, signal.SIGTERM)
        until("the kept server's end", lambda: not any(map(alive, [cls.server, *workers])), 60)

    def failures(self):
        return [(row["toonId"], row.get("error")) for row in self.rows.values() if row["state"] != "Succeeded"]

    def of_type(self, *types):
        return [(self.rows[toon], facts) for toon, facts in self.expected.items() if facts["type"] in types]

    def test_all_60_toons_succeeded(self):
        self.assertEqual((self.job["status"], self.job["toonCount"], self.job["succeeded"]), ("Completed", 60, 60), self.failures())
        self.assertEqual(list(self.rows), list(self.expected))
        self.assertEqual({row["state"] for row in self.rows.values()}, {"Succeeded"})

    def test_fingerprints_are_those_of_the_files(self):
        checked = 0
        for row, facts in self.of_type("telemetry", "gameplay", "binary", "image", "audio", "video"):
            self.assertEqual(row["fingerprint"]["sha256"], facts["sha256"], row["toonId"])
            checked += 1
        self.assertEqual(checked, 50)

    def test_rows_and_what_was_wrong_with_them_are_counted(self):
        for row, facts in self.of_type("telemetry", "gameplay"):
            result, cleaning = row["result"], row["result"]["cleaning"]
            with self.subTest(row["toonId"]):
                self.assertEqual((result["format"], result["rows"], result["badRows"]), (facts["format"], facts["rows"], facts["badRows"]))
                self.assertEqual([column["name"] for column in result["schema"]], facts["fields"])
                self.assertEqual(cleaning["duplicates"]["rows"], facts.get("duplicates", 0))
                self.assertEqual(cleaning["repairs"].get("decimalCommas", 0), facts.get("decimalCommas", 0))
                self.assertEqual(cleaning["repairs"].get("nullWords", 0), facts.get("missingCells", 0))

    def test_planted_gaps_are_found(self):
        checked = 0
        for row, facts in self.of_type("telemetry"):
            found = {(moment(gap["from"]), moment(gap["to"])) for gap in row["result"]["cleaning"]["gaps"]["list"]}
            planted = {(moment(gap["after"]), moment(gap["before"])) for gap in facts["gaps"]}
            self.assertEqual(planted - found, set(), row["toonId"])
            checked += len(planted)
        self.assertEqual(checked, 8)

    def test_planted_anomalies_are_found_and_few_others(self):
        checked = 0
        for row, facts in self.of_type("telemetry", "gameplay"):
            anomalies = row["result"]["anomalies"]
            found = {(one["field"], moment(one["time"]), one["value"]) for one in anomalies["list"]}
            planted = {(one["field"], moment(one["at"]), one["value"]) for one in facts["anomalies"]}
            self.assertEqual(planted - found, set(), row["toonId"])
            self.assertLess(anomalies["count"] - len(planted), 0.02 * facts["rows"], row["toonId"])
            checked += len(planted)
        self.assertEqual(checked, 23)

    def test_players_and_sessions_are_counted(self):
        for row, facts in self.of_type("gameplay"):
            events = row["result"]["events"]
            self.assertEqual((events["players"]["distinct"], events["sessions"]["count"]), (facts["players"], facts["sessions"]))

    def test_binaries_are_recognised(self):
        kinds = {toon: self.rows[toon]["result"]["mime"] for toon, facts in self.expected.items() if "mediaType" in facts}
        self.assertEqual(kinds, {toon: facts["mediaType"] for toon, facts in self.expected.items() if "mediaType" in facts})
        self.assertGreater(self.rows["binary-06-noise"]["result"]["entropy"], 7.99)
        self.assertEqual(self.rows["binary-07-silence"]["result"]["entropy"], 0)

    def test_images_are_described_as_they_were_made(self):
        checked = 0
        for row, facts in self.of_type("image"):
            with self.subTest(row["toonId"]):
                found = {"frames": 1, **row["result"]}
                planted = {name: value for name, value in facts.items() if name in IMAGE_FACTS}
                self.assertEqual({name: found.get(name) for name in planted}, planted)
                for name, value in facts.get("exif", {}).items():
                    self.assertEqual(found["exif"][name], value)
                self.assertRegex(found["perceptualHash"], r"^[0-9a-f]{16}$")
                self.assertRegex(found["dominantColour"], r"^#[0-9a-f]{6}$")
            checked += 1
        self.assertEqual(checked, 20)

    def test_where_a_picture_was_taken_is_told_nowhere(self):
        files = {toon["toonId"]: toon.get("file") for toon in json.loads((ROOT / "samples" / "manifest.json").read_text())["toons"]}
        with_place = [(row, facts) for row, facts in self.of_type("image") if facts.get("gps")]
        self.assertEqual(len(with_place), 1)
        for row, facts in with_place:
            source = (ROOT / "samples" / files[row["toonId"]]).read_bytes()
            camera = tuple(facts["exif"][name].encode() for name in ("make", "model"))
            self.assertTrue(any(tag in source for tag in GPS_TAGS), "nothing to leak")
            self.assertTrue(all(word in source for word in camera), "nothing to leak")
            told = json.dumps(row["result"]).lower()  # the toon's own metadata may say that there is a place
            for word in ("gps", "latitude", "longitude", "location", "111.65", "35.19"):
                self.assertNotIn(word, told)
            self.assertTrue(row["artifacts"])
            for artifact in row["artifacts"]:
                data = self.api.artifact(artifact["sha256"])
                self.assertEqual([mark for mark in (*GPS_TAGS, *camera, XMP) if mark in data], [], artifact["name"])

    def test_pictures_look_different_from_one_another(self):
        hashes = [row["result"]["perceptualHash"] for row, _ in self.of_type("image")]
        self.assertEqual(len(set(hashes)), 20)

    def test_sounds_and_films_are_described_as_they_were_made(self):
        checked = 0
        for row, facts in self.of_type("audio", "video"):
            with self.subTest(row["toonId"]):
                result, audio = row["result"], row["result"]["audio"]
                self.assertEqual((result["container"], audio["codec"], audio["sampleRate"], audio["channels"]),
                                 (facts["container"], facts["codec"], facts["sampleRate"], facts["channels"]))
                self.assertAlmostEqual(result["durationMs"], facts["durationMs"], delta=60)
                if "integratedLufs" in facts:
                    self.assertAlmostEqual(audio["loudness"]["integratedLufs"], facts["integratedLufs"], delta=0.2)
                for name, value in facts.get("tags", {}).items():
                    self.assertEqual(result["tags"][name], value)
            checked += 1
        self.assertEqual(checked, 6)

    def test_the_cuts_of_films_are_counted(self):
        for row, facts in self.of_type("video"):
            video = row["result"]["video"]
            self.assertEqual((video["codec"], video["width"], video["height"], video["frames"], video["sceneCount"]),
                             (facts["videoCodec"], facts["width"], facts["height"], facts["frames"], len(facts["cuts"]) + 1))
            self.assertAlmostEqual(video["frameRate"], facts["frameRate"], delta=0.1)

    def test_the_sheet_and_the_playlist_hold_every_picture_and_every_clip(self):
        artifacts = {artifact["name"]: artifact["sha256"] for artifact in self.job["artifacts"]}
        self.assertLessEqual({"contact-sheet.webp", "playlist.json", "playlist.m3u8"}, set(artifacts))
        sheet = self.api.artifact(artifacts["contact-sheet.webp"])
        self.assertEqual((sheet[:4], sheet[8:12]), (b"RIFF", b"WEBP"))
        listed = self.api.artifact(artifacts["playlist.json"]).decode()
        self.assertTrue(self.api.artifact(artifacts["playlist.m3u8"]).startswith(b"#EXTM3U"))
        for row, _ in self.of_type("audio", "video"):
            self.assertIn(row["toonId"], listed)

    def test_the_printed_curl_lines_work(self):
        lines = [line for line in self.done.stdout.splitlines() if line.startswith("curl ")]
        self.assertEqual(len(lines), 3)
        for line in lines:
            answer = subprocess.run(["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
            self.assertEqual(json.loads(answer.stdout)["jobId"], "JOB001", answer.stdout)

    def test_artifacts_are_whole(self):
        artifacts = self.job["artifacts"] + [a for row in self.rows.values() for a in row["artifacts"]]
        self.assertGreater(len(artifacts), 44)
        for artifact in artifacts:
            self.assertEqual(sha256(self.api.artifact(artifact["sha256"])), artifact["sha256"], artifact)

    def test_the_word_clouds_are_there(self):
        job = self.api.job("acme-wordcloud")
        self.assertEqual((job["status"], job["succeeded"]), ("Completed", 3))


if __name__ == "__main__":
    unittest.main()
