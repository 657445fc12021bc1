"""Results over the sample pictures, sounds and films, against the command-line tools: `vips`, `ffmpeg`, `ffprobe`, `fpcalc`.

The tools read the same files by themselves; a test is skipped, with a word, where a tool is not installed.
"""

import json
import math
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

from harness import ROOT, Server, ServerTest, data_toon

SAMPLES = ROOT / "samples"
INDEX = json.loads((SAMPLES / "files" / "media.json").read_text())
MEAN_DIFFERENCE = 2.5  # of 255: still pictures come out the same; the first frame of an animation is coded otherwise
LOUDNESS_LU = 0.2
DURATION_MS = 60  # encoders' padding, and clocks that count in packets

THUMBNAIL = [{"op": "thumbnail", "width": 256, "format": "webp", "quality": 90}]
OPERATIONS = {"image": THUMBNAIL, "audio": [{"op": "waveform", "width": 400, "height": 100}, {"op": "trim", "start": 1, "duration": 1.5}],
              "video": [{"op": "poster", "at": 2.0}]}


def run(*argv):
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"{argv}: {done.stderr.decode(errors='replace')}")
    return done


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


def header(path, field):
    return run("vipsheader", "-f", field, path).stdout.decode().strip()


def shape(path):
    """(depth, colour space) in libvips' words: "FILE: 800x600 uchar, 3 bands, srgb, jpegload"."""
    words = run("vipsheader", path).stdout.decode().strip().rsplit(", ", 3)
    return words[0].split()[-1], words[2]


def probed(path):
    return json.loads(run("ffprobe", "-v", "error", "-show_format", "-show_streams", "-count_frames", "-of", "json", path).stdout)


def stream_of(probe, kind):
    return next(one for one in probe["streams"] if one["codec_type"] == kind and not one["disposition"]["attached_pic"])


def integrated_lufs(path):
    said = run("ffmpeg", "-hide_banner", "-nostats", "-i", path, "-map", "0:a", "-af", "ebur128", "-f", "null", "-").stderr.decode()
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])


def mean_difference(one, other, folder):
    """Of two picture files, on white, as eight-bit colour: the mean of the absolute differences."""
    seen = []
    for i, path in enumerate((one, other)):
        run("vips", "colourspace", path, folder / f"{i}-colour.v", "srgb")
        if header(folder / f"{i}-colour.v", "bands") == "4":
            run("vips", "flatten", folder / f"{i}-colour.v", folder / f"{i}.v", "--background", "255")
        else:
            run("vips", "copy", folder / f"{i}-colour.v", folder / f"{i}.v")
        seen.append(folder / f"{i}.v")
    run("vips", "subtract", *seen, folder / "difference.v")
    run("vips", "abs", folder / "difference.v", folder / "absolute.v")
    return float(run("vips", "avg", folder / "absolute.v").stdout)


