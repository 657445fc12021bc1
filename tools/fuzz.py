"""Runs the fuzz targets of build/fuzz (tests/fuzz/README.md) and prints one line for each: executions, coverage, new
inputs, and where a crash lies. Exit 1 if any target crashed, hung or did not run.

Each run starts with every seed of tests/fuzz/corpus/TARGET, so that what was found once is checked again, then mutates.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as tree

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEEDS = ROOT / "tests" / "fuzz" / "corpus"
DICTIONARIES = ROOT / "tests" / "fuzz" / "dictionaries"
SAMPLES = ROOT / "samples"
# Files that are inputs as they stand; longer ones are cut at MAX_BYTES.
SAMPLE_FOLDERS = {
    "image": ["files/image", "hostile"],
    "media": ["files/audio", "files/video", "hostile"],
    "table": ["files/telemetry", "files/gameplay"],
    "binary": ["files/binary"],
    "sniff": ["files/image", "files/audio", "files/video", "files/binary", "hostile"],
}
MAX_BYTES = {"image": 24_000, "media": 24_000, "table": 6_000, "binary": 6_000}
USUAL_MAX_BYTES = 4_096
DICTIONARY_OF = {
    "submission": "json", "manifest": "json", "canonical_json": "json", "message": "json", "schema": "schema",
    "chunk": "json", "event": "json", "partial": "results", "token": "token", "jwks": "token", "request": "http",
    "response_head": "http", "range": "http", "query": "http", "config": "config", "table": "table",
}
# A hang is a find too. Seconds for one input: generous, since machines are shared and sanitizers slow things down.
INPUT_TIMEOUT = 30
MEMORY_MB = 3_000
GRACE_SECONDS = 180  # for the seeds, and for the input that is being run when time is over


@dataclasses.dataclass
class Run:
    target: str
    seconds: float = 0
    executions: int = 0
    coverage: int = 0
    new_inputs: int = 0
    crash: pathlib.Path | None = None
    why: str = ""  # empty: nothing was found

    def line(self):
        text = (
            f"{self.target:15} {self.executions:>10} executions  {self.coverage:>5} edges  "
            f"{self.new_inputs:>5} new inputs  {self.seconds:>4.0f} s"
        )
        if not self.why:
            return text
        if self.crash is None:
            return f"{text}  FAILED: {self.why}"
        return f"{text}  CRASH {self.crash}: {self.why}\n  reproduce: {self.command()}"

    def command(self):
        return f"build/fuzz/bin/fuzz_{self.target} {self.crash}"


def environment():
    symbolizer = "/usr/bin/llvm-symbolizer-19"
    return {
        **os.environ,
        "ASAN_OPTIONS": "allocator_may_return_null=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "ASAN_SYMBOLIZER_PATH": symbolizer,
        "UBSAN_SYMBOLIZER_PATH": symbolizer,
    }


def folders(target, grown):
    """New inputs go into the first."""
    found = [grown, SEEDS / target, *(SAMPLES / folder for folder in SAMPLE_FOLDERS.get(target, []))]
    return [str(folder) for folder in found if folder.is_dir()]


def arguments(build, target, grown, options):
    given = [
        f"-max_total_time={options.seconds}",
        f"-seed={options.seed}",
        f"-timeout={INPUT_TIMEOUT}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={MAX_BYTES.get(target, USUAL_MAX_BYTES)}",
        f"-artifact_prefix={crashes(build)}/{target}-",
        "-print_final_stats=1",
        "-reload=0",
    ]
    dictionary = DICTIONARIES / f"{DICTIONARY_OF.get(target)}.dict"
    if dictionary.is_file():
        given.append(f"-dict={dictionary}")
    return [str(build / "bin" / f"fuzz_{target}"), *given, *folders(target, grown)]


def crashes(build):
    return build / "crashes"


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def why_of(log):
    """The line that tells most."""
    for pattern in (r"broken: .*", r"runtime error: .*", r"Assertion .*", r"ERROR: .*", r"error while loading .*"):
        found = re.search(pattern, log)
        if found:
            return found.group(0)[:200]
    return (log.strip().splitlines() or ["no output"])[-1][:200]


def read_log(run, log, status):
    run.executions = last_number(r"stat::number_of_executed_units:\s*(\d+)", log) or last_number(r"#(\d+)", log)
    run.coverage = last_number(r"cov: (\d+)", log)
    run.new_inputs = last_number(r"stat::new_units_added:\s*(\d+)", log)
    written = re.search(r"Test unit written to (\S+)", log)
    if written:
        run.crash = pathlib.Path(written.group(1))
        if run.crash.is_relative_to(ROOT):
            run.crash = run.crash.relative_to(ROOT)
    if status != 0:
        run.why = why_of(log)
    elif run.executions == 0:
        run.why = "it executed nothing"
    elif run.coverage == 0:
        run.why = "it covered nothing: the modules are not instrumented"


def fuzz(build, target, grown, options):
    run = Run(target)
    log_file = build / "logs" / f"{target}.log"
    started = time.monotonic()
    with open(log_file, "wb") as log:
        try:
            status = subprocess.run(
                arguments(build, target, grown, options),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment(), cwd=ROOT,
                timeout=options.seconds + GRACE_SECONDS, check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status, run.why = -1, f"it did not end {GRACE_SECONDS} s after its time"
        except OSError as error:
            status, run.why = -1, str(error)
    run.seconds = time.monotonic() - started
    kept = run.why
    read_log(run, log_file.read_text("utf-8", "replace"), status)
    run.why = kept or run.why
    print(run.line(), flush=True)
    return run


def write_report(runs, path):
    suite = tree.Element("testsuite", name="fuzz", tests=str(len(runs)))
    for run in runs:
        case = tree.SubElement(suite, "testcase", classname="fuzz", name=run.target, time=f"{run.seconds:.1f}")
        if run.why:
            tree.SubElement(case, "failure").text = run.line()
    tree.ElementTree(suite).write(path, "utf-8", xml_declaration=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all of them, if none is named")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at once (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations: the same seed tries the same inputs; 0: another one each time")
    parser.add_argument("--fresh", action="store_true", help="start from the seeds alone and forget what was found")
    parser.add_argument("--report", type=pathlib.Path, help="where a JUnit report goes")
    parser.add_argument("--list", action="store_true", help="name the targets and end")
    return parser.parse_args()


def main():
    options = parse()
    built = sorted(path.name.removeprefix("fuzz_") for path in (options.build / "bin").glob("fuzz_*"))
    if options.list:
        print("\n".join(built))
        return 0
    targets = options.targets or built
    unknown = [target for target in targets if target not in built]
    if unknown or not targets or options.seconds < 1:
        print(f"fuzz: no target {', '.join(unknown) or 'at all'}; there are: {', '.join(built)}", file=sys.stderr)
        return 2
    for folder in ("logs", "crashes"):
        (options.build / folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as fresh:
        grown = pathlib.Path(fresh) if options.fresh else options.build / "corpus"
        for target in targets:
            (grown / target).mkdir(parents=True, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = list(pool.map(lambda t: fuzz(options.build, t, grown / t, options), targets))
    if options.report:
        write_report(runs, options.report)
    return 1 if any(run.why for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
