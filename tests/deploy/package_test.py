"""The packages for AWS Lambda, unpacked into a folder tree that holds nothing else: their `bootstrap` serves there as a worker."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e")]
import harness  # noqa: E402

FILES = ROOT / "samples" / "files"
SECONDS = 400
# Within a mount namespace of its own, so that /proc is there as on Lambda and nobody else sees it.
ENTER = """#!/bin/sh
exec unshare --mount {options} sh -c 'mount --rbind /proc "$0/proc" && exec chroot "$0" /var/task/bootstrap "$@"' {root} "$@"
"""


def pack(out, *names):
    only = [part for name in names for part in ("--only", name)]
    command = [sys.executable, ROOT / "tools" / "package.py", "--programs", harness.BIN, "--out", out, *only]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout


class Packages(harness.ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch = tempfile.TemporaryDirectory(prefix="ubertoons-packages.")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.out = pathlib.Path(cls.scratch.name)
        cls.printed = pack(cls.out)

    def unpack(self, name):
        """A tree with /var/task, /proc, /tmp and the test's own folder under its usual name."""
        root = self.folder / "root"
        task = root / "var" / "task"
        task.mkdir(parents=True)
        for path in ("proc", "tmp", "dev"):
            (root / path).mkdir()
        (root / "dev" / "null").write_bytes(b"")
        subprocess.run(["unzip", "-q", self.out / f"{name}.zip", "-d", task], check=True, timeout=SECONDS)
        # The server gives its workers paths outside; in there the same path leads to the tree itself.
        inside = root / str(root).lstrip("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.symlink_to("/")
        return root

    def serve_with(self, name):
        root = self.unpack(name)
        worker = self.folder / "worker"
        worker.write_text(ENTER.format(options="" if os.geteuid() == 0 else "--map-root-user", root=root))
        worker.chmod(0o755)
        server = harness.Server(self.folder, "", ["--worker-command", str(worker)], workers=1)
        server.data = root / "data"
        self.addCleanup(server.kill)
        self.addCleanup(self._show_log, server)
        return server.start()

    def run_samples(self, name, kind, pattern):
        api = self.serve_with(name).api()
        files = sorted(FILES.rglob(pattern))[:3]
        self.assertTrue(files, pattern)
        toons = [{"toonId": f"t{i}", "type": kind, "uri": api.upload(file.read_bytes())} for i, file in enumerate(files)]
        api.submit("JOB", toons)
        api.ended("JOB")
        rows = api.results("JOB")
        self.assertEqual([(row["state"], row.get("error")) for row in rows], [("Succeeded", None)] * len(files))
        return rows, files

    def test_the_data_worker_serves_with_nothing_around_it(self):
        rows, files = self.run_samples("data-worker", "telemetry", "*.csv")
        self.assertEqual(rows[0]["fingerprint"]["sha256"], hashlib.sha256(files[0].read_bytes()).hexdigest())
        self.assertGreater(rows[0]["result"]["rows"], 10)

    def test_it_brings_its_own_database_of_file_types(self):
        rows, _ = self.run_samples("data-worker", "binary", "*.png")
        self.assertEqual(rows[0]["result"]["mime"], "image/png")

    def test_the_image_worker_decodes_in_its_executor(self):
        rows, _ = self.run_samples("image-worker", "image", "*.jpg")
        self.assertGreater(rows[0]["result"]["width"], 10)

    def test_the_media_worker_decodes_in_its_executor(self):
        rows, _ = self.run_samples("media-worker", "audio", "*.mp3")
        self.assertGreater(rows[0]["result"]["durationMs"], 100)

    def test_each_worker_carries_its_own_executor_only(self):
        for name, own in (("data-worker", set()), ("image-worker", {"ubertoons-exec-image"}), ("media-worker", {"ubertoons-exec-media"})):
            with zipfile.ZipFile(self.out / f"{name}.zip") as archive:
                self.assertEqual({n for n in archive.namelist() if n.startswith("ubertoons-exec")}, own)
                self.assertIsNone(archive.testzip())
                self.assertEqual(archive.getinfo("bootstrap").external_attr >> 16 & 0o777, 0o755)
                self.assertNotIn("librocksdb", " ".join(archive.namelist()))

    def test_the_bill_lists_the_debian_packages_within(self):
        bill = json.loads((self.out / "image-worker.cdx.json").read_text())
        names = {component["name"] for component in bill["components"]}
        self.assertLessEqual({"libc6", "libvips42", "libjpeg62-turbo"}, names)
        digest = hashlib.sha256((self.out / "image-worker.zip").read_bytes()).hexdigest()
        self.assertEqual(bill["metadata"]["component"]["hashes"][0]["content"], digest)

    def test_the_same_programs_make_the_same_package(self):
        before = (self.out / "data-worker.zip").read_bytes()
        again = self.folder / "again"
        again.mkdir()
        pack(again, "data-worker")
        self.assertEqual(hashlib.sha256((again / "data-worker.zip").read_bytes()).digest(), hashlib.sha256(before).digest())


if __name__ == "__main__":
    unittest.main()
