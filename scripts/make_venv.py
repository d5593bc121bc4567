"""Build .venv for this repository: what `make setup` runs. Standard library only.

A torch that the interpreter already has (a ROCm, CUDA or CPU build that suits this machine) is never replaced: .venv
is then built on top of that interpreter's packages and pip is held to that very version. Without one, pip installs the
version in constraints.txt, and what that downloads is said first. .venv/hive-mind.json is written last and lets a
second call see that nothing is left to do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
INPUTS = ("pyproject.toml", "constraints.txt", "scripts/make_venv.py")
STAMP = "hive-mind.json"
OUTER = "hive-mind-outer.pth"
PYTHON_NEEDED = (3, 11)
TORCH_NEEDED = (2, 9)
ALONE = {"eval": ("icalfa",)}
"""Packages of an extra that are installed without what they ask for, which is why pyproject.toml cannot list them: of
icalfa only data files are read, and it asks for docker, gymnasium, openai, pandas and scikit-learn."""
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")
PROBE = """
import importlib.metadata, importlib.util, json, sys, sysconfig
try:
    found = importlib.metadata.distribution("torch")
    torch = {"version": found.version, "folder": str(found.locate_file("torch"))}
except importlib.metadata.PackageNotFoundError:
    torch = None
paths = sysconfig.get_paths()
print(json.dumps({
    "torch": torch, "prefix": sys.prefix, "base_prefix": sys.base_prefix, "version": list(sys.version_info[:3]),
    "packages": sorted({paths["purelib"], paths["platlib"]}), "can_build": bool(importlib.util.find_spec("ensurepip")),
}))
"""
OWN_TORCH = """
To use a ROCm or CPU build instead, stop here (Ctrl-C) and bring it first:
    python3 -m venv ~/torch-env
    ~/torch-env/bin/pip install ...     (the command that https://pytorch.org/get-started/locally gives for it)
    make setup PYTHON=~/torch-env/bin/python
"""


class SetupError(Exception):
    """Set-up cannot go on; the message says why and what to do."""


def run_command(command: list[str], capture: bool = False) -> tuple[int, str]:
    """Run a command; returns its exit code and, if captured, what it printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE if capture else None, text=True, check=False)
    return done.returncode, done.stdout or ""


