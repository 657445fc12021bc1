"""What an operator can do about data: `check` finds every kind of damage, and a server never serves it as if it were whole."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import PROGRAM, Server, ServerTest, data_toon, message, sha256, until  # noqa: E402

SOUND, DAMAGED, IN_USE, USAGE = 0, 6, 4, 2
EMIT = {"message": [{"op": "emit"}]}
PATHS = ("/jobs/many", "/jobs/mixed", "/jobs", "/results?jobId=many&pageSize=1000", "/results?jobId=mixed")


def check(data, *flags):
    done = subprocess.run([PROGRAM, "check", "--data", data, "--json", *flags], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    return done.returncode, json.loads(done.stdout) if done.stdout else {"problems": []}, done.stderr


def flip(path, at, count=1):
    with open(path, "r+b") as file:
        file.seek(at if at >= 0 else os.path.getsize(path) + at)
        old = file.read(count)
        file.seek(-len(old), os.SEEK_CUR)
        file.write(bytes(byte ^ 0x5A for byte in old))


def cut(path, share=0.5):
    os.truncate(path, int(os.path.getsize(path) * share))


def files(data, pattern):
    found = sorted(pathlib.Path(data).glob(pattern))
    if not found:
        raise AssertionError(f"no {pattern} in {data}")
    return found


class DamageTest(ServerTest):
    """One folder with jobs of every kind, made once: `stopped` has a log of synced commits, `tables` has table files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = pathlib.Path(tempfile.mkdtemp(prefix="ubertoons-damage."))
        cls.addClassCleanup(shutil.rmtree, cls.whole, ignore_errors=True)
        server = Server(cls.whole, workers=1)
        try:
            cls.fill(server.start())
            server.kill()
            shutil.copytree(server.data, cls.whole / "logs")
            server.start()  # what is replayed goes into tables
            server.kill()
            shutil.copytree(server.data, cls.whole / "tables")
        finally:
            server.kill()

    @classmethod
    def fill(cls, server):
        api = server.api()
        api.submit("many", [message(f"m{n}", {"n": n, "pad": "x" * 200}) for n in range(300)], operations=EMIT)
        api.submit("mixed", [data_toon("b", "binary", b"\0\1binary" * 50), data_toon("bad", "telemetry", b""),
                             {"toonId": "u", "type": "binary", "uri": api.upload(b"uploaded bytes" * 100)}])
        many, mixed = api.ended("many"), api.ended("mixed")
        assert (many["status"], mixed["status"]) == ("Completed", "Failed"), (many, mixed)
        api.post("/jobs/mixed/retry", expect=202)
        api.ended("mixed")
        cls.answers = {path: api.call("GET", path).json() for path in PATHS}
        cls.artifact = api.results("many")[7]["artifacts"][0]["sha256"]

    def copy(self, kind):
        data = self.folder / "data"
        shutil.copytree(self.whole / kind, data)
        return data

    def kinds(self, data, *flags):
        code, report, error = check(data, *flags)
        self.assertEqual(code, DAMAGED if report["problems"] else SOUND, (report, error))
        for problem in report["problems"]:
            self.assertTrue(problem["what"] and problem["remedy"], problem)
        return {problem["kind"] for problem in report["problems"]}

    def start(self):
        server = Server(self.folder, workers=1)
        self.addCleanup(server.kill)
        return server.start()

    def assert_refuses(self, *words, code=DAMAGED):
        with self.assertRaises(AssertionError) as caught:
            self.start()
        text = str(caught.exception)
        self.assertIn(f"the server ended with {code}", text)
        for word in words:
            self.assertIn(word, text)


class Check(DamageTest):
    def test_a_sound_folder_is_sound_and_everything_in_it_is_counted(self):
        for kind in ("logs", "tables"):
            before = {path: path.stat().st_mtime_ns for path in (self.whole / kind).rglob("*") if path.name != "LOCK"}
            code, report, _ = check(self.whole / kind)
            self.assertEqual((code, report["problems"]), (SOUND, []))
            counts = report["checked"]
            self.assertEqual((counts["jobs"], counts["outcomes"], counts["manifests"]), (2, 304, 2))
            self.assertGreater(counts["bytes hashed"], 60_000)
            self.assertEqual(report["orphanBlobs"], 0)
            after = {path: path.stat().st_mtime_ns for path in (self.whole / kind).rglob("*") if path.name != "LOCK"}
            self.assertEqual(after, before)
        code, report, _ = check(self.whole / "tables", "--fast")
        self.assertEqual((code, report["hashed"]), (SOUND, False))
        self.assertNotIn("bytes hashed", report["checked"])

    def test_it_refuses_while_a_server_holds_the_folder(self):
        self.copy("tables")
        server = self.start()
        code, _, error = check(server.data)
        self.assertEqual(code, IN_USE)
        self.assertIn("in use by another process", error)

    def test_what_is_no_data_folder_is_wrong_usage(self):
        code, _, error = check(self.folder / "nothing")
        self.assertEqual(code, USAGE)
        self.assertIn("this is no data folder", error)

    def test_blobs_that_nothing_names_are_no_damage(self):
        data = self.copy("tables")
        orphan = sha256(b"orphan")
        folder = files(data, "blobs/t/*")[0] / "c" / orphan[:2]
        folder.mkdir(exist_ok=True)
        (folder / orphan).write_bytes(b"not what the name says")
        code, report, _ = check(data)
        self.assertEqual((code, report["orphanBlobs"], report["orphanBytes"]), (SOUND, 1, 22))


