"""From drawings and samples to files, by the `vips` and `ffmpeg` command-line tools, and EXIF by hand.

Everything that would differ from run to run is turned off: one thread, no library versions, no dates, fixed serials.
"""

import os
import pathlib
import struct
import subprocess
import tempfile

EXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1")
TOOL_SECONDS = 120


def run(*argv):
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=TOOL_SECONDS, env={**os.environ, "VIPS_CONCURRENCY": "1"})
    if done.returncode != 0:
        raise SystemExit(f"{argv[0]} failed: {' '.join(map(str, argv))}\n{done.stderr.decode(errors='replace')}")
    return done


class Workshop:
    """A temporary folder in which one file is made."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="ubertoons-media.")
        self.path = pathlib.Path(self._folder.name)
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def raster(self, picture, name="picture"):
        """A Drawing, or PPM bytes, as a vips image file."""
        made = self.path / f"{name}.v"
        if isinstance(picture, bytes):
            source = self.path / f"{name}.ppm"
            source.write_bytes(picture)
            run("vips", "ppmload", source, made)
        else:
            source = self.path / f"{name}.svg"
            source.write_text(picture.text_of(), encoding="utf-8")
            run("vips", "svgload", source, made)
        return made

    def step(self, image, operation, *arguments):
        made = image.with_name(f"{image.stem}-{operation}.v")
        run("vips", operation, image, made, *arguments)
        return made

    def opaque(self, picture):
        return self.step(self.raster(picture), "flatten", "--background", "255")

    def saved(self, image, saver, suffix, *options):
        made = self.path / f"saved.{suffix}"
        run("vips", saver, image, made, "--strip", *options)
        return made.read_bytes()

    def frames(self, drawings):
        """Numbered PNG files; the pattern that names them."""
        for i, drawing in enumerate(drawings):
            image = self.step(self.raster(drawing, f"frame{i:03d}"), "flatten", "--background", "255")
            run("vips", "pngsave", image, self.path / f"frame{i:03d}.png", "--strip", "--compression", "1")
        return self.path / "frame%03d.png"

    def ffmpeg(self, suffix, *arguments):
        made = self.path / f"encoded.{suffix}"
        run("ffmpeg", "-v", "error", "-y", *arguments, made)
        return made


# ---- EXIF -----------------------------------------------------------------------------------------------------------

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7


def _entry(tag, kind, values):
    if kind == ASCII:
        data, count = values.encode() + b"\0", len(values) + 1
    elif kind == RATIONAL:
        data, count = b"".join(struct.pack("<II", *pair) for pair in values), len(values)
    else:
        data, count = struct.pack(f"<{len(values)}{ {BYTE: 'B', SHORT: 'H', LONG: 'I'}[kind] }", *values), len(values)
    return tag, kind, count, data


def _directory(entries, start):
    """An IFD that begins at `start`, its long values behind it."""
    head, tail = struct.pack("<H", len(entries)), b""
    behind = start + 2 + 12 * len(entries) + 4
    for tag, kind, count, data in sorted(entries):
        if len(data) <= 4:
            place = data.ljust(4, b"\0")
        else:
            place = struct.pack("<I", behind + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        head += struct.pack("<HHI", tag, kind, count) + place
    return head + struct.pack("<I", 0) + tail


def exif_segment(orientation, taken, lens_mm, exposure, aperture, iso, gps=None):
    """A JPEG's APP1. exposure: (1, 250) seconds; aperture: (28, 10); gps: ((degrees, minutes, seconds) north, … west)."""
    camera = [_entry(0x829A, RATIONAL, [exposure]), _entry(0x829D, RATIONAL, [aperture]), _entry(0x8827, SHORT, [iso]),
              (0x9000, UNDEFINED, 4, b"0232"), _entry(0x9003, ASCII, taken), _entry(0x920A, RATIONAL, [(lens_mm, 1)])]
    place = []
    if gps:
        north, west = gps
        place = [_entry(0, BYTE, [2, 3, 0, 0]), _entry(1, ASCII, "N"), _entry(2, RATIONAL, [(part, 1) for part in north]),
                 _entry(3, ASCII, "W"), _entry(4, RATIONAL, [(part, 1) for part in west]), _entry(6, RATIONAL, [(1402, 1)])]

    def first(camera_at, place_at):
        entries = [_entry(0x010F, ASCII, "Acme"), _entry(0x0110, ASCII, "Peephole 3"), _entry(0x0112, SHORT, [orientation]),
                   _entry(0x0132, ASCII, taken), _entry(0x8769, LONG, [camera_at])]
        return _directory(entries + ([_entry(0x8825, LONG, [place_at])] if place else []), 8)

    camera_at = 8 + len(first(0, 0))
    inner = _directory(camera, camera_at)
    place_at = camera_at + len(inner)
    tiff = b"II*\0" + struct.pack("<I", 8) + first(camera_at, place_at) + inner + (_directory(place, place_at) if place else b"")
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff


def with_exif(jpeg, segment):
    return jpeg[:2] + segment + jpeg[2:]