class Media(ServerTest):
    """One job of all sample media, submitted once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-e2e."))
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)
        server = Server(cls.home)
        cls.addClassCleanup(server.kill)
        cls.api = server.start().api()
        toons = [data_toon(path, path.split("/")[1], (SAMPLES / path).read_bytes()) for path in INDEX]
        cls.api.submit("media", toons, operations=OPERATIONS)
        cls.job = cls.api.ended("media", 240)
        cls.rows = {row["toonId"]: row for row in cls.api.results("media")}

    def setUp(self):
        super().setUp()
        failed = {toon: row.get("error") for toon, row in self.rows.items() if row["state"] != "Succeeded"}
        self.assertEqual(failed, {})

    def each(self, *kinds):
        found = [(path, SAMPLES / path, self.rows[path]) for path in INDEX if path.split("/")[1] in kinds]
        self.assertGreater(len(found), 0)
        return found

    def artifact(self, row, prefix):
        """The toon's artifact of that name, as a file."""
        named = [one for one in row["artifacts"] if one["name"].startswith(prefix)]
        self.assertEqual(len(named), 1, row["artifacts"])
        path = self.folder / named[0]["name"]
        path.write_bytes(self.api.artifact(named[0]["sha256"]))
        return path

    @needs("vipsheader")
    def test_sizes_and_bands_are_those_that_vips_reads(self):
        for toon, path, row in self.each("image"):
            with self.subTest(toon):
                width, height, bands = (int(header(path, field)) for field in ("width", "height", "bands"))
                if row["result"]["orientation"] >= 5:
                    width, height = height, width
                self.assertEqual((row["result"]["width"], row["result"]["height"], row["result"]["bands"]), (width, height, bands))
                self.assertEqual((row["result"]["depth"], row["result"]["colourSpace"]), shape(path))

    @needs("vips", "vipsheader")
    def test_thumbnails_look_as_those_of_vips(self):
        for toon, path, row in self.each("image"):
            with self.subTest(toon):
                ours = self.artifact(row, "thumbnail")
                shown = self.folder / "page.v"
                run("vips", "webpload", ours, shown)  # the first frame of an animation
                theirs = self.folder / "theirs.webp"
                cmyk = ["--import-profile", "cmyk", "--export-profile", "srgb"] if INDEX[toon]["colourSpace"] == "cmyk" else []
                run("vips", "thumbnail", path, f"{theirs}[Q=90]", "256", "--size", "down", *cmyk)
                self.assertEqual([header(shown, side) for side in ("width", "height")], [header(theirs, side) for side in ("width", "height")])
                self.assertLess(mean_difference(shown, theirs, self.folder), MEAN_DIFFERENCE)

    @needs("vipsheader")
    def test_animations_stay_animated(self):
        for toon in ("files/image/hypnotic-yoyo.webp", "files/image/mouse-wheel.gif"):
            path = self.artifact(self.rows[toon], "thumbnail")
            self.assertEqual(int(header(path, "n-pages")), INDEX[toon]["frames"], toon)

    @needs("ffprobe")
    def test_streams_are_those_that_ffprobe_reads(self):
        for toon, path, row in self.each("audio", "video"):
            with self.subTest(toon):
                probe, result = probed(path), row["result"]
                theirs, ours = stream_of(probe, "audio"), result["audio"]
                self.assertEqual((ours["codec"], ours["channels"], ours["sampleRate"]),
                                 (theirs["codec_name"], theirs["channels"], int(theirs["sample_rate"])))
                self.assertAlmostEqual(result["durationMs"], 1000 * float(probe["format"]["duration"]), delta=DURATION_MS)
                self.assertIn(result["container"], [*probe["format"]["format_name"].split(","), "webm"])
                if "video" in result:
                    theirs, ours = stream_of(probe, "video"), result["video"]
                    self.assertEqual((ours["codec"], ours["width"], ours["height"], ours["frames"]),
                                     (theirs["codec_name"], theirs["width"], theirs["height"], int(theirs["nb_read_frames"])))
                    rate, per = map(int, theirs["avg_frame_rate"].split("/"))
                    self.assertAlmostEqual(ours["frameRate"], rate / per, delta=0.01)

    @needs("ffmpeg")
    def test_loudness_is_that_of_ffmpegs_meter(self):
        for toon, path, row in self.each("audio", "video"):
            self.assertAlmostEqual(row["result"]["audio"]["loudness"]["integratedLufs"], integrated_lufs(path), delta=LOUDNESS_LU, msg=toon)

    @needs("fpcalc")
    def test_fingerprints_are_those_of_fpcalc(self):
        """Character by character, but for one: resamplers differ in the last bits, and a bit of a print may be a close call."""
        same = 0
        for _, path, row in self.each("audio"):
            # Some versions print the fingerprint and then fail at the end of the file.
            said = subprocess.run(["fpcalc", "-json", path], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)
            same += row["result"]["audio"]["fingerprint"]["chromaprint"] == json.loads(said.stdout)["fingerprint"]
        self.assertGreaterEqual(same, 3)

    @needs("ffmpeg")
    def test_peaks_follow_the_samples(self):
        for toon, path, row in self.each("audio"):
            raw = run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-").stdout
            loudest = max(map(abs, struct.unpack(f"<{len(raw) // 4}f", raw)))
            peaks = row["result"]["audio"]["peaks"]
            found = max(*map(abs, peaks["min"]), *map(abs, peaks["max"]))
            self.assertLess(abs(20 * math.log10(found / loudest)), 3.1, toon)  # channels may be mixed before they are drawn

    def test_planted_silence_shows_in_the_peaks(self):
        facts = INDEX["files/audio/canyon-radio.ogg"]
        peaks = self.rows["files/audio/canyon-radio.ogg"]["result"]["audio"]["peaks"]
        start, end = (round(len(peaks["max"]) * second * 1000 / facts["durationMs"]) for second in facts["silence"])
        inside = range(start + 2, end - 2)
        self.assertGreater(len(inside), 20)
        self.assertLess(max(max(abs(peaks["min"][i]), abs(peaks["max"][i])) for i in inside), 0.01)
        self.assertGreater(max(peaks["max"][: start - 2]), 0.05)

    @needs("ffmpeg", "vips", "vipsheader")
    def test_the_poster_is_the_frame_that_ffmpeg_shows(self):
        for toon, path, row in self.each("video"):
            with self.subTest(toon):
                ours, theirs = self.artifact(row, "poster"), self.folder / "frame.png"
                run("ffmpeg", "-v", "error", "-y", "-i", path, "-ss", "2.0", "-frames:v", "1", theirs)
                self.assertEqual([header(ours, side) for side in ("width", "height")], [header(theirs, side) for side in ("width", "height")])
                # Ours is a JPEG.
                self.assertLess(mean_difference(ours, theirs, self.folder), 4 * MEAN_DIFFERENCE)

    @needs("ffprobe")
    def test_a_trimmed_clip_is_as_long_as_asked(self):
        for toon, path, row in self.each("audio"):
            with self.subTest(toon):
                self.assertAlmostEqual(row["result"]["trim"]["startMs"], 1000, delta=200)
                cut = probed(self.artifact(row, "trim"))
                self.assertAlmostEqual(float(cut["format"]["duration"]), 1.5, delta=0.2)  # cut at packets: up to 8192 samples
                self.assertEqual(stream_of(cut, "audio")["codec_name"], stream_of(probed(path), "audio")["codec_name"])

    @needs("vipsheader")
    def test_waveforms_have_the_size_that_was_asked_for(self):
        for toon, _, row in self.each("audio"):
            path = self.artifact(row, "waveform")
            self.assertEqual([header(path, side) for side in ("width", "height")], ["400", "100"], toon)


