"""Isolation as users meet it: levels, limits, quarantine, doctor; and what the living executors hold, seen from outside."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

from harness import BIN, PROGRAM, ROOT, SANITIZED, Server, ServerTest, alive, children, data_toon, message, sha256, until

FILES = ROOT / "samples" / "files"
WORKER = "ubertoons-worker"
EXECUTORS = ("ubertoons-exec-image", "ubertoons-exec-media")
THUMBNAIL = [{"op": "thumbnail", "width": 64}]
SECRET = "the-anvil-is-made-of-rubber"
SHADOW_BYTES = 4 << 30  # a sanitizer's notes lie in maps of terabytes
SANITIZER_OPTIONS = (b"ASAN_OPTIONS", b"UBSAN_OPTIONS", b"TSAN_OPTIONS") if SANITIZED else ()
FAILED_CHECK = 6  # the exit status of a doctor that found something
# Runs the worker in a home that refuses every seccomp filter from then on, as Lambda does: by a filter.
REFUSING = f"""#!{sys.executable}
import ctypes, os, platform, struct, sys
seccomp, prctl = {{"x86_64": (317, 157), "aarch64": (277, 167)}}[platform.machine()]
LOAD, EQUAL, RETURN, ALLOW, REFUSE, SET_SECCOMP = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050001, 22  # REFUSE: with EPERM
lines = [(LOAD, 0, 0, 0), (EQUAL, 3, 0, seccomp), (EQUAL, 0, 3, prctl), (LOAD, 0, 0, 16), (EQUAL, 0, 1, SET_SECCOMP),
         (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
call = ctypes.CDLL(None, use_errno=True).prctl
taken = call(38, 1, 0, 0, 0) or call(SET_SECCOMP, 2, struct.pack("HxxxxxxP", len(lines), ctypes.addressof(program)), 0, 0)
if taken != 0:
    sys.exit("no filter: " + os.strerror(ctypes.get_errno()))
os.execv({str(BIN / WORKER)!r}, [{str(BIN / WORKER)!r}, *sys.argv[1:]])
"""
AS_ROOT = unittest.skipIf(os.geteuid() != 0, "only root sees into a process that hides its memory")


def picture(toon_id, name):
    return {**data_toon(toon_id, "image", (FILES / "image" / name).read_bytes()), "operations": THUMBNAIL}


def arguments(pid):
    """The command line; a process that is gone has none."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    return []


def below(pid, *programs):
    """Living descendants that run one of the programs, but for those that only tell their version."""
    found = []
    for child in children(pid):
        line = arguments(child)
        if line and pathlib.Path(line[0]).name in programs and "--version" not in line and alive(child):
            found.append(child)
    return sorted(found)


def status(pid, field):
    """A line of /proc/PID/status, as words; empty if the process is gone."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return line.split(":", 1)[1].split()
    return []


def waits(pid):
    """It gave up its rights, said so, and sleeps until a task comes: nothing else puts a closed executor to sleep."""
    return status(pid, "Seccomp") == ["2"] and status(pid, "State")[:1] == ["S"]


def wakes(pid):
    """Grows with every task that it serves, and while it waits by nothing else."""
    return int(status(pid, "voluntary_ctxt_switches")[0])


def memory_holds(pid, needle):
    """Is it anywhere in what the process can write to?"""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(bound, 16) for bound in span.split("-"))
            if SANITIZED and end - start > SHADOW_BYTES:
                continue
            with contextlib.suppress(OSError):  # a guard or a device
                memory.seek(start)
                if needle in memory.read(end - start):
                    return True
    return False


class Isolation(ServerTest):
    def run_job(self, api, job_id, toons, **more):
        """Submits and awaits it; the job, and its rows by toon."""
        api.submit(job_id, toons, **more)
        job = api.ended(job_id)
        return job, {row["toonId"]: row for row in api.results(job_id)}

    def executors(self, server, *programs):
        return below(server.process.pid, *(programs or EXECUTORS))

    def waiting(self, server, program=EXECUTORS[0], count=2):
        """Once so many executors sit and wait, the one started ahead among them: their process ids."""

        def look():
            found = self.executors(server, program)
            return found if len(found) == count and all(map(waits, found)) else None

        return until(f"{count} waiting {program}", look, 30)

    def worker(self, server):
        [pid] = below(server.process.pid, WORKER)
        return pid

    def refusing(self):
        """A worker's command whose home refuses filters."""
        path = self.folder / "refusing-worker"
        path.write_text(REFUSING)
        path.chmod(0o755)
        return path

    def stop_executors(self, pids):
        """They hang from now on, as a decoder in an endless loop that takes no time would."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        until("the executors' standstill", lambda: all(status(pid, "State")[:1] == ["T"] for pid in pids), 30)


class Levels(Isolation):
    TOONS = [
        picture("still", "anvil-drop.jpg"), picture("moving", "pixel-parade.gif"),
        {**data_toon("sound", "audio", (FILES / "audio" / "canyon-radio.ogg").read_bytes()),
         "operations": [{"op": "waveform", "width": 200, "height": 50}]},
        {**data_toon("film", "video", (FILES / "video" / "anvil-test.mp4").read_bytes()),
         "operations": [{"op": "poster", "at": 2.0}]},
    ]

    def serve_at(self, level, worker=BIN / WORKER):
        return self.serve(f'isolation = "{level}"\nworker_command = {json.dumps(str(worker))}\n', workers=1)

    def end(self, server):
        self.assertEqual(server.stop(), 0)
        shutil.rmtree(server.data)  # the next one is to reuse nothing

    def rows_of(self, server, level):
        """What the toons come to, but for when and how fast."""
        api = server.api()
        job, rows = self.run_job(api, "levels", self.TOONS)
        self.assertEqual(job["status"], "Completed", rows)
        self.assert_one_outcome_each(api, "levels", [toon["toonId"] for toon in self.TOONS])
        for row in rows.values():
            self.assertEqual(len(row["artifacts"]), 1, row)
            self.assert_artifacts_whole(api, row["artifacts"])
            del row["durationMs"], row["processedAt"]
        # Of both programs the one that worked and the one started ahead.
        for pid in until("four executors", lambda: len(found := self.executors(server)) == 4 and found, 30):
            self.assertIn(f"--level={level}", arguments(pid))
        return rows

    def filters(self, server):
        """How many filters hold each executor that do not hold its worker."""
        outer = int(status(self.worker(server), "Seccomp_filters")[0])
        return [int(status(pid, "Seccomp_filters")[0]) - outer for pid in self.executors(server)]

    def test_all_levels_do_the_same_work(self):
        server = self.serve_at("strict")
        strict = self.rows_of(server, "strict")
        until("a filter on each executor", lambda: self.filters(server) == [1] * 4, 30)  # the one started ahead is on its way
        self.end(server)
        server = self.serve_at("contained")
        self.assertEqual(self.rows_of(server, "contained"), strict)
        self.end(server)
        server = self.serve_at("contained", self.refusing())
        self.assertEqual(self.rows_of(server, "contained"), strict)
        self.assertEqual(self.filters(server), [0] * 4)

    def test_strict_does_no_media_work_where_filters_are_refused(self):
        server = self.serve_at("strict", self.refusing())
        job, rows = self.run_job(server.api(), "refused", [picture("a", "lab-map.png"), message("b", 1)])
        self.assertEqual((rows["a"]["error"]["code"], rows["b"]["state"]), ("isolation-unavailable", "Succeeded"))
        self.assertEqual((job["succeeded"], job["failed"]), (1, 1))
        self.assertIn("contained", rows["a"]["error"]["message"])
        self.assertEqual(server.api().get("/quarantine").json(), {"items": []})


class Limits(Isolation):
    def test_bytes_that_end_at_a_limit_are_quarantined_until_released(self):
        server = self.serve("[limits]\nmax_executor_output = 10\n", workers=1)
        api, digest = server.api(), sha256((FILES / "image" / "lab-map.png").read_bytes())
        among = [message("before", {"i": 1}), picture("big", "lab-map.png"),
                 data_toon("after", "telemetry", b"time,v\n2025-01-01T00:00:00Z,1\n2025-01-01T00:00:01Z,2\n")]
        job, rows = self.run_job(api, "first", among)
        self.assertEqual((job["status"], job["succeeded"], job["failed"]), ("Failed", 2, 1))
        self.assertEqual([rows[toon]["state"] for toon in ("before", "after")], ["Succeeded"] * 2, rows)
        self.assertEqual((rows["big"]["error"]["code"], rows["big"]["attempts"]), ("output-limit", 2))
        self.assertEqual(rows["big"]["artifacts"], [])
        self.assertEqual([(entry["sha256"], entry["type"], entry["code"], entry["jobId"], entry["toonId"])
                          for entry in api.get("/quarantine").json()["items"]], [(digest, "image", "output-limit", "first", "big")])
        self.assert_refused(api, "second")
        self.assertEqual(server.api("somebody-else").get("/quarantine").json(), {"items": []})

        self.assertEqual(server.stop(), 0)
        api = server.start().api()
        self.assert_refused(api, "third")
        self.assertEqual(self.executors(server), [])  # nobody looked at it

        self.assertEqual(api.call("DELETE", f"/quarantine/{digest}").status, 204)
        self.assertEqual(server.stop(), 0)
        server.config.write_text("")
        api = server.start().api()
        job, rows = self.run_job(api, "fourth", [picture("again", "lab-map.png")])
        self.assertEqual((job["status"], rows["again"]["attempts"]), ("Completed", 1), rows)
        self.assert_artifacts_whole(api, rows["again"]["artifacts"])
        self.assertEqual(api.get("/quarantine").json(), {"items": []})

    def assert_refused(self, api, job_id):
        _, rows = self.run_job(api, job_id, [picture("again", "lab-map.png")])
        self.assertEqual((rows["again"]["error"]["code"], rows["again"]["attempts"]), ("quarantined", 1))
        self.assertIn("output-limit", rows["again"]["error"]["message"])

    def test_an_executor_that_hangs_is_its_toons_end_and_not_its_workers(self):
        server = self.serve("[limits]\nmax_image_wall_seconds = 1\n", workers=1)
        api = server.api()
        self.run_job(api, "warm-up", [picture("a", "lab-map.png")])
        worker, hanging = self.worker(server), self.waiting(server)
        self.stop_executors(hanging)  # the tenant's, and the one that its second try is given
        job, rows = self.run_job(api, "hangs", [picture("b", "cheese-chart.png"), message("c", 1)])
        self.assertEqual((rows["b"]["error"]["code"], rows["b"]["attempts"]), ("time-limit", 2))
        self.assertEqual((rows["c"]["state"], job["failed"]), ("Succeeded", 1))
        self.assertEqual([pid for pid in hanging if alive(pid)], [])
        job, rows = self.run_job(api, "goes-on", [picture("d", "pixel-parade.gif")])
        self.assertEqual((job["status"], rows["d"]["attempts"]), ("Completed", 1), rows)
        self.assertEqual(self.worker(server), worker)


class Lives(Isolation):
    def test_executors_end_with_a_worker_that_is_killed_and_the_job_goes_on(self):
        server = self.serve(workers=1)
        api = server.api()
        self.run_job(api, "warm-up", [picture("a", "lab-map.png")])
        worker, executors = self.worker(server), self.waiting(server)
        self.stop_executors(executors)  # so that the job is surely not done before the kill
        toons = [picture("b", "cheese-chart.png"), message("c", 1), picture("d", "pixel-parade.gif")]
        api.submit("cut", toons)
        until("a chunk in the worker's hands", lambda: b"\nubertoons_chunks_in_flight 1\n" in api.get("/metrics").body, 30)
        os.kill(worker, signal.SIGKILL)
        until("the executors' end", lambda: not any(alive(pid) for pid in executors), 30)
        self.assertEqual(api.ended("cut")["status"], "Completed")
        self.assert_one_outcome_each(api, "cut", [toon["toonId"] for toon in toons])
        self.assertNotEqual(self.worker(server), worker)
        self.assertEqual(api.get("/quarantine").json(), {"items": []})  # it was not the bytes' doing

    def test_no_executor_serves_two_tenants(self):
        server = self.serve(workers=1)
        callers = {name: server.api(name) for name in ("bunny", "duck")}
        pictures = ("lab-map.png", "cheese-chart.png", "pixel-parade.gif", "night-sky.webp")
        for name, api in callers.items():
            self.assertEqual(self.run_job(api, "warm-up", [picture("a", pictures[0])])[0]["status"], "Completed", name)
        worker = self.worker(server)
        served = {name: set() for name in callers}
        for i, file in enumerate(pictures[1:]):
            for name, api in callers.items():
                before = {pid: wakes(pid) for pid in self.waiting(server, count=3)}  # one each, and the one started ahead
                self.assertEqual(self.run_job(api, f"job-{i}", [picture("a", file)])[0]["status"], "Completed")
                woken = {pid for pid in self.waiting(server, count=3) if wakes(pid) != before.get(pid)}
                self.assertEqual(len(woken), 1, f"{name}'s picture {file}")
                served[name] |= woken
        self.assertEqual(served["bunny"] & served["duck"], set())
        self.assertEqual([len(pids) for pids in served.values()], [1, 1])  # and each tenant's serves on
        self.assertEqual(self.worker(server), worker)


class Belongings(Isolation):
    """What an executor, and the worker above it, has that was not handed to it."""

    @AS_ROOT
    def test_executors_hold_no_secret_no_rights_and_no_file(self):
        server = Server(self.folder, workers=1)
        self.addCleanup(server.kill)
        server.environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SECRET}
        server.start()
        job, rows = self.run_job(server.api(), "job", [
            picture("a", "lab-map.png"), data_toon("b", "audio", (FILES / "audio" / "canyon-radio.ogg").read_bytes())])
        self.assertEqual(job["status"], "Completed", rows)
        for program in EXECUTORS:
            for pid in self.waiting(server, program):
                with self.subTest(program, pid=pid):
                    self.assert_destitute(pid)
        # This test can see the secret where it is.
        self.assertIn(SECRET.encode(), self.environment_of(server.process.pid))
        self.assertTrue(memory_holds(server.process.pid, SECRET.encode()))
        worker = self.worker(server)
        names = {entry.split(b"=")[0] for entry in self.environment_of(worker).split(b"\0") if entry}
        self.assertLessEqual(names, {b"LD_LIBRARY_PATH", b"TZ", b"LANG"})
        self.assertFalse(memory_holds(worker, SECRET.encode()))

    def environment_of(self, pid):
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes()

    def assert_destitute(self, pid):
        names = {entry.split(b"=")[0] for entry in self.environment_of(pid).split(b"\0") if entry}
        self.assertLessEqual(names, {b"LANG", b"VIPS_CONCURRENCY", b"MALLOC_ARENA_MAX", b"VIPSHOME", b"LD_LIBRARY_PATH",
                                     *SANITIZER_OPTIONS})
        self.assertFalse(memory_holds(pid, SECRET.encode()))
        for ids in ("Uid", "Gid"):
            self.assertNotIn("0", status(pid, ids), ids)
        self.assertEqual(status(pid, "Groups"), [])
        for rights in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertEqual(int(status(pid, rights)[0], 16), 0, rights)
        self.assertEqual(status(pid, "NoNewPrivs"), ["1"])
        held = {int(entry.name): os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        self.assertEqual(held.pop(0), "/dev/null")
        own = ("pipe:[", "/memfd:executor-recorder", f"/proc/{pid}/statm")  # the last is its own size
        self.assertEqual([target for target in held.values() if not target.startswith(own)], [])
        self.assertLessEqual(len(held), 6, held)


class Doctor(Isolation):
    def doctor(self, *flags):
        return subprocess.run([PROGRAM, "doctor", *flags], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=120)

    def test_it_says_what_holds_the_executors(self):
        done = self.doctor()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in (*EXECUTORS, "level strict", "All is as asked."):
            self.assertIn(word, done.stdout)
        self.assertNotIn("POSSIBLE", done.stdout)

    def test_its_json_says_the_same_to_programs(self):
        done = self.doctor("--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual((report["ok"], report["problems"], report["isolation"]), (True, [], "strict"))
        self.assertEqual([pathlib.Path(one["program"]).name for one in report["executors"]], list(EXECUTORS))
        for one in report["executors"]:
            self.assertEqual((one["level"], one["measures"]["seccomp"]), ("strict", True), one["program"])
            self.assertGreater(len(one["probes"]), 5)
            self.assertNotIn("POSSIBLE", one["probes"].values())

    def test_contained_is_enough_where_contained_is_asked_for(self):
        done = self.doctor("--isolation", "contained")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("contained is asked for", done.stdout)

    def test_a_home_that_refuses_filters_is_not_strict_but_contained(self):
        worker = str(self.refusing())
        done = self.doctor("--worker-command", worker)
        self.assertEqual(done.returncode, FAILED_CHECK)
        self.assertIn('isolation = "contained"', done.stderr)  # what can be done about it
        done = self.doctor("--worker-command", worker, "--isolation", "contained")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("level contained"), 2)

    def test_executors_that_are_not_there_are_named(self):
        alone = self.folder / WORKER
        shutil.copy(BIN / WORKER, alone)
        done = self.doctor("--worker-command", str(alone))
        self.assertEqual(done.returncode, FAILED_CHECK)
        for program in EXECUTORS:
            self.assertIn(program, done.stderr)


if __name__ == "__main__":
    unittest.main()
