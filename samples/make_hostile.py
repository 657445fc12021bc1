#!/usr/bin/env python3
"""Makes samples/hostile/: bombs, liars, broken and disguised files, and hostile.json, which says what may come of each.

    python3 samples/make_hostile.py            write them
    python3 samples/make_hostile.py --check    compare them with what is there, write nothing

Only the standard library. Bombs are built byte by byte in media/; broken files are cut or flipped (from fixed seeds) out of
samples/files, which must be there.
"""

import argparse
import json
import pathlib
import random
import sys

from media import hostile_images as picture
from media import hostile_streams as stream

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "hostile"

# What a toon may fail with, by the kind of trouble. The limits of an executor stand last: any decoder may run into them.
LIMITS = ["memory-limit", "cpu-limit", "time-limit", "output-limit"]
PIXELS = ["too-many-pixels", "image-too-large"]
BROKEN = {"image": ["invalid-image"], "audio": ["invalid-media", "truncated-media"], "video": ["invalid-media", "truncated-media"]}
SCRIPT = ["type-mismatch", "unsupported-format", "invalid-image", "invalid-media"]
CODEC = ["unsupported-codec", "unsupported-format"]
MAY = "may-succeed"


def original(path):
    """A sample's bytes; of an MP3 without its tag, most of which is the cover."""
    data = (HERE / "files" / path).read_bytes()
    if data.startswith(b"ID3"):
        data = data[10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]) :]
    return data


