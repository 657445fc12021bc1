#!/usr/bin/env python3
"""Makes samples/files/, samples/manifest.json, samples/wordcloud.json and samples/expected.json.

    python3 samples/make_samples.py            write them
    python3 samples/make_samples.py --check    compare them with what is there, write nothing

Only the standard library; everything follows from the seeds below, byte for byte: noise is a sum of uniforms instead of
a library's Gaussian, and archives are built from stored blocks, so that no compressor's version shows. What is planted in
each file (gaps, duplicates, bad rows, anomalies) is noted in expected.json as it is planted. The metadata and the messages
are written by hand, in catalog/.

Pictures, sounds and films come from make_media.py, whose encoders' bytes depend on their version: here they are only
compared with the SHA-256 that it noted, together with what is planted, in files/media.json.
"""

import argparse
import binascii
import hashlib
import json
import pathlib
import random
import struct
import sys
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).resolve().parent


def noise(rng, spread):
    """About normal with this standard deviation, at most six of them away from zero (Irwin-Hall of 12)."""
    return spread * (sum(rng.random() for _ in range(12)) - 6.0)


def triangle(i, period):
    """-1..1, without a transcendental function, whose last digit depends on the C library."""
    phase = (i % period) / period
    return 4 * phase - 1 if phase < 0.5 else 3 - 4 * phase


# ---- telemetry ------------------------------------------------------------------------------------------------------


