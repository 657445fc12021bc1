"""Runs clang-tidy-19 over the sources, skipping what was found clean before with the same content.

A file's content is its own text, the text of every header of ours that it includes (transitively), .clang-tidy, its
compile command and clang-tidy's version. Clean files are remembered by that hash in build/tidy-cache.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "tidy-cache"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
TIDY = "clang-tidy-19"


@functools.cache
def read(path):
    return path.read_bytes()


@functools.cache
def includes(path):
    """The headers of ours that a file names itself."""
    found = []
    for name in INCLUDE.findall(read(path).decode("utf-8", "replace")):
        for base in (ROOT / "src", ROOT / "tests", path.parent):
            if (base / name).is_file():
                found.append((base / name).resolve())
                break
    return found


def closure(path):
    seen, todo = set(), [path]
    while todo:
        for header in includes(todo.pop()):
            if header not in seen:
                seen.add(header)
                todo.append(header)
    return sorted(seen)


def key_of(entry, version):
    path = pathlib.Path(entry["file"]).resolve()
    digest = hashlib.sha256()
    # -isystem and -I folders of the build tree do not change what is found in a file, its flags do.
    for part in (version, entry["command"].encode(), read(ROOT / ".clang-tidy"), read(path), *map(read, closure(path))):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def wanted(path, everything):
    try:
        relative = path.relative_to(ROOT)
    except ValueError:
        return False
    if relative.parts[0] not in ("src", "apps", "tests"):
        return False
    return everything or not (relative.name.endswith("_test.cc") or relative.parts[0] == "tests")


def check(entry, build):
    started = time.monotonic()
    done = subprocess.run([TIDY, "--quiet", "-p", str(build), entry["file"]], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="the tests' own files too")
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    entries = json.loads((options.build / "compile_commands.json").read_text())
    entries = [entry for entry in entries if wanted(pathlib.Path(entry["file"]).resolve(), options.all)]
    marks = {entry["file"]: CACHE / key_of(entry, version) for entry in entries}
    todo = [entry for entry in entries if not marks[entry["file"]].exists()]
    started, bad = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(max(1, options.jobs)) as pool:
        running = {pool.submit(check, entry, options.build): entry for entry in todo}
        for future in concurrent.futures.as_completed(running):
            file = running[future]["file"]
            code, out, err, seconds = future.result()
            print(f"{seconds:5.1f} s  {pathlib.Path(file).relative_to(ROOT)}{'' if code == 0 else '  FAILED'}", flush=True)
            if code == 0:
                marks[file].touch()
                continue
            bad += 1
            print(out or err, flush=True)
    print(f"clang-tidy: {len(todo)} of {len(entries)} files checked in {time.monotonic() - started:.0f} s, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
