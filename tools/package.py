#!/usr/bin/env python3
"""Packages the programs for AWS Lambda: zips that need nothing of the machine they run on, and a list of what is in them.

    tools/package.py --programs build/release/bin --out build/packages [--only data-worker]

Each zip holds a `bootstrap`, what it starts, and in lib/ every library they need, libc and loader too: Debian's are newer than Lambda's.
Programs are told to look for their libraries there and for their loader under /var/task, where Lambda unpacks; that is what patchelf does.
The same input makes the same bytes. NAME.cdx.json is a CycloneDX list of the Debian packages within.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TASK_ROOT = "/var/task"
LOADER = "ld-linux-x86-64.so.2"
MAGIC = pathlib.Path("/usr/lib/file/magic.mgc")
# AWS's own limits: of a package, and of one that is uploaded directly rather than by way of S3.
MAX_UNZIPPED = 250 << 20
MAX_DIRECT = 50 << 20
FIXED_DATE = (1980, 1, 1, 0, 0, 0)

# name -> programs, the first of which becomes `bootstrap`; and data beside them.
NATIVE = {
    "data-worker": (["ubertoons-worker"], {"share/magic.mgc": MAGIC}),
    "image-worker": (["ubertoons-worker", "ubertoons-exec-image"], {"share/magic.mgc": MAGIC}),
    "media-worker": (["ubertoons-worker", "ubertoons-exec-media"], {"share/magic.mgc": MAGIC}),
}
PYTHON = {"python-worker": ROOT / "workers" / "python"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def libraries(program):
    """soname -> file of everything that the program loads, the loader among them."""
    found = {}
    for line in run("ldd", str(program)).splitlines():
        match = re.match(r"\s*(\S+) => (/\S+)", line) or re.match(r"\s*(/\S+/)?(ld-linux\S+) ", line)
        if "not found" in line:
            raise SystemExit(f"{program}: {line.strip()}")
        if not match:
            continue
        if match.group(2).startswith("/"):
            found[pathlib.Path(match.group(1)).name] = pathlib.Path(match.group(2)).resolve()
        else:
            found[match.group(2)] = pathlib.Path((match.group(1) or "/lib64/") + match.group(2)).resolve()
    if LOADER not in found:
        raise SystemExit(f"{program}: no {LOADER}")
    return found


def place(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)


def stage_native(programs, data, bin_folder, folder):
    """Lays the package out; answers the system's files that went into it."""
    taken = set()
    for number, name in enumerate(programs):
        target = folder / ("bootstrap" if number == 0 else name)
        place(bin_folder / name, target)
        run("strip", "--strip-debug", str(target))
        # DT_RPATH, unlike DT_RUNPATH, also holds for the libraries' own libraries.
        run("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/lib", "--set-interpreter", f"{TASK_ROOT}/lib/{LOADER}", str(target))
        for soname, file in libraries(bin_folder / name).items():
            taken.add(file)
            if not (folder / "lib" / soname).exists():
                place(file, folder / "lib" / soname)
    for library in sorted((folder / "lib").iterdir()):
        # One with a search path of its own would not look beside itself.
        if library.name != LOADER and run("patchelf", "--print-rpath", str(library)).strip():
            run("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN", str(library))
    for name, source in data.items():
        place(source, folder / name)
        taken.add(source)
    return taken


def stage_python(source, folder):
    for file in sorted(source.glob("*.py")):
        if not file.name.endswith("_test.py"):
            place(file, folder / file.name)
    return set()


def write_zip(folder, target):
    """Answers the size of what is in it."""
    size = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = zipfile.ZipInfo(str(path.relative_to(folder)), FIXED_DATE)
            info.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            data = path.read_bytes()
            size += len(data)
            archive.writestr(info, data)
    return size


def debian_packages(files):
    """(name, version) of the packages that these files come from."""
    owners = set()
    for file in sorted(files):
        # dpkg knows a file under the path it was installed to, which may be on either side of the merge of /lib into /usr/lib.
        for path in (str(file), str(file).removeprefix("/usr")):
            done = subprocess.run(["dpkg-query", "--search", path], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                owners.add(done.stdout.split(": ")[0].split(",")[0])
                break
        else:
            raise SystemExit(f"{file} belongs to no Debian package")
    listing = run("dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *sorted(owners)) if owners else ""
    return sorted(tuple(line.split(" ", 1)) for line in listing.splitlines())


def write_bill(name, version, archive, packages, target):
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": f"ubertoons-{name}", "version": version, "hashes": [{"alg": "SHA-256", "content": digest}]}},
        "components": [
            {"type": "library", "name": package, "version": number, "purl": f"pkg:deb/debian/{package}@{number}?distro=debian-12"} for package, number in packages
        ],
    }
    target.write_text(json.dumps(bill, indent=1) + "\n")


def package(name, options, version):
    with tempfile.TemporaryDirectory(dir=options.out) as scratch:
        folder = pathlib.Path(scratch)
        taken = stage_python(PYTHON[name], folder) if name in PYTHON else stage_native(*NATIVE[name], options.programs, folder)
        archive = options.out / f"{name}.zip"
        size = write_zip(folder, archive)
        files = sum(1 for p in folder.rglob("*") if p.is_file())
    write_bill(name, version, archive, debian_packages(taken), options.out / f"{name}.cdx.json")
    zipped = archive.stat().st_size
    if size > MAX_UNZIPPED:
        raise SystemExit(f"{name}: {size >> 20} MiB unzipped, Lambda takes {MAX_UNZIPPED >> 20}")
    return f"{name:14} {files:5} files {size / 1e6:8.1f} MB {zipped / 1e6:7.1f} MB zipped{'  by way of S3' if zipped > MAX_DIRECT else ''}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "release" / "bin", help="folder of the built programs")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "packages", help="where the zips go")
    parser.add_argument("--only", choices=[*NATIVE, *PYTHON], action="append", help="this package alone; may be repeated")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    options.out = options.out.resolve()
    version = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout.strip()
    for name in options.only or [*NATIVE, *PYTHON]:
        print(package(name, options, version or "unknown"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