class Series:
    """One gadget's recording: rows at a fixed interval, then what is planted, each thing noted as it is planted."""

    def __init__(self, seed, start, seconds, count, fields):
        self.rng = random.Random(seed)
        self.start = datetime.fromisoformat(start)
        self.seconds = seconds
        self.fields = [name for name, _, _, _ in fields]
        self.rows = [[self._value(i, *spec) for _, *spec in fields] for i in range(count)]
        self.facts = {"anomalies": [], "gaps": [], "duplicates": 0, "badRows": 0, "intervalSeconds": seconds}
        self._dropped, self._repeated = set(), {}

    def _value(self, i, level, swing, spread):
        return round(level + swing * triangle(i, 240) + noise(self.rng, spread), 3)

    def time(self, i):
        return self.start + timedelta(seconds=self.seconds * i)

    def spike(self, i, field, value):
        self.rows[i][self.fields.index(field)] = value
        self.facts["anomalies"].append({"field": field, "at": iso(self.time(i)), "value": value})
        return self

    def gap(self, first, last):
        """Rows first..last never arrived."""
        self._dropped.update(range(first, last + 1))
        self.facts["gaps"].append({"after": iso(self.time(first - 1)), "before": iso(self.time(last + 1)),
                                   "seconds": self.seconds * (last - first + 2)})
        return self

    def repeat(self, *places):
        for i in places:
            self._repeated[i] = self._repeated.get(i, 0) + 1
        self.facts["duplicates"] += len(places)
        return self

    def kept(self):
        """(index, row) as recorded: without the dropped, with the repeated."""
        for i, row in enumerate(self.rows):
            if i in self._dropped:
                continue
            for _ in range(1 + self._repeated.get(i, 0)):
                yield i, row

    def csv(self, delimiter=",", decimal=".", cut=(), blank=None, quoted=()):
        """cut: rows that end after the time; blank: {(row, field): text}; quoted: cells with a quoted decimal comma."""
        lines = [delimiter.join(["time", *self.fields])]
        for i, row in self.kept():
            if i in cut:
                lines.append(iso(self.time(i)) + delimiter + "###")
                self.facts["badRows"] += 1
                continue
            cells = []
            for field, value in zip(self.fields, row):
                text = (blank or {}).get((i, field)) or f"{value}".replace(".", decimal)
                if (i, field) in quoted:
                    text = f'"{value:.1f}"'.replace(".", ",")  # one decimal: three would read as thousands
                cells.append(text)
            lines.append(delimiter.join([iso(self.time(i)), *cells]))
        self._count(len(lines) - 1, "csv")
        self.facts["decimalCommas"] = len(quoted) + (0 if decimal == "." else len(self.fields) * self.facts["goodRows"])
        self.facts["missingCells"] = len(blank or {})
        return "\n".join(lines) + "\n"

    def ndjson(self, cut=(), epoch=False):
        """cut: lines broken off in the middle."""
        lines = []
        for i, row in self.kept():
            stamp = int(self.time(i).timestamp() * 1000) if epoch else iso(self.time(i))
            line = json.dumps({"time": stamp, **dict(zip(self.fields, row))}, separators=(",", ":"))
            if i in cut:
                line = line[: len(line) // 2]
                self.facts["badRows"] += 1
            lines.append(line)
        self._count(len(lines), "ndjson")
        return "\n".join(lines) + "\n"

    def _count(self, rows, form):
        self.facts.update(rows=rows, goodRows=rows - self.facts["badRows"], format=form, fields=["time", *self.fields])


def iso(time):
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def telemetry():
    """file -> (text, facts). Fields are (name, level, slow swing, noise)."""
    made = {}

    skates = Series(101, "2025-06-02T22:00:00+00:00", 1, 900,
                    [("thrust_n", 820, 12, 9), ("nozzle_c", 410, 6, 4), ("speed_kmh", 96, 3, 1.6)])
    skates.gap(300, 344).spike(150, "nozzle_c", 1420.5).spike(701, "nozzle_c", 1388.25)
    made["rocket-skates.csv"] = skates.csv(cut=(88, 512), quoted=((40, "speed_kmh"), (41, "speed_kmh"))), skates.facts

    cloud = Series(102, "2025-06-02T22:05:00+00:00", 2, 700, [("humidity_pct", 78, 2, 1.1), ("charge_kv", 12.5, 0.6, 0.3)])
    cloud.gap(210, 239).spike(455, "charge_kv", 96.75)
    made["pocket-cloud.csv"] = cloud.csv(delimiter=";", decimal=","), cloud.facts

    magnet = Series(103, "2025-06-02T22:15:00+00:00", 0.5, 800,
                    [("field_mt", 350, 4, 2.5), ("coil_a", 41, 0.5, 0.4), ("pull_n", 1900, 20, 14)])
    magnet.spike(120, "field_mt", 910.0).spike(333, "field_mt", 874.5).spike(640, "field_mt", 902.125)
    made["giant-magnet.ndjson"] = magnet.ndjson(cut=(50, 333 + 60, 577)), magnet.facts

    boots = Series(104, "2025-06-02T22:10:00+00:00", 0.25, 1000, [("height_m", 1.8, 0.2, 0.12), ("tension_n", 640, 8, 6)])
    boots.gap(545, 604).repeat(12, 13, 200, 431, 431, 777, 901).spike(860, "tension_n", 1675.0)
    made["spring-boots.csv"] = boots.csv(cut=(300,)), boots.facts

    tornado = Series(105, "2025-06-02T22:20:00+00:00", 1, 900, [("pressure_kpa", 118, 1.5, 0.9), ("spin_rpm", 5200, 60, 35)])
    tornado.spike(431, "pressure_kpa", 187.25).repeat(600)
    made["bottled-tornado.ndjson"] = tornado.ndjson(cut=(432, 433, 434, 435)), tornado.facts

    hole = Series(106, "2025-06-02T22:00:00+00:00", 5, 600, [("depth_m", 3.2, 0.05, 0.04), ("rim_c", 21, 0.4, 0.25)])
    hole.gap(100, 123).gap(400, 459).spike(250, "depth_m", -40.0)
    made["folding-hole.csv"] = hole.csv(), hole.facts

    anvil = Series(107, "2025-06-02T22:30:00+00:00", 1, 800, [("descent_ms", 4.5, 0.1, 0.15), ("tension_n", 980, 10, 8)])
    for place, value in ((90, 2410.0), (260, 2388.5), (505, 2502.0), (733, 2297.75)):
        anvil.spike(place, "tension_n", value)
    anvil.repeat(30, 31, 32, 400, 401, 402)
    made["anvil-drop.csv"] = anvil.csv(quoted=((10, "descent_ms"),)), anvil.facts

    seeds = Series(108, "2025-06-02T22:05:00+00:00", 3, 700, [("hopper_g", 900, 15, 5), ("visits", 14, 0, 1.2)])
    seeds.gap(350, 389).spike(140, "hopper_g", 12.5).spike(560, "hopper_g", 8.25)
    made["seed-dispenser.ndjson"] = seeds.ndjson(cut=(222,), epoch=True), seeds.facts

    tremor = Series(109, "2025-06-02T22:25:00+00:00", 0.125, 1200, [("ax_g", 0, 0.02, 0.03), ("ay_g", 0, 0.02, 0.03), ("az_g", 1, 0.01, 0.02)])
    for place, value in ((301, 4.2), (640, -3.9), (1007, 4.65)):
        tremor.spike(place, "az_g", value)
    blank = {(i, "ax_g"): "n/a" for i in (75, 76, 77, 512, 900)}
    made["tremor-tablets.csv"] = tremor.csv(blank=blank), tremor.facts

    jet = Series(110, "2025-06-02T22:35:00+00:00", 1, 800,
                 [("tilt_deg", 4, 1, 0.8), ("fuel_lh", 66, 2, 1.4), ("speed_kmh", 71, 3, 2)])
    jet.gap(180, 209).gap(580, 614).spike(400, "tilt_deg", 170.25)
    made["jet-unicycle.csv"] = jet.csv(delimiter=";", decimal=",", cut=(77,)), jet.facts
    return made


# ---- gameplay logs --------------------------------------------------------------------------------------------------

EVENTS = ("plan", "sneak", "buy", "argue", "pratfall", "retreat")


def events(seed, start, players, sessions, per_session):
    """Rows of a night's log: sessions one after another, players taking turns at random."""
    rng, clock, rows = random.Random(seed), datetime.fromisoformat(start), []
    for session in range(1, sessions + 1):
        score = {player: 0 for player in players}
        for turn in range(per_session):
            player = players[rng.randrange(len(players))]
            score[player] += rng.randrange(1, 12)
            clock += timedelta(seconds=4)
            rows.append({"time": iso(clock), "session": f"s{session:02d}", "player": player, "turn": turn + 1,
                         "event": EVENTS[rng.randrange(len(EVENTS))], "score": score[player],
                         "reaction_ms": round(310 + noise(rng, 22), 1)})
        clock += timedelta(seconds=4)
    return rows


def gameplay():
    mice = ["Quilla", "Tolondro"]
    nights = {
        "moon-cheese.ndjson": (events(201, "2025-06-02T22:00:00+00:00", mice, 6, 60), (77,), ((140, 4200.0),)),
        "hypnotic-yoyo.csv": (events(202, "2025-06-02T22:02:00+00:00", mice + [f"moth-{i}" for i in range(1, 7)], 5, 80),
                              (200, 201), ((90, 3900.5), (311, 5100.0))),
        "paper-parliament.ndjson": (events(203, "2025-06-02T22:04:00+00:00", mice + ["Folio"], 4, 90), (), ((222, 6000.0),)),
        "clockwork-owl.csv": (events(204, "2025-06-02T22:06:00+00:00", mice + ["owl"], 7, 50), (19,), ()),
    }
    made = {}
    for name, (rows, cut, spikes) in nights.items():
        facts = {"anomalies": [], "badRows": len(cut), "rows": len(rows), "goodRows": len(rows) - len(cut),
                 "format": name.rsplit(".", 1)[1], "fields": list(rows[0]),
                 "players": len({row["player"] for row in rows}), "sessions": len({row["session"] for row in rows})}
        for place, value in spikes:
            rows[place]["reaction_ms"] = value
            facts["anomalies"].append({"field": "reaction_ms", "at": rows[place]["time"], "value": value})
        lines = [] if name.endswith("ndjson") else [",".join(rows[0])]
        for i, row in enumerate(rows):
            if name.endswith("ndjson"):
                line = json.dumps(row, separators=(",", ":"))
                line = line[:25] if i in cut else line
            else:
                line = ",".join(str(value) for value in row.values()) if i not in cut else row["time"] + ",squeak"
            lines.append(line)
        made[name] = "\n".join(lines) + "\n", facts
    return made


# ---- binary fragments -----------------------------------------------------------------------------------------------


def gzip_stored(name, data):
    """RFC 1952 around stored deflate blocks (RFC 1951, 3.2.4)."""
    out = b"\x1f\x8b\x08\x08" + struct.pack("<IBB", 0, 0, 3) + name.encode() + b"\0"
    for at in range(0, len(data), 65535):
        block = data[at : at + 65535]
        last = at + 65535 >= len(data)
        out += struct.pack("<BHH", 1 if last else 0, len(block), len(block) ^ 0xFFFF) + block
    return out + struct.pack("<II", binascii.crc32(data), len(data))


def zip_stored(files):
    """A zip of stored members, dated 1980-01-01."""
    body, directory = b"", b""
    for name, data in files:
        head = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x21, binascii.crc32(data), len(data), len(data), len(name), 0)
        directory += b"PK\x01\x02\x14\x00" + head + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name.encode()
        body += b"PK\x03\x04" + head + name.encode() + data
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def png_head():
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", 640, 480, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + ihdr + struct.pack(">I", binascii.crc32(ihdr))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 8192) + b"IDAT" + random.Random(303).randbytes(1500)