class Transformed(ServerTest):
    """Operations of a picture's own, against the same by vips."""

    @needs("vips", "vipsheader")
    def test_crop_and_grayscale_are_those_of_vips(self):
        api = self.serve().api()
        source = SAMPLES / "files/image/clockwork-owl.jpg"  # stored on its side: what is cropped is what is seen
        toon = {**data_toon("owl", "image", source.read_bytes()), "operations": [
            {"op": "crop", "left": 100, "top": 180, "width": 400, "height": 260}, {"op": "grayscale"}, {"op": "convert", "format": "png"}]}
        api.submit("one", [toon])
        self.assertEqual(api.ended("one")["status"], "Completed")
        row = api.results("one")[0]
        ours, theirs = self.folder / "ours.png", self.folder / "theirs.png"
        ours.write_bytes(api.artifact(next(one["sha256"] for one in row["artifacts"] if one["name"].endswith(".png"))))
        run("vips", "autorot", source, self.folder / "up.v")
        run("vips", "crop", self.folder / "up.v", self.folder / "cropped.v", "100", "180", "400", "260")
        run("vips", "colourspace", self.folder / "cropped.v", theirs, "b-w")
        self.assertEqual((header(ours, "width"), header(ours, "height")), ("400", "260"))
        self.assertLess(mean_difference(ours, theirs, self.folder), 1.0)


class Tools(unittest.TestCase):
    """The samples by the tools alone: what is planted is there, whoever reads it."""

    @needs("vipsheader")
    def test_pictures_are_what_is_noted(self):
        for path, facts in INDEX.items():
            if not path.startswith("files/image/"):
                continue
            with self.subTest(path):
                sides = [int(header(SAMPLES / path, side)) for side in ("width", "height")]
                upright = sides[::-1] if facts["orientation"] >= 5 else sides
                self.assertEqual(upright, [facts["width"], facts["height"]])
                self.assertEqual(int(header(SAMPLES / path, "bands")), facts["bands"])
                self.assertEqual(shape(SAMPLES / path), (facts["depth"], facts["colourSpace"]))

    @needs("ffmpeg")
    def test_clips_are_as_loud_as_noted(self):
        for path, facts in INDEX.items():
            if "integratedLufs" in facts:
                self.assertAlmostEqual(integrated_lufs(SAMPLES / path), facts["integratedLufs"], delta=0.1001, msg=path)

    @needs("ffmpeg")
    def test_films_are_cut_where_noted(self):
        for path, facts in INDEX.items():
            if "cuts" not in facts:
                continue
            said = run("ffmpeg", "-hide_banner", "-nostats", "-i", SAMPLES / path, "-vf", "select='gt(scene,0.4)',showinfo", "-f", "null",
                       "-").stderr
            found = [float(at) for at in re.findall(rb"pts_time:([\d.]+)", said)]
            self.assertEqual(len(found), len(facts["cuts"]), path)
            for one, other in zip(found, facts["cuts"]):
                self.assertAlmostEqual(one, other, delta=0.05)

    @needs("ffprobe")
    def test_one_clip_has_a_cover(self):
        covers = [path for path in INDEX if path.startswith("files/audio/")
                  and any(stream["disposition"]["attached_pic"] for stream in probed(SAMPLES / path)["streams"])]
        self.assertEqual(covers, [path for path, facts in INDEX.items() if facts.get("cover")])


if __name__ == "__main__":
    unittest.main()
