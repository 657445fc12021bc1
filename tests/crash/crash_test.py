"""202 means on disk, and one outcome per toon: the server killed again and again, its disk losing what was not synced.

    crash_test.py [--seed N] [--kills N] [test names]

A run prints its seed; the same seed makes the same jobs, moments and losses (what threads do in between is the
machine's). `--kills` makes a long run of it. UBERTOONS_CRASH_SEED and UBERTOONS_CRASH_KILLS do the same.
"""

import argparse
import os
import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from power import CLASSES, LIBRARY, Loss, PoweredServer  # noqa: E402

from harness import ServerTest, until  # noqa: E402
from ledger import Broken, Check, DEAD, Ledger, Refused, Traffic, emitting, messages, submit  # noqa: E402

SEED = int(os.environ.get("UBERTOONS_CRASH_SEED", random.SystemRandom().randrange(10**6)))
KILLS = int(os.environ.get("UBERTOONS_CRASH_KILLS", 36))
DATABASE = ("wal", "sst", "manifest", "current", "db-folder", "other")
KILLS_PER_DISK = 9  # then everything is read whole and a new disk begins
SYNC_MICROS = 1500  # as a good SSD; long enough for many requests to wait for one commit

# (moment, call, classes, the latest such call)
AT_WORK = (
    ("before", "sync", ["wal"], 25),
    ("after", "sync", ["wal"], 25),
    ("after", "write", ["wal"], 25),
    ("after", "write", ["blob"], 25),
    ("before", "sync", ["blob"], 25),
    ("after", "sync", ["blob"], 25),  # not renamed yet
    ("after", "rename", ["blob"], 25),  # the folder is not synced yet
    ("after", "sync", ["blob-leaf"], 25),  # the job is not stored yet
    ("after", "create", ["blob-leaf"], 5),
    ("before", "sync", ["blob-parent"], 5),
)
AT_START = (
    ("before", "sync", ["manifest"], 2),
    ("after", "sync", ["manifest"], 2),
    ("after", "create", ["current"], 1),
    ("before", "rename", ["current"], 1),
    ("after", "rename", ["current"], 1),
    ("before", "sync", ["db-folder"], 4),
    ("after", "sync", ["db-folder"], 4),
    ("after", "write", ["sst"], 1),
    ("after", "sync", ["sst"], 1),
    ("before", "unlink", ["wal"], 1),
    ("after", "unlink", ["wal"], 1),
    ("after", "create", ["wal"], 1),
)


class Gone(Broken):
    """No answer. As it must be if this was the moment to die."""


class Drill:
    """One disk, one ledger, and lives of a server between kills."""

    def __init__(self, folder, rng, lies=(), patience=60):
        self.rng, self.patience = rng, patience
        self.server = PoweredServer(folder, lies=lies)
        self.server.sync_micros = SYNC_MICROS
        self.ledger = Ledger(rng)
        self.api = None

    def start(self):
        """False: it was killed at the moment that was asked for, before the ready line or while the first requests were
        answered (a log's name is synced with its first commit)."""
        try:
            self.server.start()
        except AssertionError as error:
            if self.server.power.get("killed"):
                return False
            raise Broken(f"the server does not start: {error}") from error
        if self.api is None:
            self.api = self.server.api()
        self.api.url = self.server.url
        try:
            self.check(lambda check: check.remembered())
        except Gone:
            if self.server.power.get("killed"):
                return False
            raise
        return True

    def check(self, look):
        try:
            look(Check(self.ledger, self.api))
        except DEAD as error:
            raise Gone(f"the server does not serve: {error!r}") from error
        except Refused as error:
            raise Broken(f"the server does not serve: {error!r}") from error

    def life(self, point=None, loss="all"):
        """From a start to a kill, at the point or at any moment, and the loss. Answers whether the point was met."""
        at_start = point in AT_START
        moment = point and (*point[:3], self.rng.randint(1, point[3]))
        self.server.arm = (lambda power: power.kill_at(*moment)) if at_start else lambda power: None
        met = not self.start()
        if not met:
            if point and not at_start:
                self.server.power.kill_at(*moment)
            traffic = Traffic(self.ledger, self.api)
            traffic.wait(3 if point else self.rng.uniform(0.02, 0.9))
            met = bool(self.server.power.get("killed"))
            if not met and self.server.process.poll() is not None:
                raise Broken(f"the server ended by itself with {self.server.process.returncode}")
            self.server.kill()
            traffic.stop()
            self.raise_problems()
        self.server.lose_power(Loss(loss, self.rng))
        return met

    def raise_problems(self):
        if self.ledger.problems:
            raise Broken(str(self.ledger.problems[0])) from self.ledger.problems[0]

    def settle(self):
        """Lets everything end and reads it whole."""
        self.server.arm = lambda power: None
        if self.server.process is None:
            self.start()
        self.check(lambda check: check.settle(self.patience))


class CrashTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not LIBRARY.exists():
            raise AssertionError(f"{LIBRARY} is not built; ./dev test builds it, or set UBERTOONS_POWER_LIBRARY")
        print(f"\nseed {SEED}; again: {sys.executable} {__file__} --seed {SEED} {cls.__name__}", file=sys.stderr)

    def drill(self, rng, **options):
        drill = Drill(tempfile.mkdtemp(dir=self.folder), rng, **options)
        self.addCleanup(drill.server.close)
        self.addCleanup(self._show_log, drill.server)
        return drill


class Promise(CrashTest):
    def test_what_was_answered_survives_every_loss_of_power(self):
        rng = random.Random(f"promise {SEED}")
        plan = [*AT_WORK, *AT_START]
        plan += [None] * max(0, KILLS - len(plan))
        rng.shuffle(plan)
        kills, met = 0, 0
        while kills < KILLS:
            drill = self.drill(rng)
            for point in plan[kills:kills + KILLS_PER_DISK]:
                loss = rng.choices(Loss.KINDS, (4, 3, 2, 2, 1))[0]
                if point and point[1] == "write":
                    loss = "some"  # a write that is torn
                hit = drill.life(point, loss)
                kills, met = kills + 1, met + bool(point and hit)
                moment = " ".join((*point[:2], *point[2])) if point else "any moment"
                missed = " (not met)" if point and not hit else ""
                print(f"kill {kills}: {moment}{missed}, loss: {loss}; {drill.ledger.counts()}", file=sys.stderr)
            drill.settle()
            self.assertEqual(drill.ledger.refusals, 0)
            self.assertTrue(drill.ledger.accepted())
            drill.server.kill()
        self.assertGreaterEqual(met, min(KILLS, len(AT_WORK) + len(AT_START)) // 2, "the named moments were hardly met")

    def test_current_never_names_what_a_loss_took_back(self):
        """RocksDB renames to CURRENT before it syncs the names of the tables and the MANIFEST that follow from it."""
        drill = self.drill(random.Random(f"current {SEED}"))
        drill.life(loss="none")  # leaves a log, of which the next start makes a table
        self.assertTrue(drill.life(("after", "rename", ["current"], 1), "newest"), "CURRENT was not renamed")
        drill.settle()
        drill.server.kill()


class Lies(CrashTest):
    """A disk that answers OK to one kind of sync and does nothing must break the promise, or this suite proves nothing.

    OPTIONS and IDENTITY of RocksDB ("other") are left out: it opens without them.
    """

    def assert_seen(self, *lies):
        rng = random.Random(f"lies {lies} {SEED}")
        drill = self.drill(rng, lies=lies, patience=8)
        try:
            for _ in range(6):
                drill.life()
                drill.settle()
                drill.server.kill()
                drill.server.lose_power(Loss("all", rng))
        except Broken as broken:
            print(f"without syncs of {', '.join(lies)}: {str(broken)[:160]}", file=sys.stderr)
            told = drill.server.lied()
            self.assertTrue(all(told[name] for name in lies), f"something else broke: {told}")
            return
        self.fail(f"nobody saw that syncs did nothing: {drill.server.lied()}")

    def test_of_the_log(self):
        self.assert_seen("wal")

    def test_of_table_files(self):
        self.assert_seen("sst")

    def test_of_the_manifest(self):
        self.assert_seen("manifest")

    def test_of_current(self):
        self.assert_seen("current")

    def test_of_the_database_folder(self):
        self.assert_seen("db-folder")

    def test_of_blobs(self):
        self.assert_seen("blob")

    def test_of_folders_with_blobs(self):
        self.assert_seen("blob-leaf")

    def test_of_folders_above_them(self):
        self.assert_seen("blob-parent")

    def test_of_keys(self):
        self.assert_seen("keys")

    def test_of_the_data_folder(self):
        self.assert_seen("top")


class Faults(CrashTest):
    """A disk that fails says so to callers, and what was answered before, meanwhile and afterwards is kept."""

    def fault(self, name, classes, times, heals):
        """heals: does the server go on by itself once the disk works again, or after a restart?"""
        rng = random.Random(f"fault {name} {classes} {SEED}")
        drill = self.drill(rng)
        server, ledger = drill.server, drill.ledger
        drill.start()
        before = Traffic(ledger, drill.api, jobs_each=3)
        before.wait(20)
        before.stop()
        drill.raise_problems()
        self.assertEqual(ledger.refusals, 0)
        server.power.fail(name, classes, times)
        during = Traffic(ledger, drill.api, jobs_each=6)
        during.wait(20)
        during.stop()
        drill.raise_problems()
        self.assertGreater(server.power.get("fault_hits"), 0, "the disk did not fail")
        self.assertIsNone(server.process.poll(), "the server ended by itself")
        drill.check(lambda check: [check._status(job) for job in ledger.accepted()])  # reads go on
        refused = ledger.refusals
        server.power.fail("")
        if heals:
            self.assert_heals(drill)
            drill.settle()
        server.kill()
        server.lose_power(Loss("all", rng))
        drill.settle()
        return refused

    def assert_heals(self, drill):
        job = messages("healed", drill.rng, 20)
        drill.ledger.jobs[job.id] = job

        def accepted():
            try:
                submit(drill.api, job)
            except Refused:
                return False
            return True

        until("an answer of 202 after the disk works again", accepted, 20)

    def test_a_full_disk_refuses_and_heals_by_itself(self):
        self.assertGreater(self.fault("no-space", CLASSES, -1, heals=True), 0)

    def test_a_write_torn_by_a_full_disk_heals_by_itself(self):
        self.assertGreater(self.fault("torn-write", DATABASE, -1, heals=True), 0)

    def test_a_write_error_in_the_log_refuses_until_a_restart(self):
        self.assertGreater(self.fault("write-error", ["wal"], 1, heals=False), 0)

    def test_a_failed_sync_of_the_log_is_never_papered_over(self):
        self.assertGreater(self.fault("sync-error", ["wal"], 1, heals=False), 0)

    def test_a_failed_sync_of_a_blob_fails_that_blob_alone(self):
        self.fault("sync-error", ["blob"], 1, heals=True)

    def test_a_write_error_in_a_blob_fails_that_blob_alone(self):
        self.fault("write-error", ["blob"], 1, heals=True)

    def test_a_failed_sync_of_a_blob_folder_is_never_papered_over(self):
        self.fault("sync-error", ["blob-leaf"], 1, heals=False)

    def at_a_worker(self, name, classes, times):
        """The disk fails for workers alone, since only they write blobs once the job is accepted."""
        drill = self.drill(random.Random(f"worker {name} {SEED}"))
        drill.start()
        job = emitting("w", 300)
        drill.ledger.jobs[job.id] = job
        submit(drill.api, job)
        until("the job's first outcomes", lambda: drill.api.job(job.id)["processed"] > 0)
        drill.server.power.fail(name, classes, times)
        until("the disk's failure", lambda: drill.server.power.get("fault_hits") >= abs(times))
        drill.server.power.fail("")
        drill.settle()
        drill.server.kill()
        drill.server.lose_power(Loss("all", drill.rng))
        drill.settle()

    def test_a_worker_that_cannot_sync_a_folder_is_replaced(self):
        self.at_a_worker("sync-error", ["blob-leaf"], 1)

    def test_a_worker_that_cannot_sync_blobs_costs_no_toon(self):
        self.at_a_worker("sync-error", ["blob"], 3)

    def test_a_worker_on_a_full_disk_costs_no_toon(self):
        self.at_a_worker("no-space", ["blob"], -5)

    def test_a_disk_that_becomes_read_only_refuses_until_a_restart(self):
        self.assertGreater(self.fault("read-only", CLASSES, -1, heals=False), 0)

    def at_start(self, fault, message):
        """The server refuses to start, says why and what to do, and starts once the disk works."""
        drill = self.drill(random.Random(f"start {fault} {SEED}"))
        drill.start()
        job = messages("early", drill.rng, 20)
        drill.ledger.jobs[job.id] = job
        submit(drill.api, job)
        drill.server.kill()
        drill.server.lose_power(Loss("all", drill.rng))
        drill.server.arm = lambda power: power.fail(fault)
        with self.assertRaisesRegex(AssertionError, rf"(?s)the server ended with 4:.*{message}"):
            drill.server.start()
        drill.server.kill()
        drill.server.lose_power(Loss("all", drill.rng))
        drill.settle()

    def test_a_full_disk_at_the_start_is_a_clear_message(self):
        self.at_start("no-space", r"No space left on device.*Free some space")

    def test_a_read_only_disk_at_the_start_is_a_clear_message(self):
        self.at_start("read-only", r"Read-only file system.*Mount it writable")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kills", type=int, default=KILLS)
    options, rest = parser.parse_known_args()
    globals().update(SEED=options.seed, KILLS=options.kills)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
