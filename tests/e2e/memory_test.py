"""Memory-aware admission, seen from outside: many large images at once on a machine that is said to be small."""

import contextlib
import os
import pathlib
import re
import struct
import threading
import time
import unittest
import zlib

from harness import ServerTest, data_toon

MIB = 1 << 20
BUDGET = 1024 * MIB
# What nobody leases: the pages of our programs and libraries, kernel tables, a child between its start and its hello.
SLACK = 128 * MIB
WORKERS = 8
LARGE = 24
WIDTH, HEIGHT = 8000, 6250  # 50 megapixels
DECODED = 4 * WIDTH * HEIGHT
# Decoded whole, then cut down: the memory of a large image without the time of encoding one.
WHOLE = [{"op": "crop", "left": 100, "top": 100, "width": 320, "height": 200}]
SMALL = [{"op": "thumbnail", "width": 32, "format": "png"}]


def png(width, height):
    """Makes files of one RGBA gradient: a note in each makes it another file."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes(1) + bytes((x * 7 + c * 31) % 251 for x in range(width) for c in range(4))
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    before = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    after = chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return lambda note: before + chunk(b"tEXt", b"Comment\0" + note.encode()) + after


class Watch:
    """The largest sum of what a server's workers and executors hold, sampled in a thread."""

    def __init__(self, server):
        self.server, self.peak, self.resident = server, 0, 0
        self.stop, self.busy = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def _run(self):
        while not self.stop.wait(0.01):
            own, resident = 0, 0
            for pid in self.server.workers():
                # Of a process that hides its memory everybody may read this; own: without pages that files back.
                with contextlib.suppress(OSError, ValueError):
                    _, pages, shared = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[:3]
                    resident += int(pages)
                    own += int(pages) - int(shared)
            page = os.sysconf("SC_PAGE_SIZE")
            self.peak = max(self.peak, own * page)
            self.resident = max(self.resident, resident * page)
            if self.peak > DECODED:
                self.busy.set()  # a large image at least is in memory


def figures(api):
    """The memory figures of /metrics: {name and labels: value}."""
    text = api.get("/metrics").body.decode()
    return {name: float(value) for name, value in re.findall(r"^(ubertoons_memory\S+) (\S+)$", text, re.MULTILINE)}


class Memory(ServerTest):
    def run_large(self, budget):
        """A job of large images beside one of small toons; answers the watch and the figures at the end."""
        server = self.serve(f'memory_budget = "{budget}"\n', workers=WORKERS)
        rich, poor = server.api("rich"), server.api("poor")
        large, small = png(WIDTH, HEIGHT), png(64, 48)
        toons = [{"toonId": f"large-{i}", "type": "image", "uri": rich.upload(large(f"number {i}"), "image/png"),
                  "operations": WHOLE} for i in range(LARGE)]
        with Watch(server) as watch:
            rich.submit("large", toons)
            self.assertTrue(watch.busy.wait(60), "no large image is decoded")
            started = time.monotonic()
            poor.submit("small", [{**data_toon(f"small-{i}", "image", small(f"number {i}")), "operations": SMALL}
                                  for i in range(40)])
            self.assertEqual(poor.ended("small", 300)["status"], "Completed", poor.results("small")[:2])
            took = time.monotonic() - started
            meanwhile = rich.job("large")
            self.assertEqual(rich.ended("large", 540)["status"], "Completed", rich.results("large")[:2])
        self.assert_one_outcome_each(rich, "large", [toon["toonId"] for toon in toons])
        self.assertEqual({row["attempts"] for row in rich.results("large")}, {1})
        print(f"\nbudget {budget}: {watch.peak // MIB} MiB of their own at most, {watch.resident // MIB} MiB resident; "
              f"40 small toons took {took:.1f} s, {meanwhile['processed']} of {LARGE} large ones were done by then")
        self.assertLess(meanwhile["processed"], LARGE, "the small ones waited for all large ones")
        return watch, figures(rich)

    def test_many_large_images_stay_within_the_budget_and_small_toons_flow_meanwhile(self):
        watch, found = self.run_large("1GiB")
        print({name: round(value, 2) for name, value in found.items()})
        self.assertEqual(found["ubertoons_memory_budget_bytes"], BUDGET)
        self.assertGreater(found["ubertoons_memory_waits_total"], 0, "nobody had to wait: the test shows nothing")
        self.assertEqual(found["ubertoons_memory_waiting"], 0)
        self.assertLessEqual(watch.peak, BUDGET + SLACK)

    @unittest.skipIf(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 4 << 30, "needs 4 GiB to waste")
    def test_without_the_budget_the_same_job_exceeds_it(self):
        watch, found = self.run_large("off")
        self.assertEqual(found, {})
        self.assertGreater(watch.peak, BUDGET + SLACK)

    def test_a_header_beyond_executor_and_budget_is_refused_and_one_within_the_executor_runs_alone(self):
        server = self.serve('memory_budget = "64MiB"\n[limits]\nmax_executor_memory = "160MiB"\n', workers=2)
        api = server.api()
        middle = [{"toonId": f"m{i}", "type": "image", "uri": api.upload(png(4000, 4000)(f"m{i}"), "image/png"),
                   "operations": WHOLE} for i in range(4)]
        huge = {"toonId": "huge", "type": "image", "uri": api.upload(png(WIDTH, HEIGHT)("huge"), "image/png"),
                "operations": WHOLE}
        api.submit("both", [*middle, huge], tolerance={"failedCount": 1})
        api.ended("both", 300)
        rows = api.results("both")
        self.assertEqual([row["state"] for row in rows], ["Succeeded"] * 4 + ["Failed"], rows)
        self.assertEqual((rows[-1]["error"]["code"], rows[-1]["attempts"]), ("memory-limit", 1))
        self.assertIn("memory budget", rows[-1]["error"]["message"])


if __name__ == "__main__":
    unittest.main()
