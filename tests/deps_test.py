"""The tree keeps its shape: who includes whom (the table of src/README.md), vendor headers, sizes, samples."""

import json
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)/` \| .* \| ([^|]+) \|$", re.MULTILINE)
MAX_LINES = 500
MAX_MAIN_LINES = 150

# Headers of libraries, by the start of their path. What is not listed here is the language's or the system's.
VENDORS = ("boost/", "rocksdb/", "simdjson", "curl/", "openssl/", "prometheus/", "toml++/", "CLI/", "spdlog/", "fmt/",
           "magic.h", "seccomp.h", "vips/", "orc/", "libav", "libsw", "ebur128.h", "chromaprint.h", "ft2build.h", "valijson/", "pugixml.hpp", "zstd.h", "rapidcheck", "gtest/", "gmock/", "benchmark/")
# Where a vendor may be named at all, in files that are not tests. fmt and OpenSSL's hashes are the house's own tools.
VENDOR_HOMES = {
    "rocksdb/": {"store"},
    "curl/": {"http"},
    "toml++/": {"config", "apps"},
    "CLI/": {"apps"},
    "magic.h": {"processors"},
    "valijson/": {"processors"},
    "seccomp.h": {"sandbox"},
    "vips/": {"processors/image"},
    "orc/": {"processors/image"},
    "ft2build.h": {"processors/image"},
    "libav": {"processors/media"},
    "libsw": {"processors/media"},
    "ebur128.h": {"processors/media"},
    "chromaprint.h": {"processors/media"},
    "pugixml.hpp": {"aws"},
    "boost/beast": {"http"},
    "boost/asio": {"http"},
}
# Headers that only speak of the work itself: no library shows in them.
PURE = ("base", "job", "ports", "flow")


def allowed_includes(table):
    """{folder: folders it may include} of the README's table."""
    rows = {}
    for folder, allowed in ROW.findall(table):
        rows[folder] = set() if allowed == "nothing of ours" else {name.strip() for name in allowed.split(",")}
    return rows


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cc") and path.is_file():
                yield path


def includes(path):
    """[(form, name)] with form '<' or '"'."""
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def is_test(path):
    return path.stem.endswith("_test") or path.parent.name == "testing"


def home_of(path):
    """The folder of src/ that a file is in, or "apps", "tests"."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else parts[0]


def violations(folder, path_names, allowed):
    """The names among path_names that `folder` may not include."""
    bad = []
    for name in path_names:
        target = name.split("/")[0] if "/" in name else folder
        if target in allowed and target != folder and target not in allowed[folder]:
            bad.append(name)
    return bad


class Tree(unittest.TestCase):
    def setUp(self):
        self.table = allowed_includes((SRC / "README.md").read_text(encoding="utf-8"))

    def test_the_table_is_read(self):
        self.assertEqual(self.table["base"], set())
        self.assertEqual(self.table["ports"], {"job", "base"})
        self.assertGreater(len(self.table), 10)

    def test_every_folder_with_sources_has_a_row(self):
        folders = {home_of(path) for path in sources("src")}
        self.assertEqual(folders - set(self.table), set())

    def test_folders_include_only_what_the_table_allows(self):
        bad = []
        for path in sources("src"):
            if is_test(path):
                continue  # a test may bring the adapters that it runs on
            ours = [name for form, name in includes(path) if form == '"']
            bad += [f"{path.relative_to(ROOT)} includes {name}" for name in violations(home_of(path), ours, self.table)]
        self.assertEqual(bad, [])

    def test_a_forbidden_include_is_seen(self):
        self.assertEqual(violations("ports", ["flow/submit.h", "job/types.h", "near.h"], self.table), ["flow/submit.h"])
        self.assertEqual(violations("store", ["local/pool.h"], self.table), ["local/pool.h"])

    def test_our_headers_are_named_from_src(self):
        bad = []
        for path in sources("src"):
            for form, name in includes(path):
                if form == '"' and not ((SRC / name).is_file() or (ROOT / "tests" / name).is_file()):
                    bad.append(f"{path.relative_to(ROOT)}: {name}")
        self.assertEqual(bad, [])

    def test_pure_headers_name_no_library(self):
        bad = []
        for folder in PURE:
            for path in sorted((SRC / folder).glob("*.h")):
                bad += [f"{path.relative_to(ROOT)}: {name}" for _, name in includes(path) if name.startswith(VENDORS)]
        self.assertEqual(bad, [])

    def test_libraries_stay_in_their_folders(self):
        bad = []
        for path in sources("src", "apps"):
            if is_test(path):
                continue
            for _, name in includes(path):
                for vendor, homes in VENDOR_HOMES.items():
                    if name.startswith(vendor) and not homes & {home_of(path), str(path.parent.relative_to(SRC.parent))[4:]}:
                        bad.append(f"{path.relative_to(ROOT)}: {name}")
        self.assertEqual(bad, [])

    def test_headers_are_included_once(self):
        bad = [str(path) for path in sources("src", "apps", "tests")
               if path.suffix == ".h" and "#pragma once" not in path.read_text(encoding="utf-8")]
        self.assertEqual(bad, [])

    def test_files_keep_their_size(self):
        long = []
        for folder in ("src", "apps", "tests", "workers", "tools", "bench", "samples"):
            for path in sorted((ROOT / folder).rglob("*")):
                if path.suffix not in (".h", ".cc", ".py", ".sh", ".js", ".mjs") or "node_modules" in path.parts:
                    continue
                lines = path.read_text(encoding="utf-8").count("\n")
                most = MAX_MAIN_LINES if path.name == "main.cc" else MAX_LINES
                if lines > most:
                    long.append(f"{path.relative_to(ROOT)}: {lines} lines, at most {most}")
        self.assertEqual(long, [])

    def test_no_unfinished_marks(self):
        marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
        bad = [str(path.relative_to(ROOT)) for path in sources("src", "apps", "tests")
               if marks.search(path.read_text(encoding="utf-8"))]
        self.assertEqual(bad, [])


class Samples(unittest.TestCase):
    def check(self, script):
        done = subprocess.run([sys.executable, str(ROOT / "samples" / script), "--check"], capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_samples_are_what_their_script_makes(self):
        self.check("make_samples.py")

    def test_the_hostile_files_are_what_their_script_makes(self):
        self.check("make_hostile.py")

    def test_they_stay_small(self):
        def size(folder):
            return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)

        self.assertLess(size(ROOT / "samples"), 12 << 20)
        self.assertLess(size(ROOT / "samples" / "hostile"), 300 << 10)

    def test_every_sample_has_a_title_and_a_description_of_its_own_in_two_languages(self):
        toons = json.loads((ROOT / "samples" / "manifest.json").read_text(encoding="utf-8"))["toons"]
        for field in ("title", "description"):
            for language in ("en", "es"):
                self.assertEqual(len({toon["metadata"][field][language] for toon in toons}), len(toons), (field, language))


if __name__ == "__main__":
    unittest.main()
