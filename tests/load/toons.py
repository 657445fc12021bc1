"""Small toons of every type, cut from samples/, and jobs made of them."""

import base64
import pathlib

from ledger import Job, encode

FILES = pathlib.Path(__file__).resolve().parent.parent.parent / "samples" / "files"
TABLE_BYTES = 4000
OPERATIONS = {"telemetry": [{"op": "clean"}, {"op": "stats"}], "gameplay": [{"op": "stats"}], "binary": [{"op": "strings", "min": 6}],
              "image": [{"op": "thumbnail", "width": 64, "format": "webp"}]}
# Type: how often, and which files. Sounds and films cost whole seconds of CPU, so they are rare.
KINDS = {"message": (50, ()),
         "telemetry": (18, ("telemetry/anvil-drop.csv", "telemetry/folding-hole.csv", "telemetry/seed-dispenser.ndjson")),
         "gameplay": (10, ("gameplay/clockwork-owl.csv", "gameplay/moon-cheese.ndjson")),
         "binary": (12, ("binary/blueprints.zip", "binary/night-log.gz", "binary/poster-fragment.png.part", "binary/ticker-tape.txt")),
         "image": (9, ("image/pixel-parade.gif", "image/lab-map.png", "image/cheese-chart.png")),
         "audio": (1, ("audio/canyon-radio.ogg",))}


def _load():
    """{type: its bytes in base64}; tables are cut after a whole line, so that toons stay small."""
    found = {}
    for kind, (_, names) in KINDS.items():
        found[kind] = []
        for name in names:
            data = (FILES / name).read_bytes()
            if kind in ("telemetry", "gameplay"):
                data = data[:TABLE_BYTES]
                data = data[:data.rindex(b"\n") + 1]
            found[kind].append(base64.b64encode(data).decode())
    return found


BYTES = _load()


def any_toon(rng, toon_id):
    kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    if kind == "message":
        return {"toonId": toon_id, "type": kind, "json": {"n": rng.randrange(1 << 40), "gadget": f"unit-{rng.randrange(1000)}", "ok": True}}
    return {"toonId": toon_id, "type": kind, "data": rng.choice(BYTES[kind])}


def failing_toon(toon_id):
    return {"toonId": toon_id, "type": "image", "data": base64.b64encode(b"this is no picture").decode()}


def messages(count, prefix="m"):
    return [{"toonId": f"{prefix}{n:07d}", "type": "message", "json": {"seq": n, "kind": "reading"}} for n in range(count)]


def job_of(tenant, job_id, toons, failing=0, **more):
    document = {"toons": toons, **more}
    headers = {}
    if job_id.startswith("key-"):  # named by the header instead
        headers["Idempotency-Key"] = job_id
    else:
        document["jobId"] = job_id
    return Job(tenant, encode(document), headers, [toon["toonId"] for toon in toons], failing)


def small_job(tenant, number, rng):
    """One to ten toons of mixed types; one job in eight has toons that fail."""
    toons = [any_toon(rng, f"t{n}") for n in range(rng.randint(1, 10))]
    failing = rng.choice((1, 2)) if rng.random() < 0.125 else 0
    toons += [failing_toon(f"bad{n}") for n in range(failing)]
    more = {"operations": OPERATIONS}
    if rng.random() < 0.3:
        more["reducers"] = ["summary"]
    if failing and rng.random() < 0.5:
        more["tolerance"] = {"failedPercent": 100}
    name = f"{'key' if rng.random() < 0.1 else 'job'}-{number}"
    return job_of(tenant, name, toons, failing, **more)


def manifest(toons):
    return b"".join(encode(toon) + b"\n" for toon in toons)
