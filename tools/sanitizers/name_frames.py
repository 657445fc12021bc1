"""Prints a sanitizer's report with its frames named: a locked-down executor cannot open its own file to name them.

    name_frames.py REPORT [LINES]
"""

import pathlib
import re
import subprocess
import sys

NAMELESS = re.compile(r"^( *#\d+ (?:0x[0-9a-f]+|<null> <null>)) +\((\S+)\+(0x[0-9a-f]+)\)")


def name(line):
    """The line itself where nothing is known."""
    frame = NAMELESS.match(line)
    if not frame or not pathlib.Path(frame[2]).is_file():
        return line
    said = subprocess.run(["addr2line", "-Cfpe", frame[2], frame[3]], capture_output=True, text=True, check=False).stdout
    return line if not said or said.startswith("??") else f"{frame[1]} in {said.strip()}"


def main():
    lines = pathlib.Path(sys.argv[1]).read_text(errors="replace").splitlines()
    most = int(sys.argv[2]) if len(sys.argv) > 2 else len(lines)
    for line in lines[:most]:
        print(name(line))


if __name__ == "__main__":
    main()
