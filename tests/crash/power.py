"""A disk that loses its power: what a server changed below one folder, and what of it a power loss would leave.

The server and its workers run with libubertoons-power.so (tests/crash/power/), which does every change and writes it
down in a journal, syncs included. After all of them are dead, Disk works out the state: bytes are durable once the file
was synced, names once their folder was (a file's sync does not cover its name, a rename or mkdir counts from the sync of
the folder). Whatever else there is may or may not be there; a Loss says how much.
"""

import contextlib
import fcntl
import mmap
import os
import pathlib
import shutil
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import BIN, Server, until  # noqa: E402

LIBRARY = pathlib.Path(os.environ.get("UBERTOONS_POWER_LIBRARY", BIN.parent / "tests" / "libubertoons-power.so"))
SECTOR = 512

# As in power/control.h.
CLASSES = ("wal", "sst", "manifest", "current", "db-folder", "blob", "blob-leaf", "blob-parent", "keys", "top", "other")
CALLS = {"write": 1, "sync": 2, "create": 3, "rename": 4, "unlink": 5}
MOMENTS = {"before": 1, "after": 2}
FAULTS = {"": 0, "no-space": 1, "torn-write": 2, "write-error": 3, "sync-error": 4, "read-only": 5}
FIELDS = ("server_pid", "kill_moment", "kill_call", "kill_classes", "kill_countdown", "killed", "lie_classes", "fault",
          "fault_classes", "fault_budget", "fault_hits", "sync_micros", "next_sync")
CONTROL_BYTES = 4096

# As in power/journal.h.
HEADER = struct.Struct("<IBBHQQQII")
MAGIC = 0x4A505455
CREATE, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, SYNC_FAILED, RENAME, UNLINK, LINK = range(1, 10)


def mask(classes):
    return sum(1 << CLASSES.index(name) for name in classes)


class Inode:
    """A file's bytes or a folder's names: as they are now, as they are durable, and the changes between the two."""

    def __init__(self, folder):
        self.folder = folder
        self.now = {} if folder else bytearray()
        self.durable = {} if folder else bytearray()
        self.pending = []

    def change(self, step):
        apply(self.now, step)
        self.pending.append(step)


def apply(content, step):
    """A step: write offset bytes, size bytes, put name inode, drop name, move old new inode."""
    kind, where, *rest = step
    if kind == "write":
        if len(content) < where:
            content.extend(bytes(where - len(content)))
        content[where:where + len(rest[0])] = rest[0]
    elif kind == "size":
        del content[where:]
        content.extend(bytes(where - len(content)))
    elif kind == "put":
        content[where] = rest[0]
    elif kind == "move":
        content.pop(where, None)
        content[rest[0]] = rest[1]
    else:
        content.pop(where, None)


class Loss:
    """Of what was not synced: "all" is gone; "some" of it is, chosen at random down to the sector; "tail": each file
    and folder kept its changes up to a random one, the last of them torn; "newest": each kept its last change alone, the
    worst order there is; "none", as after a SIGKILL alone."""

    KINDS = ("all", "some", "tail", "newest", "none")

    def __init__(self, kind, random):
        self.kind, self.random = kind, random

    def kept(self, steps):
        if self.kind == "all":
            return []
        if self.kind == "none":
            return steps
        if self.kind == "newest":
            return steps[-1:]
        if self.kind == "some":
            share = self.random.choice((0.2, 0.5, 0.8))
            kept = [self._torn(step, share) for step in steps]
            return [piece for pieces in kept for piece in pieces]
        count = self.random.randint(0, len(steps))
        return steps[:max(0, count - 1)] + [self._cut(step) for step in steps[:count][-1:]]

    def _torn(self, step, share):
        """The sectors of a write reach the disk each by itself; anything else does whole or not."""
        if step[0] != "write":
            return [step] if self.random.random() < share else []
        _, offset, data = step
        pieces, at = [], 0
        while at < len(data):
            end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
            if self.random.random() < share:
                pieces.append(("write", offset + at, data[at:end]))
            at = end
        return pieces

    def _cut(self, step):
        if step[0] != "write":
            return step
        return ("write", step[1], step[2][:self.random.randint(0, len(step[2]))])


