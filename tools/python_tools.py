"""Python programs that tests need and Debian does not have: each list of requirements in a virtual environment of its own under build/."""
import fcntl
import hashlib
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INSTALL_SECONDS = 480


def environment(name, requirements):
    """The folder with the programs of `requirements` (a file with pinned versions); installs them when they are missing or have changed.

    Raises subprocess.CalledProcessError when they cannot be installed. Safe to call from several processes at once.
    """
    folder = ROOT / "build" / "venv" / name
    wanted = hashlib.sha256(pathlib.Path(requirements).read_bytes()).hexdigest()
    mark = folder / "installed"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (mark.exists() and mark.read_text() == wanted):
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, timeout=INSTALL_SECONDS)
            subprocess.run(
                [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
                check=True,
                timeout=INSTALL_SECONDS,
            )
            mark.write_text(wanted)
    return folder / "bin"
