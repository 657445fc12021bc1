"""Copies of a data folder made while its server works: whole, or never taken for one."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import PROGRAM, Api, Server, ServerTest, message, until  # noqa: E402

EMIT = {"message": [{"op": "emit"}]}


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=120)


def toons(name, count):
    return [message(f"{name}{n}", {"of": name, "n": n}) for n in range(count)]


class Backup(ServerTest):
    def backup(self, server, name, *flags, code=0):
        done = run("backup", "--data", server.data, "--to", self.folder / name, *flags)
        self.assertEqual(done.returncode, code, done.stderr)
        return self.folder / name, done

    def assert_sound(self, data):
        done = run("check", "--data", data, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["problems"]), (0, []))
        return json.loads(done.stdout)

    def restore(self, backup, name):
        """A server of its own over what the backup holds."""
        folder = self.folder / name
        folder.mkdir()
        done = run("restore", "--from", backup, "--data", folder / "data")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = self.assert_sound(folder / "data")
        server = Server(folder, workers=2)
        self.addCleanup(server.kill)
        return server.start(), report

    def test_a_backup_under_work_is_whole_and_the_restored_server_goes_on(self):
        server = self.serve(workers=1)
        api = server.api()
        api.submit("before", toons("a", 200), operations=EMIT)
        before = api.ended("before")
        api.submit("during", toons("b", 3000), operations=EMIT, chunking="per-toon")
        begun = until("the job's first outcomes", lambda: api.job("during")["processed"])
        backup, _ = self.backup(server, "first")
        self.assertGreater(api.job("during")["processed"], begun, "the server was to work meanwhile")
        report = self.assert_sound(backup)
        self.assertEqual(report["checked"]["unfinished jobs"], 1, "the picture was to be of a job that runs")
        self.assertEqual(list((server.data / "pictures").iterdir()), [])
        other, _ = self.restore(backup, "restored")
        again = Api(other.url, api.token)  # the keys are the same, so are the tokens
        self.assertEqual(again.job("before"), before)
        again.ended("during")
        self.assert_one_outcome_each(again, "during", [f"b{n}" for n in range(3000)])
        self.assert_artifacts_whole(again, [row["artifacts"][0] for row in again.results("during")[::300]])
        api.ended("during")
        self.assert_one_outcome_each(api, "during", [f"b{n}" for n in range(3000)])

    def test_a_second_backup_shares_what_did_not_change(self):
        server = self.serve(workers=1)
        api = server.api()
        api.submit("one", toons("a", 100), operations=EMIT)
        api.ended("one")
        first, _ = self.backup(server, "first")
        api.submit("two", toons("b", 10), operations=EMIT)
        api.ended("two")
        second, _ = self.backup(server, "second", "--base", first)
        marker = json.loads((second / "BACKUP.json").read_text())
        self.assertGreaterEqual(marker["linked"], 100)
        self.assertGreaterEqual(marker["files"] - marker["linked"], 10)
        for folder in (first, second):
            self.assert_sound(folder)
        shutil.rmtree(first)
        self.assertEqual(self.assert_sound(second)["checked"]["jobs"], 2)

    def test_a_backup_of_a_stopped_server_needs_none(self):
        server = self.serve(workers=1)
        api = server.api()
        api.submit("one", toons("a", 20), operations=EMIT)
        api.ended("one")
        server.kill()
        backup, _ = self.backup(server, "first")
        self.assertEqual(self.assert_sound(backup)["checked"]["outcomes"], 20)

    def test_what_was_interrupted_is_never_taken_for_a_backup(self):
        server = self.serve(workers=1)
        api = server.api()
        api.submit("one", toons("a", 2000), operations=EMIT)
        api.ended("one")
        target = self.folder / "cut"
        process = subprocess.Popen([PROGRAM, "backup", "--data", server.data, "--to", target],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("the first blobs of the backup", lambda: list(target.glob("blobs/t/*/c/*")), pause=0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertFalse((target / "BACKUP.json").exists())
        done = run("restore", "--from", target, "--data", self.folder / "restored")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is no finished backup", done.stderr)
        self.assertEqual(run("backup", "--data", server.data, "--to", target).returncode, 2, "a half one is not gone over")
        done = run("backup", "--data", server.data, "--to", self.folder / "second", "--base", target)
        self.assertEqual(done.returncode, 2)
        third, _ = self.backup(server, "third")  # which waits for nothing that the dead one began
        self.assert_sound(third)
        self.assertEqual(list((server.data / "pictures").iterdir()), [])

    def test_one_that_lives_is_not_disturbed_by_another(self):
        server = self.serve(workers=1)
        api = server.api()
        api.submit("one", toons("a", 2000), operations=EMIT)
        api.ended("one")
        first = self.folder / "first"
        process = subprocess.Popen([PROGRAM, "backup", "--data", server.data, "--to", first], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        until("the first blobs of the backup", lambda: list(first.glob("blobs/t/*/c/*")), pause=0.001)
        process.send_signal(signal.SIGSTOP)
        _, done = self.backup(server, "second", code=3)
        self.assertIn("another backup", done.stderr)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(60), 0, process.stderr.read())
        self.assert_sound(first)

    def test_a_changed_backup_and_folders_that_do_not_fit_are_refused(self):
        server = self.serve(workers=1)
        api = server.api()
        api.submit("one", toons("a", 20), operations=EMIT)
        api.ended("one")
        backup, _ = self.backup(server, "first")
        done = run("restore", "--from", backup, "--data", server.data)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is not empty", done.stderr)
        done = run("serve", "--data", backup, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 3)
        self.assertIn("is a backup", done.stderr)
        next(backup.glob("blobs/t/*/m/*")).unlink()
        done = run("restore", "--from", backup, "--data", self.folder / "restored")
        self.assertEqual(done.returncode, 6)
        self.assertIn("it was changed", done.stderr)
        done = run("serve", "--data", self.folder / "restored", "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 3)
        self.assertIn("did not end", done.stderr)

    def test_nobody_begins_a_backup_without_the_folder(self):
        server = self.serve(workers=1)
        for call, path in (("POST", "/backups"), ("PUT", "/backups/x"), ("DELETE", "/backups/x"),
                           ("POST", "/backups?expires=99999999999&signature=x")):
            self.assertEqual(server.api(role="admin").call(call, path).status, 403, (call, path))


if __name__ == "__main__":
    unittest.main()
