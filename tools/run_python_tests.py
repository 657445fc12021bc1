"""Runs every Python test of the repository, or the given files of them, and writes a JUnit report.

A test file is tests/**/*_test.py or workers/**/*_test.py (or test_*.py); each runs in its own process with a time limit,
so that one that hangs cannot hold up the others.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as tree

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 1200 if "UBERTOONS_SANITIZED" in os.environ else 600


class Recorder(unittest.TextTestResult):
    """Collects every test with its end, for the report."""

    def __init__(self, *args):
        super().__init__(*args)
        self.cases = []
        self._started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()

    def _note(self, test, kind="", text=""):
        self.cases.append((test.id(), time.monotonic() - self._started, kind, text))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "error", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(subtest, "failure", self._exc_info_to_string(err, test))


def find_files():
    found = set()
    for folder in ("tests", "workers", "samples"):
        for pattern in ("*_test.py", "test_*.py"):
            found.update((ROOT / folder).rglob(pattern))
    return sorted(found)


def run_one(path, report):
    """In the child: runs one file."""
    sys.path[:0] = [str(path.parent), str(ROOT)]
    suite = unittest.defaultTestLoader.loadTestsFromName(path.stem)
    result = unittest.TextTestRunner(resultclass=Recorder, verbosity=2).run(suite)
    root = tree.Element("testsuite", name=path.stem)
    for name, seconds, kind, text in result.cases:
        case = tree.SubElement(root, "testcase", name=name, time=f"{seconds:.3f}")
        if kind:
            tree.SubElement(case, kind).text = text
    tree.ElementTree(root).write(report)
    return 0 if result.wasSuccessful() else 1


def run_file(path, suites, scratch):
    """In the parent: runs one file in a child and adds its suite."""
    part = scratch.with_suffix(f".{path.stem}.part")
    part.unlink(missing_ok=True)
    problem = "the file did not end by itself"
    try:
        code = subprocess.run([sys.executable, __file__, "--one", str(path), "--report", str(part)],
                              timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL, check=False).returncode
        problem = f"the file ended with {code} and no report"
    except subprocess.TimeoutExpired:
        problem = f"not done after {TIMEOUT_SECONDS} s"
    if part.exists():
        suites.append(tree.parse(part).getroot())
        part.unlink()
        return
    suite = tree.SubElement(suites, "testsuite", name=path.stem)
    case = tree.SubElement(suite, "testcase", name=str(path.relative_to(ROOT)))
    tree.SubElement(case, "error").text = problem
    print(f"{path.relative_to(ROOT)}: {problem}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--one", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    if options.one:
        return run_one(options.one, options.report)
    os.chdir(ROOT)
    suites = tree.Element("testsuites")
    for path in [path.resolve(strict=True) for path in options.files] or find_files():
        print(f"-- {path.relative_to(ROOT)}", file=sys.stderr, flush=True)
        run_file(path, suites, options.report)
    tree.ElementTree(suites).write(options.report)
    bad = [case for case in suites.iter("testcase") if len(case) and case[0].tag != "skipped"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