class Setup:
    """One call of set-up. Tests pass their own `run_command`, and `devices`, the folder where GPUs show themselves."""

    def __init__(
        self,
        repository: Path,
        extras: list[str],
        chosen: bool,
        interpreter: str = sys.executable,
        run_command: Callable[..., tuple[int, str]] = run_command,
        devices: Path = Path("/dev"),
    ) -> None:
        self.repository, self.venv = repository, repository / ".venv"
        self.extras, self.chosen, self.interpreter = set(extras), chosen, interpreter
        self.run_command, self.devices = run_command, devices
        self.python = str(self.venv / "bin" / "python")

    def run(self) -> None:
        """Bring .venv up to date. Raises SetupError."""
        stamp = self.read_stamp()
        if self.is_current(stamp):
            return
        inside = self.probe(self.python) if self.venv.exists() else None
        why_anew = self.why_anew(stamp, inside)
        if why_anew is None:
            self.renew(stamp, inside)
        else:
            say(why_anew)
            self.build()

    # what there is

    def read_stamp(self) -> dict | None:
        """Return what the last set-up wrote, None if there was none."""
        try:
            return json.loads((self.venv / STAMP).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def is_current(self, stamp: dict | None) -> bool:
        """Tell whether nothing is left to do, without starting another process."""
        return (
            stamp is not None
            and stamp["stage"] == "done"
            and stamp["digest"] == self.digest()
            and self.extras <= set(stamp["extras"])
            and stamp["repository"] == str(self.repository)
            and os.access(self.python, os.X_OK)
            and Path(stamp["torch"]["folder"]).is_dir()
            and not self.another_was_chosen(stamp)
        )

    def another_was_chosen(self, stamp: dict) -> bool:
        """Tell whether the user now names an interpreter other than the one .venv is built on."""
        if not self.chosen:
            return False
        if self.interpreter == sys.executable:
            mine = identity({"prefix": sys.prefix, "version": sys.version_info})
        else:
            mine = identity(self.probe())
        return mine != stamp["interpreter"] and mine[0] != os.path.realpath(self.venv)

    def why_anew(self, stamp: dict | None, inside: dict | None) -> str | None:
        """Return why .venv must be built from nothing, None if the one that is there can be kept."""
        if not self.venv.exists():
            return f"building .venv on {self.interpreter}"
        reason = None
        if stamp is not None and stamp["stage"] == "creating":
            reason = "an earlier set-up was interrupted: building .venv again"
        elif inside is None:
            reason = "the interpreter of .venv does not start: building it again"
        elif stamp is None:
            return None
        elif stamp["repository"] != str(self.repository):
            reason = f"this .venv was built for {stamp['repository']}: building it again"
        elif self.another_was_chosen(stamp):
            reason = f".venv was built on {stamp['interpreter'][0]}: building it again on {self.interpreter}"
        elif stamp["kept"] is not None and inside["torch"] is None:
            reason = f"torch {stamp['kept']['version']} is gone from {stamp['kept']['folder']}: building .venv again"
        if reason is not None and (stamp is None or not stamp["built"]):
            raise SetupError(f"{self.venv} was not made by set-up and cannot be used as it is; move it away")
        return reason

    def probe(self, python: str | None = None) -> dict | None:
        """Ask an interpreter for its torch, version and folders; None if it does not start."""
        try:
            code, answer = self.run_command([python or self.interpreter, "-c", PROBE], capture=True)
        except OSError:
            return None
        return json.loads(answer) if code == 0 else None

    # what is done

    def build(self) -> None:
        """Make .venv from nothing, on top of the interpreter's torch if it has one."""
        found = self.probe()
        self.check_interpreter(found)
        torch = found["torch"]
        if torch is None:
            self.say_what_is_downloaded()
        else:
            self.check_torch(torch)
            say(f"torch {torch['version']} in {found['prefix']} is kept: .venv is built on top of it")
        stamp = {"built": True, "interpreter": identity(found), "kept": torch, "torch": None, "extras": []}
        self.venv.mkdir(exist_ok=True)
        empty(self.venv)
        self.write_stamp({**stamp, "stage": "creating"})
        outer = torch is not None and found["prefix"] != found["base_prefix"]
        flags = ["--system-site-packages"] if torch and (not outer or sees_system(found["prefix"])) else []
        self.must([self.interpreter, "-m", "venv", *flags, str(self.venv)], "python -m venv failed")
        if outer:  # the packages of a virtual environment are not its base interpreter's, so they are put on the path
            own = self.probe(self.python)["packages"][0]
            Path(own, OUTER).write_text("\n".join(found["packages"]) + "\n")
        if torch is not None and self.probe(self.python)["torch"] != torch:
            raise SetupError(f".venv does not see the torch in {torch['folder']}; set PYTHON to another interpreter")
        self.install(stamp)

    def renew(self, stamp: dict | None, inside: dict) -> None:
        """Install into the .venv that is there; a torch that no earlier set-up put there is kept."""
        if tuple(inside["version"]) < PYTHON_NEEDED:
            raise SetupError(f"{self.venv} runs Python {dotted(inside['version'])}, 3.11 is needed; move it away")
        torch = inside["torch"]
        if stamp is None:
            say("installing into the .venv that is there")
            stamp = {"built": False, "interpreter": identity(inside), "kept": torch, "torch": None, "extras": []}
        elif stamp["kept"] is not None or (stamp["torch"] is not None and stamp["torch"] != torch):
            stamp = {**stamp, "kept": torch}
        if stamp["kept"] is not None:
            self.check_torch(torch)
            say(f"torch {torch['version']} is kept")
        self.install(stamp)

    def install(self, stamp: dict) -> None:
        """Let pip install the package and what it needs, the kept torch held where it is; write the stamp last."""
        extras, torch = sorted(self.extras | set(stamp["extras"])), stamp["kept"]
        stamp = {**stamp, "repository": str(self.repository), "digest": self.digest(), "extras": extras}
        self.write_stamp({**stamp, "torch": None, "stage": "installing"})
        constraints = (self.repository / "constraints.txt").read_text()
        if torch is not None:
            constraints = re.sub(r"(?m)^torch==.*$", f"torch=={torch['version']}", constraints)
        held = self.venv / "constraints.txt"
        held.write_text(constraints)
        listed = ",".join(extra for extra in extras if extra not in ALONE)
        package = f"{self.repository}[{listed}]" if listed else str(self.repository)
        pip = [self.python, "-m", "pip", "install", "--disable-pip-version-check"]
        self.must([*pip, "-c", str(held), "-e", package], "pip could not install what is needed (its reason is above)")
        alone = [name for extra in extras for name in ALONE.get(extra, ())]
        if alone:
            self.must([*pip, "-c", str(held), "--no-deps", *alone], f"pip could not install {' '.join(alone)}")
        self.must([self.python, "-c", "import torch, hive_mind"], "torch or hive_mind cannot be imported in .venv")
        inside = self.probe(self.python)
        if torch is not None and inside["torch"] != torch:
            raise SetupError(f"pip put torch {inside['torch']['version']} before your {torch['version']}; remove .venv")
        self.write_stamp({**stamp, "stage": "done", "torch": inside["torch"]})
        say(f".venv is ready: Python {dotted(inside['version'])}, torch {inside['torch']['version']}")

    def must(self, command: list[str], failure: str) -> None:
        """Run a command that set-up cannot do without."""
        code, _ = self.run_command(command)
        if code != 0:
            raise SetupError(f"{failure}; mend that and run make again, it goes on from here")

    # what is said and checked

    def check_interpreter(self, found: dict | None) -> None:
        """Raise SetupError unless the interpreter can carry a .venv."""
        if found is None:
            raise SetupError(
                f"{self.interpreter} does not start; set PYTHON to another, e.g. make setup PYTHON=python3.12"
            )
        if tuple(found["version"]) < PYTHON_NEEDED:
            newer = next((name for name in NEWER_PYTHONS if shutil.which(name) and self.probe(name)), None)
            advice = f"make setup PYTHON={newer}" if newer else "install one and name it: make setup PYTHON=python3.12"
            raise SetupError(
                f"{self.interpreter} is Python {dotted(found['version'])}, 3.11 or newer is needed; {advice}"
            )
        if not found["can_build"]:
            raise SetupError(f"{self.interpreter} has no venv module (on Debian and Ubuntu: apt install python3-venv)")

    def check_torch(self, torch: dict) -> None:
        """Raise SetupError if a torch that must not be replaced is too old."""
        numbers = tuple(int(part) for part in re.findall(r"\d+", torch["version"])[:2])
        if numbers < TORCH_NEEDED:
            raise SetupError(
                f"torch {torch['version']} in {torch['folder']} is older than {dotted(TORCH_NEEDED)} and is not "
                "replaced by set-up; upgrade it yourself or name an interpreter without it: make setup PYTHON=..."
            )

    def say_what_is_downloaded(self) -> None:
        """Say which torch pip will fetch, how much that is, and how to bring another."""
        version = re.search(r"(?m)^torch==(.*)$", (self.repository / "constraints.txt").read_text())[1]
        say(f"{self.interpreter} has no torch: pip downloads torch {version} and the packages in constraints.txt.")
        say(default_build(platform.system(), platform.machine()) + self.gpu_seen() + OWN_TORCH)

    def gpu_seen(self) -> str:
        """Return a sentence on whether the default build suits the GPU that this machine shows."""
        if any(self.devices.glob("nvidia[0-9]*")):
            return " It will use the NVIDIA GPU of this machine."
        if (self.devices / "kfd").exists():
            return " It will NOT use the AMD GPU of this machine, which needs a ROCm build."
        return " No GPU is seen on this machine: a CPU build does the same and is much smaller."

    def digest(self) -> str:
        """Return what stands for everything that decides what is installed."""
        inputs = [(self.repository / name).read_bytes() for name in INPUTS]
        return hashlib.sha256(b"\0".join(inputs)).hexdigest()

    def write_stamp(self, stamp: dict) -> None:
        """Write the stamp whole or not at all."""
        part = self.venv / (STAMP + ".part")
        part.write_text(json.dumps(stamp, indent=2) + "\n")
        part.replace(self.venv / STAMP)


def default_build(system: str, machine: str) -> str:
    """Say what pip's default torch is on a platform, in words: sizes change with every release."""
    if system == "Linux" and machine in ("x86_64", "AMD64"):
        return "On Linux x86_64 that is by default the CUDA build: several gigabytes with NVIDIA's libraries."
    if system == "Darwin":
        return "On macOS that is the CPU and Metal build: a few hundred megabytes in all."
    return f"On {system} {machine} that is the platform's default build: some hundred megabytes or more."


def identity(found: dict) -> list[str]:
    """Return what tells one interpreter from another: its prefix and version (both of one prefix share /usr)."""
    return [os.path.realpath(found["prefix"]), dotted(found["version"][:2])]


def empty(folder: Path) -> None:
    """Remove everything inside a folder, which may itself be a link."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def sees_system(prefix: str) -> bool:
    """Tell whether a virtual environment lets its base interpreter's packages through."""
    lines = Path(prefix, "pyvenv.cfg").read_text().lower().splitlines()
    return any(line.replace(" ", "") == "include-system-site-packages=true" for line in lines)


def dotted(version: Sequence[int]) -> str:
    """Format (3, 11, 7) as 3.11.7."""
    return ".".join(str(part) for part in version)


def say(text: str) -> None:
    """Print narration to standard error."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Read the arguments and run set-up; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extra", action="append", default=[], help="an extra of pyproject.toml, e.g. dev")
    parser.add_argument("--chosen", action="store_true", help="this interpreter was named by the user: build on it")
    arguments = parser.parse_args()
    try:
        Setup(REPOSITORY, arguments.extra, arguments.chosen).run()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run make again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