class Disk:
    """What lies below `root`; everything that is there when it is made counts as durable."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.inodes = []
        # The kernel gives the number of a file that is gone to a new one, while a name that is durable still means the
        # old one. So each has an index of its own, and this says whose a number is now.
        self.index = {}
        self.syncs = {}  # number: (inode, how many of its pending changes it covers)
        self.top = self._scan(self.root)

    def _scan(self, path):
        index = self._add(path.lstat().st_ino, path.is_dir())
        inode = self.inodes[index]
        if inode.folder:
            inode.now = {entry.name: self._scan(entry) for entry in path.iterdir()}
            inode.durable = dict(inode.now)
        else:
            inode.now = bytearray(path.read_bytes())
            inode.durable = bytearray(inode.now)
        return index

    def _add(self, ino, folder):
        self.inodes.append(Inode(folder))
        self.index[ino] = len(self.inodes) - 1
        return self.index[ino]

    def _of(self, ino):
        return self.inodes[self.index[ino]]

    def replay(self, journal):
        """Applies the journal of one life of the server. What was being synced when it ended is not."""
        at = 0
        while at < len(journal):
            magic, kind, _, name_bytes, ino, parent, a, payload_bytes, _ = HEADER.unpack_from(journal, at)
            at += HEADER.size
            if magic != MAGIC or at + name_bytes + payload_bytes > len(journal):
                raise AssertionError(f"the journal is damaged before byte {at}")
            name = os.fsdecode(journal[at:at + name_bytes])
            at += name_bytes
            self._record(kind, ino, parent, a, name, journal[at:at + payload_bytes])
            at += payload_bytes
        self.syncs.clear()

    def _record(self, kind, ino, parent, a, name, payload):
        if kind == CREATE:
            self._of(parent).change(("put", name, self._add(ino, bool(a))))
        elif kind == WRITE:
            self._of(ino).change(("write", a, payload))
        elif kind == TRUNCATE:
            self._of(ino).change(("size", a))
        elif kind == SYNC_BEGIN:
            inode = self._of(ino)
            self.syncs[a] = (inode, len(inode.pending))
        elif kind == SYNC_END:
            self._synced(*self.syncs.pop(a))
        elif kind == SYNC_FAILED:
            self._forget(self._of(ino))
        elif kind == RENAME:
            old, new = name.split("\0")
            if parent == a:
                self._of(a).change(("move", old, new, self.index[ino]))
            else:
                self._of(parent).change(("drop", old))
                self._of(a).change(("put", new, self.index[ino]))
        elif kind == UNLINK:
            self._of(parent).change(("drop", name))
        else:
            self._of(parent).change(("put", name, self.index[ino]))

    def _synced(self, inode, count):
        for step in inode.pending[:count]:
            apply(inode.durable, step)
        del inode.pending[:count]
        # A sync that began later, or at the same time in another thread, covers what this one left.
        self.syncs = {number: (other, max(0, covered - count) if other is inode else covered)
                      for number, (other, covered) in self.syncs.items()}

    def _forget(self, inode):
        inode.pending.clear()
        self.syncs = {number: (other, 0 if other is inode else covered)
                      for number, (other, covered) in self.syncs.items()}

    def check(self):
        """Is what the journal makes of the folder what lies there? Otherwise a call went past the library."""
        found = Disk(self.root)
        ours, theirs = dict(self._walk(self.top)), dict(found._walk(found.top))
        for path in sorted(ours.keys() | theirs.keys()):
            if ours.get(path) != theirs.get(path):
                raise AssertionError(f"the journal does not account for {path}")

    def _walk(self, index, path=""):
        inode = self.inodes[index]
        yield path, None if inode.folder else bytes(inode.now)
        if inode.folder:
            for name, child in inode.now.items():
                yield from self._walk(child, f"{path}/{name}")

    def lose_power(self, loss):
        """Rewrites the folder as the power loss left it. The disk starts anew from there."""
        for inode in self.inodes:
            for step in loss.kept(inode.pending):
                apply(inode.durable, step)
        for entry in self.root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self._write(self.top, self.root)
        self.__init__(self.root)

    def _write(self, index, path):
        inode = self.inodes[index]
        if not inode.folder:
            path.write_bytes(inode.durable)
            path.chmod(0o600)
            return
        path.mkdir(mode=0o700, exist_ok=True)
        for name, child in inode.durable.items():
            self._write(child, path / name)


class Power:
    """The library's two files: the control page and the journal. Made anew for each life of the server."""

    def __init__(self, folder, root):
        self.folder, self.root = pathlib.Path(folder), pathlib.Path(root)
        self.folder.mkdir(exist_ok=True)
        (self.folder / "control").write_bytes(bytes(CONTROL_BYTES))
        (self.folder / "journal").write_bytes(b"")
        self._file = open(self.folder / "control", "r+b")
        self._page = mmap.mmap(self._file.fileno(), CONTROL_BYTES)
        self._journal = open(self.folder / "journal", "rb")

    def close(self):
        self._page.close()
        self._file.close()
        self._journal.close()

    def environment(self):
        return {"LD_PRELOAD": str(LIBRARY), "UBERTOONS_POWER_DIR": str(self.folder),
                "UBERTOONS_POWER_ROOT": str(self.root)}

    def get(self, field):
        return struct.unpack_from("<i", self._page, 4 * FIELDS.index(field))[0]

    def set(self, field, value):
        struct.pack_into("<i", self._page, 4 * FIELDS.index(field), value)

    def _counts(self, first):
        return dict(zip(CLASSES, struct.unpack_from(f"<{len(CLASSES)}I", self._page, 4 * first)))

    def syncs(self):
        return self._counts(len(FIELDS))

    def lies(self):
        return self._counts(len(FIELDS) + len(CLASSES))

    def kill_at(self, moment, call, classes, countdown):
        self.set("kill_call", CALLS[call])
        self.set("kill_classes", mask(classes))
        self.set("kill_countdown", countdown)
        self.set("kill_moment", MOMENTS[moment])

    def fail(self, fault, classes=CLASSES, times=-1):
        self.set("fault", 0)
        self.set("fault_classes", mask(classes))
        self.set("fault_budget", times)
        self.set("fault", FAULTS[fault])

    def frozen(self):
        """A context in which no change happens: whoever is killed in it dies between two changes."""
        return _Frozen(self._journal)

    def journal(self):
        return (self.folder / "journal").read_bytes()