class Blobs(DamageTest):
    def blob(self, data):
        return files(data, f"blobs/t/*/c/{self.artifact[:2]}/{self.artifact}")[0]

    def test_an_altered_artifact_is_found_and_never_served(self):
        data = self.copy("tables")
        flip(self.blob(data), 5)
        self.assertEqual(self.kinds(data), {"blob-altered"})
        self.assertEqual(self.kinds(data, "--fast"), set())
        answer = self.start().api().call("GET", f"/artifacts/{self.artifact}")
        self.assertEqual((answer.status, answer.json()["type"].rsplit("/", 1)[1]), (500, "corrupt-data"))

    def test_a_shorter_artifact_is_found_and_never_served(self):
        data = self.copy("tables")
        cut(self.blob(data))
        self.assertIn("artifact-altered", self.kinds(data, "--fast"))
        self.assertEqual(self.start().api().call("GET", f"/artifacts/{self.artifact}").status, 500)

    def test_a_missing_artifact_is_found_and_says_so(self):
        data = self.copy("tables")
        self.blob(data).unlink()
        self.assertEqual(self.kinds(data), {"artifact-missing"})
        self.assertIn(self.start().api().call("GET", f"/artifacts/{self.artifact}").status, (404, 500))

    def test_a_manifest_that_is_missing_shorter_or_altered(self):
        for harm, kind in ((pathlib.Path.unlink, "manifest-missing"), (cut, "manifest-altered"),
                           (lambda path: flip(path, 40), "manifest-altered")):
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            data = self.copy("tables")
            harm(files(data, "blobs/t/*/m/*")[0])
            self.assertEqual(self.kinds(data), {kind})

    def test_an_upload_that_is_missing_or_altered(self):
        upload = sha256(b"uploaded bytes" * 100)
        data = self.copy("tables")
        blob = files(data, f"blobs/t/*/c/{upload[:2]}/{upload}")[0]
        flip(blob, 0)
        self.assertEqual(self.kinds(data), {"blob-altered"})
        blob.unlink()
        self.assertEqual(self.kinds(data), {"upload-missing"})


