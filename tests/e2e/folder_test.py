"""Folders that do not serve: `check` says so, and `backup` makes no whole backup of a part."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import PROGRAM, Server, ServerTest, message  # noqa: E402

EMIT = {"message": [{"op": "emit"}]}


def run(*words, **more):
    return subprocess.run([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=120, **({"stdout": subprocess.PIPE} | more))


class Folder(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-folder."))
        cls.addClassCleanup(shutil.rmtree, cls.whole, ignore_errors=True)
        server = Server(cls.whole, workers=1)
        try:
            api = server.start().api()
            api.submit("one", [message(f"a{n}", {"n": n}) for n in range(20)], operations=EMIT)
            api.ended("one")
        finally:
            server.kill()

    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        shutil.copytree(self.whole / "data", self.data)

    def kinds(self):
        done = run("check", "--data", self.data, "--json")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 6 if report["problems"] else 0)
        self.assertEqual(report["problemCount"], len(report["problems"]))
        return [problem["kind"] for problem in report["problems"]]

    def assert_no_backup(self, code, words):
        done = run("backup", "--data", self.data, "--to", self.folder / "backup")
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertFalse((self.folder / "backup" / "BACKUP.json").exists())

    def test_half_a_restore_is_no_source_of_a_backup_and_no_sound_folder(self):
        self.assertEqual(self.kinds(), [])
        (self.data / "RESTORING").write_text("")
        self.assertEqual(self.kinds(), ["restore-unfinished"])
        self.assert_no_backup(2, "did not end")

    def test_a_database_without_current_is_no_source_of_a_backup(self):
        (self.data / "db" / "CURRENT").unlink()
        self.assert_no_backup(6, "CURRENT is missing")

    def test_keys_that_do_not_serve_are_told_and_none_are_made(self):
        def shorten(path, size):
            with open(path, "r+b") as file:
                file.truncate(size)

        key, secret = self.data / "keys" / "issuer-key.pem", self.data / "keys" / "url-secret"
        for harm, kind in ((lambda: shorten(key, 100), "key-damaged"), (lambda: shorten(secret, 0), "key-damaged"),
                           (lambda: key.chmod(0o644), "key-damaged"), (key.unlink, "key-missing"),
                           (secret.unlink, "key-missing"), (lambda: shutil.rmtree(key.parent), "key-missing")):
            shutil.rmtree(self.data)
            shutil.copytree(self.whole / "data", self.data)
            harm()
            before = sorted(self.data.rglob("*"))
            self.assertEqual(self.kinds(), [kind])
            self.assertEqual(sorted(self.data.rglob("*")), before)

    def test_a_report_that_cannot_be_written_is_no_damage(self):
        for flags in ((), ("--json",)):
            with open("/dev/full", "w") as full:
                done = run("check", "--data", self.data, *flags, stdout=full)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("report cannot be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