class _Frozen:
    def __init__(self, file):
        self.file = file

    def __enter__(self):
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        fcntl.flock(self.file, fcntl.LOCK_UN)


class PoweredServer(Server):
    """A server whose data folder lies on a disk that can lose its power."""

    def __init__(self, folder, config="", flags=(), workers=2, lies=()):
        folder = pathlib.Path(folder)
        self.worker = folder / "worker.sh"
        super().__init__(folder, config, [*flags, "--worker-command", self.worker], workers)
        self.root = folder / "disk"
        self.root.mkdir()
        self.data = self.root / "data"
        self.disk = Disk(self.root)
        self.lies = lies
        self.sync_micros = 0
        self.power = None
        self._lied = dict.fromkeys(CLASSES, 0)  # in earlier lives
        self.arm = lambda power: None  # called with the new Power before each start

    def start(self):
        self._lied = self.lied()
        if self.power:
            self.power.close()
        self.power = Power(self.folder / "power", self.root)
        self.power.set("sync_micros", self.sync_micros)
        self.power.set("lie_classes", mask(self.lies))
        self.arm(self.power)
        self._write_worker()
        self.environment = {**os.environ, **self.power.environment()}
        return super().start()

    def _write_worker(self):
        # The pool gives workers an environment of their own, so the library is named here.
        settings = "".join(f"export {name}='{value}'\n" for name, value in self.power.environment().items())
        self.worker.write_text(f"#!/bin/sh\n{settings}exec '{BIN / 'ubertoons-worker'}' \"$@\"\n")
        self.worker.chmod(0o755)

    def kill(self):
        """SIGKILL between two changes of the disk."""
        if self.process is None:
            return
        with self.power.frozen():
            super().kill()
            until("the end of all that wrote to the disk", lambda: not self._writers(), 30, 0.005)

    def _writers(self):
        """Processes that run with the library on this disk, or are about to, their parent alive or not."""
        folder = os.fsencode(self.folder) + b"/"
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                for name in ("environ", "cmdline"):
                    with contextlib.suppress(OSError):
                        if folder in pathlib.Path("/proc", entry, name).read_bytes():
                            found.append(int(entry))
        return found

    def lied(self):
        """How many syncs of each class did nothing, in all lives."""
        now = self.power.lies() if self.power else {}
        return {name: count + now.get(name, 0) for name, count in self._lied.items()}

    def close(self):
        self.kill()
        if self.power:
            self.power.close()

    def lose_power(self, loss):
        """SIGKILL, then the disk as the loss left it. Without a loss the journal goes on from where it is."""
        self.kill()
        self.disk.replay(self.power.journal())
        self.disk.check()
        if loss.kind == "none":
            return
        self.disk.lose_power(loss)