def wav_head():
    samples = b"".join(struct.pack("<h", 9000 if (i * 660 * 2 // 8000) % 2 else -9000) for i in range(2000))
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + 64000) + b"WAVE" + fmt + b"data" + struct.pack("<I", 64000) + samples


def elf_head():
    ident = b"\x7fELF\x02\x01\x01\x00" + bytes(8)
    head = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x401000, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0x1000, 0x401000, 0x401000, 3000, 3000, 0x1000)
    return (ident + head + segment).ljust(0x1000, b"\0") + b"\x90" * 3000


def sqlite_page():
    head = b"SQLite format 3\0" + struct.pack(">HBBBBBBIIIIIIIIIIII", 4096, 1, 1, 0, 64, 32, 32, 7, 1, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0)
    head = head.ljust(92, b"\0") + struct.pack(">II", 7, 3040001)
    return (head + struct.pack(">BHHHB", 13, 0, 0, 4096, 0)).ljust(4096, b"\0")


def ticker():
    rng, price, lines = random.Random(310), {"gouda": 410, "brie": 522, "manchego": 733, "oaxaca": 288}, []
    for minute in range(220):
        for cheese in price:
            price[cheese] += rng.randrange(-4, 5)
        lines.append(f"{22 + minute // 60:02d}:{minute % 60:02d} " + " ".join(f"{c.upper()} {p / 100:.2f}" for c, p in price.items()))
    return ("\n".join(lines) + "\n").encode()


def binaries():
    log = "".join(f"{h:02d}:{m:02d} all quiet, one owl missing\n" for h in range(6) for m in range(0, 60, 5)).encode()
    parts = b"spring 1\nfeathers, tin 212\neyes, amber 2\n"
    made = {
        "night-log.gz": (gzip_stored("night-log.txt", log), "application/gzip"),
        "blueprints.zip": (zip_stored([("parts.txt", parts), ("WARNING.txt", b"The spring turns one way only.\n")]), "application/zip"),
        "poster-fragment.png.part": (png_head(), "image/png"),
        "beep-beep.wav.part": (wav_head(), "audio/x-wav"),
        "gadget-firmware.elf.part": (elf_head(), "application/x-executable"),
        "dice-cup.bin": (random.Random(306).randbytes(65536), None),
        "silence.bin": (bytes(32768), None),
        "ledger.sqlite.part": (sqlite_page(), "application/vnd.sqlite3"),
        "manual.pdf.part": (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Title (Giant Magnet GM-3: switching on) >>\nendobj\n", "application/pdf"),
        "ticker-tape.txt": (ticker(), "text/plain"),
    }
    return {name: (data, {"mediaType": media} if media else {}) for name, (data, media) in made.items()}


# ---- everything -----------------------------------------------------------------------------------------------------


CATALOG = ("telemetry", "gameplay", "messages", "binary", "images", "audio", "video")
REDUCERS = ["summary", "timeline", {"name": "contact-sheet", "columns": 5, "title": "One night at Acme"},
            {"name": "playlist", "title": "Sounds and films of one night at Acme"}]


def document(value):
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def load(name):
    return json.loads((HERE / "catalog" / name).read_text(encoding="utf-8"))


def make():
    """Every file as {path below samples/: bytes}."""
    out, facts = {}, {}
    for folder, files in (("telemetry", telemetry()), ("gameplay", gameplay()), ("binary", binaries())):
        for name, (content, noted) in files.items():
            path = f"files/{folder}/{name}"
            out[path] = content if isinstance(content, bytes) else content.encode()
            facts[path] = noted
    for path, noted in json.loads((HERE / "files" / "media.json").read_text()).items():
        facts[path] = noted
    toons = [toon for name in CATALOG for toon in load(f"{name}.json")]
    out["manifest.json"] = document({
        "metadata": {"title": {"en": "One night at Acme, in data", "es": "Una noche en Acme, en datos"}, "source": "samples/"},
        "operations": json.loads((HERE / "catalog" / "operations.json").read_text()),
        "reducers": REDUCERS,
        "toons": toons,
    })
    out["wordcloud.json"] = document({
        "metadata": {"title": {"en": "Words, by a custom processor", "es": "Palabras, por un procesador propio"}},
        "toons": load("wordcloud.json"),
    })
    expected = {}
    for toon in toons:
        content = out.get(toon.get("file"), toon.get("text", "").encode())
        noted = {"type": toon["type"], **facts.get(toon.get("file"), {})}  # of media, the fingerprint is among the facts
        if content:  # a `json` toon's fingerprint is that of its canonical form
            noted.update(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        expected[toon["toonId"]] = noted
    out["expected.json"] = document({"toons": expected})
    return out


def media_differing():
    """Media files that are not what make_media.py noted."""
    index = json.loads((HERE / "files" / "media.json").read_text())
    return [path for path, noted in index.items()
            if not (HERE / path).is_file() or hashlib.sha256((HERE / path).read_bytes()).hexdigest() != noted["sha256"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    options = parser.parse_args()
    different = media_differing() if options.check else []
    for path, content in make().items():
        target = HERE / path
        if options.check:
            if not target.is_file() or target.read_bytes() != content:
                different.append(path)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for path in different:
        print(f"differs: {path}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
