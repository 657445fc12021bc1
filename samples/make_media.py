#!/usr/bin/env python3
"""Makes samples/files/image, audio and video, and notes in samples/files/media.json what is planted in each.

    python3 samples/make_media.py              write them
    python3 samples/make_media.py --only NAME  write one
    python3 samples/make_media.py --check      make them anew, compare, write nothing

Needs the command-line tools `vips` and `ffmpeg` (Debian: libvips-tools, ffmpeg) and the DejaVu fonts; media/ holds the
drawing. With one Debian release two runs give the same bytes. An encoder of another version may not: --check then decodes
both and says whether pixels and samples are still close. make_samples.py, which needs no tool at all, puts the notes into
expected.json and checks each file's SHA-256.
"""

import argparse
import hashlib
import json
import pathlib
import sys
import tempfile

from media.encode import run
from media.films import AUDIO, VIDEO
from media.images import IMAGES

HERE = pathlib.Path(__file__).resolve().parent
INDEX = HERE / "files" / "media.json"
KINDS = {"image": IMAGES, "audio": AUDIO, "video": VIDEO}
CLOSE_PIXELS = 4.0  # mean difference of 255
CLOSE_DECIBELS = 20.0  # what the difference of two recordings must stay below the recording


def noted(data, facts):
    return {**facts, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def pictures_differ(one, other, folder):
    """Why they differ, or ""."""
    sizes = [run("vipsheader", "-f", field, path).stdout for path in (one, other) for field in ("width", "height", "bands")]
    if sizes[:3] != sizes[3:]:
        return "another size"
    run("vips", "subtract", one, other, folder / "difference.v")
    run("vips", "abs", folder / "difference.v", folder / "absolute.v")
    mean = float(run("vips", "avg", folder / "absolute.v").stdout)
    deep = run("vipsheader", "-f", "format", one).stdout.strip() == b"ushort"
    return f"pixels differ by {mean:.2f} in the mean" if mean > CLOSE_PIXELS * (257 if deep else 1) else ""


def streams_differ(one, other, folder):
    """Decodes both and compares; films by their frames as grey pictures a strip each, sounds by their samples."""
    raw = []
    for i, path in enumerate((one, other)):
        run("ffmpeg", "-v", "error", "-y", "-i", path, "-map", "0:a", "-ac", "1", "-ar", "16000", "-f", "s16le", folder / f"{i}.pcm")
        raw.append((folder / f"{i}.pcm").read_bytes())
    samples = [memoryview(data).cast("h") for data in raw]
    if abs(len(samples[0]) - len(samples[1])) > 800:
        return "another length"
    power = sum(a * a for a in samples[0])
    error = sum((a - b) ** 2 for a, b in zip(*samples))
    if error * 10 ** (CLOSE_DECIBELS / 10) > power:
        return "samples differ"
    if one.suffix in (".mp4", ".webm"):
        for i, path in enumerate((one, other)):
            run("ffmpeg", "-v", "error", "-y", "-i", path, "-vf", "scale=80:60,tile=8x16", "-frames:v", "1", folder / f"{i}.png")
        return pictures_differ(folder / "0.png", folder / "1.png", folder)
    return ""


def difference(kind, path, data):
    target = HERE / path
    if not target.is_file():
        return "is missing"
    if target.read_bytes() == data:
        return ""
    with tempfile.TemporaryDirectory(prefix="ubertoons-media.") as name:
        fresh = pathlib.Path(name) / f"fresh{target.suffix}"
        fresh.write_bytes(data)
        compare = pictures_differ if kind == "image" else streams_differ
        return compare(target, fresh, pathlib.Path(name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs in what it shows")
    parser.add_argument("--only", help="a file's name")
    options = parser.parse_args()
    index = json.loads(INDEX.read_text()) if INDEX.is_file() else {}
    bad = 0
    for kind, recipes in KINDS.items():
        for name, make in recipes.items():
            if options.only not in (None, name):
                continue
            path = f"files/{kind}/{name}"
            data, facts = make()
            if options.check:
                why = difference(kind, path, data)
                same = (HERE / path).is_file() and (HERE / path).read_bytes() == data
                print(f"{path}: {why or ('same bytes' if same else 'other bytes, same content')}")
                bad += bool(why)
                continue
            (HERE / path).parent.mkdir(parents=True, exist_ok=True)
            (HERE / path).write_bytes(data)
            index[path] = noted(data, facts)
            print(f"{path}: {len(data)} bytes")
    if not options.check:
        order = [f"files/{kind}/{name}" for kind, recipes in KINDS.items() for name in recipes]
        INDEX.write_text(json.dumps({path: index[path] for path in order if path in index}, indent=1) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