class Database(DamageTest):
    def test_a_flipped_byte_in_any_table_is_found_and_never_served(self):
        for index, table in enumerate(files(self.whole / "tables", "db/*.sst")):
            for at in (100, -400, -6):
                shutil.rmtree(self.folder / "data", ignore_errors=True)
                data = self.copy("tables")
                flip(files(data, "db/*.sst")[index], at)
                self.assertTrue(self.kinds(data) & {"table-damaged", "database-unreadable"}, (table.name, at))
                self.assert_nothing_wrong_is_served()

    def assert_nothing_wrong_is_served(self):
        """The server refuses to start, or answers what it can read, and everything else with an error."""
        try:
            server = self.start()
        except AssertionError as error:
            self.assertRegex(str(error), r"ended with 6:[\s\S]*ubertoons check")
            return
        api = server.api()
        for path in PATHS:
            answer = api.call("GET", path)
            self.assertIn(answer.status, (200, 500), path)
            if answer.status == 200:
                self.assertEqual(answer.json(), self.answers[path], path)
        server.kill()

    def test_a_table_that_is_shorter_or_missing_refuses_a_start(self):
        for harm in (cut, pathlib.Path.unlink):
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            data = self.copy("tables")
            harm(files(data, "db/*.sst")[-1])
            self.assertTrue(self.kinds(data) & {"table-damaged", "database-unreadable"})
            self.assert_refuses("ubertoons check", "docs/runbook.md")

    def test_a_missing_current_never_becomes_a_new_database(self):
        for kind in ("tables", "logs"):
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            data = self.copy(kind)
            (data / "db" / "CURRENT").unlink()
            before = sorted(path.name for path in (data / "db").iterdir())
            self.assertEqual(self.kinds(data), {"database-unreadable"})
            self.assert_refuses("CURRENT is missing")
            self.assertEqual(sorted(path.name for path in (data / "db").iterdir()), before)

    def test_a_database_that_is_gone_never_becomes_a_new_one_under_blobs(self):
        data = self.copy("tables")
        shutil.rmtree(data / "db")
        self.assert_refuses("database is gone")
        self.assertTrue(files(data, "blobs/t/*/m/*"))

    def test_a_damaged_manifest_of_the_database_refuses_a_start(self):
        for harm in (lambda path: flip(path, 20, 8), lambda path: cut(path, 0.3), pathlib.Path.unlink):
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            data = self.copy("tables")
            harm(files(data, "db/MANIFEST-*")[0])
            self.assertIn("database-unreadable", self.kinds(data))
            self.assert_refuses("ubertoons check")

    def test_damage_in_the_middle_of_a_synced_log_refuses_a_start(self):
        size = os.path.getsize(max(files(self.whole / "logs", "db/*.log"), key=os.path.getsize))
        for at in range(0, size // 2, max(1, size // 14)):
            for count in (1, 64):
                shutil.rmtree(self.folder / "data", ignore_errors=True)
                data = self.copy("logs")
                flip(max(files(data, "db/*.log"), key=os.path.getsize), at, count)
                self.assertEqual(self.kinds(data), {"database-unreadable"}, at)
                self.assert_refuses("ubertoons check")

    def test_a_length_that_pretends_the_log_ends_there_drops_nothing_silently(self):
        data = self.copy("logs")
        log = max(files(data, "db/*.log"), key=os.path.getsize)
        with open(log, "r+b") as file:
            file.seek(0)
            head = file.read(7)
            file.seek(4)
            file.write(b"\xff\x7f")
        self.assertNotEqual(head[4:6], b"\xff\x7f")
        self.assertEqual(self.kinds(data), {"database-unreadable"})
        self.assert_refuses("damaged before its end")


class Places(DamageTest):
    def test_a_second_server_says_who_holds_the_folder(self):
        self.copy("tables")
        first = self.start()
        done = subprocess.run([PROGRAM, "serve", "--data", first.data, "--listen", "127.0.0.1:0"], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(done.returncode, IN_USE)
        self.assertIn(f"{first.data}/db is in use by another process", done.stderr)
        self.assertEqual(first.api().job("many")["status"], "Completed")

    @unittest.skipUnless(os.geteuid() == 0, "only root can run a server as somebody else")
    def test_a_folder_of_another_user_is_a_clear_message(self):
        self.folder.chmod(0o755)
        for mode in (0o700, 0o755):
            data = self.folder / "data"
            data.mkdir(mode, exist_ok=True)
            data.chmod(mode)
            try:
                done = subprocess.run([PROGRAM, "serve", "--data", data, "--listen", "127.0.0.1:0"], text=True, cwd="/",
                                      capture_output=True, stdin=subprocess.DEVNULL, timeout=60, user=65534,
                                      group=65534, extra_groups=[])
            except PermissionError:
                self.skipTest(f"{PROGRAM} is for root alone")
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertRegex(done.stderr, "(?s)(not permitted|denied).*must belong to the user that serves")


class Disks(DamageTest):
    """A file system of their own. On a failing one, tests/crash."""

    def mount(self):
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "none", self.disk], capture_output=True)
        if done.returncode != 0:
            self.skipTest("a file system can be mounted by root alone")
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)
        return self.disk / "data"

    def test_on_a_read_only_disk_there_are_checks_and_backups_and_no_server(self):
        data = self.mount()
        shutil.copytree(self.whole / "logs", data)
        subprocess.run(["mount", "-o", "remount,ro", self.disk], check=True)
        self.assertEqual(self.kinds(data), set())
        done = subprocess.run([PROGRAM, "serve", "--data", data, "--listen", "127.0.0.1:0"], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "(?s)Read-only file system.*Mount it writable")
        done = subprocess.run([PROGRAM, "backup", "--data", data, "--to", self.folder / "saved"], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.kinds(self.folder / "saved"), set())

    def test_a_disk_that_fills_up_refuses_and_goes_on_when_there_is_space(self):
        server = Server(self.folder, workers=1)
        server.data = self.mount()
        self.addCleanup(server.kill)
        api = server.start().api()
        api.submit("before", [message("m", {})], operations=EMIT)
        api.ended("before")
        filler = self.disk / "filler"
        with self.assertRaises(OSError), open(filler, "wb", buffering=0) as file:
            while file.write(bytes(1 << 20)):
                pass
        accepted = []

        def submit():
            name = f"j{len(accepted)}"
            toons = [message(f"t{n}", {"n": n, "pad": "x" * 10_000}) for n in range(200)]
            answer = api.call("POST", "/submit-job", {"jobId": name, "toons": toons, "operations": EMIT})
            if answer.status == 202:
                accepted.append(name)
            return answer

        refused = until("a refusal", lambda: [answer for answer in [submit()] if answer.status != 202])[0]
        self.assertEqual(refused.status, 503, refused.body)
        self.assertIsNone(server.process.poll())
        self.assertEqual(api.job("before")["status"], "Completed")
        filler.unlink()
        until("an answer of 202 once there is space", lambda: submit().status == 202)
        for name in accepted:
            self.assertEqual(api.ended(name)["status"], "Completed")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.kinds(server.data), set())


if __name__ == "__main__":
    unittest.main()