def cut(path, most):
    data = original(path)
    return data[: min(len(data) // 2, most)]


def flipped(path, seed, flips, most=None, spare=64):
    """`flips` bits of the file turned over, none of the first `spare` bytes, so that it is still taken for what it was."""
    data, rng = bytearray(original(path)[:most]), random.Random(seed)
    for _ in range(flips):
        at = rng.randrange(spare, len(data))
        data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def bombs():
    """(file, type, bytes, why, codes)"""
    jpeg = picture.jpeg
    return [
        ("header-bomb.gif", "image", picture.gif_header_bomb(), "329 bytes whose header asks for 65535 x 65535 pixels", PIXELS),
        ("lying-header.jpg", "image", jpeg(64, 64, claim=(65535, 65535)),
         "64 blocks of data, a header of 65535 x 65535: more than libjpeg takes",
         [*PIXELS, "invalid-image"]),
        ("largest-header.jpg", "image", jpeg(64, 64, claim=(65500, 65500)), "the same with the largest size that libjpeg takes", PIXELS),
        ("content-bomb.png", "image", picture.png_flat(15000), "15000 x 15000 real pixels, 1032 to one", PIXELS),
        ("heavy-interlaced.png", "image", picture.png_flat(10000, 1),
         "10000 x 10000, below the pixel limit, but interlaced: no row is ready before the last",
         [MAY, *PIXELS, *LIMITS]),
        ("claim.webp", "image", picture.webp_claim(16384, 16384), "34 bytes of lossless data that claim 16384 x 16384",
         [*PIXELS, "invalid-image"]),
        ("many-frames.gif", "image", picture.gif(640, 480, 1050), "1050 frames on a canvas of 640 x 480", ["too-many-frames", *PIXELS]),
        ("many-frames.webp", "image", picture.webp(640, 480, 1010), "1010 frames of one pixel on a canvas of 640 x 480",
         ["too-many-frames", *PIXELS]),
        ("large-canvas.webp", "image", picture.webp(16384, 16384, 2), "two frames of one pixel on a canvas of 16384 x 16384", PIXELS),
        ("many-scans.jpg", "image", picture.jpeg_scans(8000, 90), "8000 x 8000, 90 progressive scans of a few bytes each",
         [MAY, "invalid-image", *PIXELS, *LIMITS]),
        ("text-bomb.png", "image", picture.png_text_bomb(6 << 20), "a compressed comment of 6 MiB in a picture of 32 x 32",
         [MAY, "invalid-image", *LIMITS]),
        ("profile-bomb.png", "image", picture.png_profile_bomb(6 << 20), "a colour profile of 6 MiB of zeros",
         [MAY, "invalid-image", *LIMITS]),
        ("looping-exif.jpg", "image", picture.looping_exif(), "EXIF directories that point at themselves", [MAY, "invalid-image"]),
        ("deep-exif.jpg", "image", picture.deep_exif(200), "200 EXIF directories in a chain, values that claim 4 GiB", [MAY, "invalid-image"]),
        ("bad-crc.png", "image", picture.png(32, 32, 8, 0, picture.grey_rows(32, 32), crc=0xDEADBEEF), "pixel data with a wrong checksum",
         BROKEN["image"]),
        ("claim.wav", "audio", stream.wav_claim(), "2000 bytes of sound that claim four gigabytes", [MAY, "too-long", *BROKEN["audio"]]),
        ("channels.wav", "audio", stream.wav_channels(), "65535 channels",
         ["invalid-media", "unsupported-codec", "truncated-media", "too-many-streams", *LIMITS]),
        ("tag-bomb.mp3", "audio", stream.mp3_tag(), "an ID3 tag of 256 MB and no sound", [*BROKEN["audio"], "unsupported-format", *LIMITS]),
        ("cover-claim.flac", "audio", stream.flac_picture(), "a cover that claims four gigabytes",
         [*BROKEN["audio"], "unsupported-format", *LIMITS]),
        ("endless-pages.ogg", "audio", stream.ogg_endless(120), "pages that continue a packet which never ends",
         [*BROKEN["audio"], *CODEC, *LIMITS]),
        ("absurd-tables.mp4", "video", stream.mp4_absurd(), "a film of seven weeks and four thousand million samples",
         ["too-long", *BROKEN["video"], *CODEC, *LIMITS]),
        ("wide.mp4", "video", stream.mp4_wide(), "frames of 65535 x 65535", ["video-too-large", *BROKEN["video"], *CODEC, *LIMITS]),
        ("nested.mp4", "video", stream.mp4_nested(400), "800 boxes in one another", [*BROKEN["video"], "unsupported-format", *LIMITS]),
        ("many-streams.mp4", "video", stream.mp4_streams(18), "18 tracks", ["too-many-streams", *BROKEN["video"], *CODEC]),
        ("huge-element.webm", "video", stream.matroska_huge(), "a track's private data of a tebibyte", [*BROKEN["video"], *CODEC, *LIMITS]),
        ("deep-tags.mkv", "video", stream.matroska_deep(200), "200 tags in one another, no track", [*BROKEN["video"], *CODEC, *LIMITS]),
    ]


def reaching_out():
    """Files that ask their reader to open other files, or the network."""
    return [
        ("entities.svg", "image", stream.svg_entities(), "an entity bomb that also asks for a file", SCRIPT),
        ("playlist.m3u8", "video", stream.m3u8(), "an HLS playlist of file:// and concat: references", SCRIPT),
        ("playlist-as-audio.m3u8", "audio", stream.m3u8(), "the same, declared as audio", SCRIPT),
        ("script.ffconcat", "video", stream.ffconcat(), "a concat script of file:// references", SCRIPT),
        ("manifest.mpd", "video", stream.dash(), "a DASH manifest whose base is a file", SCRIPT),
        ("session.sdp", "video", stream.sdp(), "a session description: asks for a socket", SCRIPT),
        ("outside-url.mp4", "video", stream.mp4_url(), "a track whose data is at a file:// URL", [*BROKEN["video"], *CODEC]),
        ("outside-alias.mp4", "video", stream.mp4_alias(), "a track whose data is at an absolute path", [*BROKEN["video"], *CODEC]),
    ]


def broken():
    """Of each format, one that ends too soon and one with bits turned over."""
    cuts = [("image", "image/mesa-sunset.jpg", 6000), ("image", "image/lab-map.png", 5000), ("image", "image/night-sky.webp", 6000),
            ("image", "image/pixel-parade.gif", 2000), ("audio", "audio/mouse-march.mp3", 4000), ("audio", "audio/owl-clockwork.flac", 6000),
            ("audio", "audio/canyon-radio.ogg", 6000), ("video", "video/anvil-test.mp4", 9000), ("video", "video/yoyo-broadcast.webm", 6000)]
    flips = [("image", "image/mesa-sunset.jpg", 30, 7000), ("image", "image/lab-map.png", 12, None),
             ("image", "image/night-sky.webp", 20, 8000),
             ("image", "image/pixel-parade.gif", 20, None), ("audio", "audio/canyon-radio.ogg", 30, 6000), ("audio",
                                                                                                            "audio/mouse-march.mp3", 30, 6000),
             ("video", "video/anvil-test.mp4", 30, 9000), ("video", "video/yoyo-broadcast.webm", 30, 6000)]
    made = []
    for kind, path, most in cuts:
        made.append((f"cut.{path.rsplit('.', 1)[1]}", kind, cut(path, most), "ends in the middle", BROKEN[kind]))
    for seed, (kind, path, count, most) in enumerate(flips):
        codes = [*BROKEN[kind], *CODEC, *(PIXELS if kind == "image" else ["too-long", "too-many-streams", "video-too-large"]), *LIMITS]
        made.append((f"flipped.{path.rsplit('.', 1)[1]}", kind, flipped(path, 400 + seed, count, most), f"{count} bits turned over", codes))
    return made


def disguised():
    tiny = picture.jpeg(64, 64)
    return [
        ("sound-as-picture.mp3", "image", cut("audio/mouse-march.mp3", 2000), "an MP3 declared as image", ["type-mismatch"]),
        ("picture-as-sound.png", "audio", picture.png(32, 32, 8, 0, picture.grey_rows(32, 32)), "a PNG declared as audio", ["type-mismatch"]),
        ("picture-as-film.jpg", "video", tiny, "a JPEG declared as video", ["type-mismatch"]),
        ("film-as-picture.mp4", "image", cut("video/anvil-test.mp4", 2000), "an MP4 declared as image", ["type-mismatch"]),
        ("page.pdf", "image", b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n%%EOF\n", "a PDF declared as image", ["type-mismatch"]),
        ("other.tiff", "image", b"II*\0\x08\0\0\0\0\0\0\0\0\0", "a TIFF: nobody here reads it", ["unsupported-format", "invalid-image"]),
        ("text-as-sound.txt", "audio", b"la la la\n" * 20, "words", ["unsupported-format", "invalid-media", "type-mismatch"]),
        ("script.gif", "image", picture.gif_script(), "a GIF that is a script too", [MAY, "invalid-image"]),
        ("page.jpg", "image", picture.pdf_jpeg(), "a JPEG that is a PDF too", [MAY, "invalid-image"]),
        ("empty.png", "image", b"", "no bytes at all", ["empty-source"]),
        ("empty.mp3", "audio", b"", "no bytes at all", ["empty-source"]),
        ("empty.mp4", "video", b"", "no bytes at all", ["empty-source"]),
    ]


def make():
    out, index = {}, []
    for name, kind, data, why, codes in [*bombs(), *reaching_out(), *broken(), *disguised()]:
        out[name] = data
        expect = {"codes": [code for code in codes if code != MAY]}
        if MAY in codes:
            expect["maySucceed"] = True
        index.append({"file": name, "type": kind, "why": why, "expect": expect})
    out["hostile.json"] = ("[\n" + ",\n".join("  " + json.dumps(entry) for entry in index) + "\n]\n").encode()
    rows = "\n".join(f"| `{one['file']}` | {one['type']} | {one['why']} | {outcome(one['expect'])} |" for one in index)
    out["README.md"] = README.format(rows=rows).encode()
    return out


def outcome(expect):
    return ", ".join(f"`{code}`" for code in expect["codes"]) + (", or succeeds" if expect.get("maySucceed") else "")


README = """# Files that nobody should open

Made by `python3 samples/make_hostile.py` from nothing, or from `samples/files` by cutting and flipping bits. Most are refused by
viewers; a few make careless ones use all of a machine's memory. `tests/e2e/hostile_test.py` submits all of them among good toons:
each must end as this table says, and nobody else may notice. `hostile.json` is the same as data.

| file | declared as | what it does | how it may end |
|---|---|---|---|
{rows}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    options = parser.parse_args()
    made = make()
    FOLDER.mkdir(exist_ok=True)
    different = [path.name for path in FOLDER.iterdir() if path.name not in made] if options.check else []
    for name, data in made.items():
        target = FOLDER / name
        if not options.check:
            target.write_bytes(data)
        elif not target.is_file() or target.read_bytes() != data:
            different.append(name)
    for name in different:
        print(f"differs: hostile/{name}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
