"""Photos to thumbnails: Ubertoons beside BullMQ with sharp and beside a loop of libvips alone, and whether they made the same."""

import json
import statistics
import sys

import bullmq_side
import celery_side
import report
import ubertoons_side
import vips_side

WARM_PHOTOS = 32  # done by every system before its clock starts
STAGE_PHOTOS = 100  # enough for a mean of each stage
OURS = "Ubertoons (isolated, synced)"
BARE = "bare libvips loop"
TARGET = 0.95  # times the bare loop: isolation, syncs, the queue and what is described of each photo may cost a twentieth

# How far outputs may be from the bare loop's: mean difference of samples, of 255, over all images and of the worst one,
# and relative difference in bytes. Ubertoons and the loop use the same libvips; sharp brings another one, with another
# JPEG decoder and another WebP encoder.
SAME = {"mean": 0, "worst": 0, "bytes": 0}
ALIKE = {"mean": 3.0, "worst": 4.0, "bytes": 0.1}
# Pillow's resampling is another one too (bicubic).
PILLOW = {"mean": 3.0, "worst": 4.5, "bytes": 0.12}


def listings(folder, files, warm, out):
    """Two files for a producer: what is timed, then what runs before. A line names a photo and where its thumbnail goes."""
    aside = folder / "warm"
    aside.mkdir()
    made = []
    for photos, place in ((files, out), (warm, aside)):
        made.append(folder / f"{len(made)}.ndjson")
        made[-1].write_text("".join(json.dumps({"file": str(photo), "out": str(place)}) + "\n" for photo in photos))
    return made


class PillowSide(celery_side.Celery):
    def __init__(self, scratch, options):
        super().__init__(scratch / "celery", options.workers, "photo")

    def images(self, files, warm, out):
        """Seconds from the first task sent until all results are stored; the outputs are in `out`."""
        return self.throughput(*listings(self.folder, files, warm, out))


class SharpSide(bullmq_side.BullMq):
    def __init__(self, scratch, options, fast_shrink):
        super().__init__(scratch / "bullmq", "everysec", options.workers, "image_worker.mjs",
                         ("--concurrency", options.image_concurrency, "--fast-shrink", fast_shrink))

    def images(self, files, warm, out):
        """Seconds from the first add until every job is completed; the outputs are in `out`."""
        return self.throughput(*listings(self.folder, files, warm, out))


def sides(options, scratch):
    """{name: (function that makes a fresh system, how close its output must be)}, in the order of each round."""
    made = {OURS: (lambda: ubertoons_side.Ubertoons(scratch / "ubertoons", options.own_workers), SAME)}
    if not options.alone:
        made["BullMQ + sharp, as it comes"] = (lambda: SharpSide(scratch, options, 1), ALIKE)
        made["BullMQ + sharp, fastShrinkOnLoad off"] = (lambda: SharpSide(scratch, options, 0), ALIKE)
        made["Celery + Pillow"] = (lambda: PillowSide(scratch, options), PILLOW)
    made[BARE] = (lambda: vips_side.VipsLoop(options.workers), SAME)
    return made


def measure(options, made, folders, photos):
    """{name: [seconds]}; what each made last is in its folder. They take turns, so that a slow minute hits all of them."""
    files, warm = photos[:options.images], photos[options.images:]
    found = {name: [] for name in made}
    for turn in range(options.runs):
        for name, (make, _) in made.items():
            for old in folders[name].iterdir():
                old.unlink()
            with make() as system:
                found[name].append(system.images(files, warm, folders[name]))
            print(f"round {turn + 1}: {name}: {options.images / found[name][-1]:,.1f} images/s", file=sys.stderr, flush=True)
    return found


def judge(made, folders, count):
    """{name: (what it says in the table, whether its outputs are close enough to the bare loop's)}."""
    verdicts = {}
    for name, (_, wanted) in made.items():
        seen = vips_side.compare(folders[BARE], folders[name])
        size = seen["otherBytes"] / seen["bytes"] - 1 if seen["bytes"] else 0
        whole = seen["images"] == count and seen["missing"] == 0
        close = whole and seen["mean"] <= wanted["mean"] and seen["worst"] <= wanted["worst"] and abs(size) <= wanted["bytes"]
        words = "identical" if seen["identical"] == count else f"differ by {seen['mean']:.2f} of 255 (worst image {seen['worst']:.2f}), {size:+.1%} bytes"
        if seen["missing"]:
            words += f"; {seen['missing']} missing"
        verdicts[name] = (words, close)
    return verdicts


def rows_of(found, verdicts, count):
    rows = [("", "images/s (median)", "of all runs", "times the bare loop", "Ubertoons is faster", "outputs beside the bare loop's")]
    for name, seconds in found.items():
        rates = [count / one for one in seconds]
        rows.append((name, f"{statistics.median(rates):,.1f}", report.spread(rates, ",.1f"),
                     "" if name == BARE else report.ratio(seconds, found[BARE]),
                     "" if name in (OURS, BARE) else report.ratio(found[OURS], seconds) + " x", verdicts[name][0]))
    return rows


def against_target(found):
    """How far we are from the machine's limit; shown, not judged: a busy machine moves it."""
    seen = statistics.median(report.ratios(found[OURS], found[BARE]))
    return f"{OURS}: {seen:.3f} times the bare loop (median of the rounds' ratios); the target is {TARGET} or more: {'met' if seen >= TARGET else 'missed'}"


def throughput(options, scratch):
    """(the report, whether all outputs are as they should be)"""
    made = sides(options, scratch)
    folders = {name: scratch / f"thumbnails-{number}" for number, name in enumerate(made)}
    for folder in folders.values():
        folder.mkdir()
    photos = vips_side.photos(options.images + WARM_PHOTOS, options.workers)
    found = measure(options, made, folders, photos)
    verdicts = judge(made, folders, options.images)
    stages = ", ".join(f"{name} {spent:.2f}" for name, spent in vips_side.stages(photos[:STAGE_PHOTOS]).items())
    kilobytes = sum(photo.stat().st_size for photo in photos) / len(photos) / 1000
    text = (f"{options.images:,} photos of 1280 x 960 pixels ({kilobytes:.0f} kB of JPEG) to WebP of 256 pixels, quality 80, effort 4, and SHA-256\n"
            f"{report.table(rows_of(found, verdicts, options.images))}\n"
            f"{against_target(found)}\n"
            f"CPU time of one photo in the bare loop, in ms: {stages}")
    return text, all(close for _, close in verdicts.values())
