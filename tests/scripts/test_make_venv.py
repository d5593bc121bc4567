"""Set-up in every case of the torch rule, on simulated interpreters with a simulated pip; two with the real ones."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_venv.py"
spec = importlib.util.spec_from_file_location("make_venv", SCRIPT)
make_venv = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_venv)

PINNED = "2.13.0"


class Machine:
    """A machine with interpreters and a pip of our own; it remembers every command that would change something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "hive-mind"
        (self.repository / "scripts").mkdir(parents=True)
        (self.repository / "pyproject.toml").write_text("[project]\n")
        (self.repository / "constraints.txt").write_text(f"numpy==2.4.6\ntorch=={PINNED}\ntyper==0.29.2\n")
        (self.repository / "scripts" / "make_venv.py").write_text("")
        self.devices = folder / "dev"
        self.devices.mkdir()
        self.interpreters: dict[str, dict] = {}
        self.venv_on: str | None = None
        self.sees_outer = False
        self.own_torch: str | None = None
        self.commands: list[list[str]] = []
        self.pip_works = True

    def interpreter(self, name, torch=None, version=(3, 11, 7), prefix=None, base_prefix=None, can_build=True):
        prefix = prefix or self.folder / name
        packages = Path(prefix) / "site-packages"
        packages.mkdir(parents=True, exist_ok=True)
        self.interpreters[name] = {
            "torch": self.torch(packages, torch), "prefix": str(prefix), "base_prefix": str(base_prefix or prefix),
            "version": list(version), "packages": [str(packages)], "can_build": can_build,
        }  # fmt: skip
        return name

    @staticmethod
    def torch(packages, version):
        if version is None:
            return None
        (packages / "torch").mkdir(parents=True, exist_ok=True)
        return {"version": version, "folder": str(packages / "torch")}

    @property
    def venv(self):
        return self.repository / ".venv"

    def setup(self, interpreter, *extras, chosen=False):
        self.commands.clear()
        make_venv.Setup(self.repository, extras, chosen, interpreter, self.run_command, self.devices).run()

    def run_command(self, command, capture=False):
        if command[1:] == ["-c", make_venv.PROBE]:
            assert capture
            return self._probe(command[0])
        self.commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            return self._venv(command)
        if command[1:4] == ["-m", "pip", "install"]:
            return self._pip(command)
        assert command == [str(self.venv / "bin/python"), "-c", "import torch, hive_mind"]
        return 0, ""

    def _probe(self, python):
        if python != str(self.venv / "bin/python"):
            if python not in self.interpreters:
                raise FileNotFoundError(python)
            return 0, json.dumps(self.interpreters[python])
        if not Path(python).exists():
            raise FileNotFoundError(python)
        return 0, json.dumps(self.inside())

    def inside(self):
        outer = self.interpreters[self.venv_on]
        packages = self.venv / "site-packages"
        on_top = self.sees_outer or (packages / make_venv.OUTER).exists()
        torch = self.torch(packages, self.own_torch) or (outer["torch"] if on_top else None)
        return {**outer, "torch": torch, "prefix": str(self.venv), "packages": [str(packages)]}

    def _venv(self, command):
        self.venv_on, self.own_torch = command[0], None
        self.sees_outer = "--system-site-packages" in command
        self.make_venv_folder()
        return 0, ""

    def make_venv_folder(self):
        (self.venv / "bin").mkdir(parents=True)
        (self.venv / "site-packages").mkdir()
        (self.venv / "bin/python").write_text("")
        (self.venv / "bin/python").chmod(0o755)

    def _pip(self, command):
        if not self.pip_works:
            return 1, ""
        held = Path(command[command.index("-c") + 1]).read_text()
        wanted = next(line for line in held.splitlines() if line.startswith("torch==")).removeprefix("torch==")
        there = self.inside()["torch"]
        if there is None or wanted not in (there["version"], there["version"].partition("+")[0]):
            self.own_torch = wanted
        return 0, ""

    def did(self, word):
        return [command for command in self.commands if word in command]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def stamp(machine):
    return json.loads((machine.venv / "hive-mind.json").read_text())


def test_without_torch_pip_installs_the_pinned_one_and_says_so_first(machine, capsys):
    machine.setup(machine.interpreter("python3"))
    said = capsys.readouterr().err
    assert f"pip downloads torch {PINNED}" in said
    assert "make setup PYTHON=" in said
    assert machine.did("venv") == [["python3", "-m", "venv", str(machine.venv)]]
    assert machine.own_torch == PINNED
    assert f"torch=={PINNED}" in (machine.venv / "constraints.txt").read_text()
    assert stamp(machine)["stage"] == "done"


@pytest.mark.parametrize("version", ["2.9.1+rocm7.0", "2.13.0+cu128", "2.14.1", "2.10.0a0+b1234.nv25.12"])
def test_a_torch_of_the_interpreter_is_kept_and_built_upon(machine, capsys, version):
    machine.setup(machine.interpreter("python3", torch=version))
    said = capsys.readouterr().err
    assert f"torch {version} in {machine.folder / 'python3'} is kept" in said
    assert "downloads" not in said
    assert machine.did("venv") == [["python3", "-m", "venv", "--system-site-packages", str(machine.venv)]]
    held = (machine.venv / "constraints.txt").read_text().splitlines()
    assert held == ["numpy==2.4.6", f"torch=={version}", "typer==0.29.2"]
    assert machine.own_torch is None
    assert stamp(machine)["kept"]["version"] == version


@pytest.mark.parametrize("sees_system", [False, True])
def test_a_torch_in_an_active_virtual_environment_is_kept_too(machine, sees_system):
    outer = machine.folder / "torch-env"
    outer.mkdir()
    (outer / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = {str(sees_system).lower()}\n")
    machine.setup(machine.interpreter("python3", torch="2.9.1+rocm7.0", prefix=outer, base_prefix="/usr"), chosen=True)
    assert (machine.venv / "site-packages" / make_venv.OUTER).read_text() == f"{outer / 'site-packages'}\n"
    assert bool(machine.did("--system-site-packages")) == sees_system
    assert machine.inside()["torch"]["version"] == "2.9.1+rocm7.0"
    assert machine.own_torch is None


def test_a_torch_that_is_too_old_stops_set_up_before_anything_is_done(machine):
    with pytest.raises(make_venv.SetupError, match=r"torch 2\.8\.0\+cu126 .* older than 2\.9 and is not replaced"):
        machine.setup(machine.interpreter("python3", torch="2.8.0+cu126"))
    assert machine.commands == []
    assert not machine.venv.exists()


def test_a_second_call_starts_no_process(machine, monkeypatch):
    python = machine.interpreter("python3")
    machine.setup(python, "dev")
    monkeypatch.setattr(machine, "run_command", None)
    machine.setup(python, "dev")
    machine.setup(python)


def test_another_extra_is_added_and_earlier_ones_stay(machine):
    python = machine.interpreter("python3")
    machine.setup(python, "dev")
    machine.setup(python, "parquet")
    assert machine.did("install")[0][-1] == f"{machine.repository}[dev,parquet]"
    assert machine.did("venv") == []


def test_what_comes_without_its_dependencies_is_no_extra_of_the_package(machine):
    python = machine.interpreter("python3")
    machine.setup(python, "eval")
    package, alone = machine.did("install")
    assert package[-1] == str(machine.repository) and "--no-deps" not in package
    assert alone[-2:] == ["--no-deps", "icalfa"] and alone[alone.index("-c") + 1] == package[package.index("-c") + 1]
    machine.setup(python, "dev")
    assert [command[-1] for command in machine.did("install")] == [f"{machine.repository}[dev]", "icalfa"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_inputs_install_again_and_may_move_our_own_torch(machine, name):
    python = machine.interpreter("python3")
    machine.setup(python)
    file = machine.repository / name
    file.write_text(file.read_text().replace(PINNED, "2.14.0") + "\n")
    machine.setup(python)
    assert len(machine.did("install")) == 1
    assert machine.did("venv") == []
    assert machine.own_torch == ("2.14.0" if name == "constraints.txt" else PINNED)


def test_changed_inputs_do_not_move_the_interpreters_torch(machine):
    python = machine.interpreter("python3", torch="2.9.1+rocm7.0")
    machine.setup(python)
    (machine.repository / "constraints.txt").write_text("torch==2.14.0\n")
    machine.setup(python)
    assert (machine.venv / "constraints.txt").read_text() == "torch==2.9.1+rocm7.0\n"
    assert machine.own_torch is None


def test_a_torch_that_the_user_put_into_our_venv_is_kept(machine, capsys):
    python = machine.interpreter("python3")
    machine.setup(python)
    machine.own_torch = "2.12.0+rocm7.0"
    (machine.repository / "constraints.txt").write_text("torch==2.14.0\n")
    machine.setup(python)
    assert machine.own_torch == "2.12.0+rocm7.0"
    assert "torch 2.12.0+rocm7.0 is kept" in capsys.readouterr().err
    (machine.repository / "constraints.txt").write_text("torch==2.15.0\n")
    machine.setup(python)
    assert machine.own_torch == "2.12.0+rocm7.0"


def test_a_venv_of_the_users_own_is_installed_into_and_its_torch_kept_even_after_a_failure(machine, capsys):
    python = machine.interpreter("python3")
    machine.venv_on = python
    machine.make_venv_folder()
    machine.own_torch = "2.12.0+rocm7.0"
    machine.pip_works = False
    with pytest.raises(make_venv.SetupError, match="pip could not install"):
        machine.setup(python)
    machine.pip_works = True
    machine.setup(python)
    assert machine.own_torch == "2.12.0+rocm7.0"
    assert "installing into the .venv that is there" in capsys.readouterr().err
    assert machine.did("venv") == []


def test_a_venv_of_the_users_own_is_never_wiped(machine):
    python, other = machine.interpreter("python3"), machine.interpreter("python3.12", version=(3, 12, 1))
    machine.venv_on = python
    machine.make_venv_folder()
    machine.setup(python)
    with pytest.raises(make_venv.SetupError, match="not made by set-up"):
        machine.setup(other, chosen=True)
    assert machine.commands == []


def test_a_failed_install_goes_on_in_the_same_venv(machine):
    python = machine.interpreter("python3")
    machine.pip_works = False
    with pytest.raises(make_venv.SetupError, match=r"reason is above.*goes on from here"):
        machine.setup(python)
    machine.pip_works = True
    machine.setup(python)
    assert machine.did("venv") == []
    assert machine.own_torch == PINNED


def test_a_half_made_venv_is_made_again(machine):
    python = machine.interpreter("python3")
    real = machine._venv
    machine._venv = lambda command: (1, "")
    with pytest.raises(make_venv.SetupError, match="venv failed"):
        machine.setup(python)
    machine._venv = real
    machine.setup(python)
    assert len(machine.did("venv")) == 1
    assert stamp(machine)["stage"] == "done"


def test_an_interpreter_that_the_user_names_replaces_our_venv_and_the_default_does_not_take_it_back(machine, capsys):
    plain, rocm = machine.interpreter("python3"), machine.interpreter("rocm/python", torch="2.9.1+rocm7.0")
    machine.setup(plain)
    machine.setup(rocm, chosen=True)
    assert "building it again on rocm/python" in capsys.readouterr().err
    assert machine.inside()["torch"]["version"] == "2.9.1+rocm7.0"
    assert machine.own_torch is None
    machine.setup(rocm, chosen=True)
    machine.setup(plain)
    assert machine.commands == []
    (machine.repository / "pyproject.toml").write_text("[project] # changed\n")
    machine.setup(plain)
    assert machine.did("venv") == []
    assert machine.inside()["torch"]["version"] == "2.9.1+rocm7.0"


def test_a_kept_torch_that_is_gone_rebuilds(machine, capsys):
    python = machine.interpreter("python3", torch="2.9.1+rocm7.0")
    machine.setup(python)
    Path(machine.interpreters[python]["torch"]["folder"]).rmdir()
    machine.interpreters[python]["torch"] = None
    machine.setup(python)
    assert "2.9.1+rocm7.0 is gone" in capsys.readouterr().err
    assert machine.own_torch == PINNED


def test_a_venv_whose_interpreter_is_gone_or_that_was_moved_is_built_again(machine):
    python = machine.interpreter("python3")
    machine.setup(python)
    (machine.venv / "bin/python").unlink()
    machine.setup(python)
    assert len(machine.did("venv")) == 1
    moved = machine.folder / "moved"
    machine.repository.rename(moved)
    machine.repository = moved
    machine.setup(python)
    assert len(machine.did("venv")) == 1
    assert stamp(machine)["repository"] == str(moved)


def test_an_old_python_is_refused_with_a_newer_one_named(machine, monkeypatch):
    old = machine.interpreter("python3", version=(3, 9, 2))
    with pytest.raises(make_venv.SetupError, match=r"Python 3\.9\.2, 3\.11 or newer is needed; install one"):
        machine.setup(old)
    machine.interpreter("python3.13", version=(3, 13, 0))
    monkeypatch.setattr(make_venv.shutil, "which", lambda name: name)
    with pytest.raises(make_venv.SetupError, match=r"make setup PYTHON=python3\.13$"):
        machine.setup(old)
    assert not machine.venv.exists()


def test_a_python_without_venv_or_none_at_all_is_named(machine):
    with pytest.raises(make_venv.SetupError, match="apt install python3-venv"):
        machine.setup(machine.interpreter("python3", can_build=False))
    with pytest.raises(make_venv.SetupError, match="does not start"):
        machine.setup("no-python")


def test_pip_putting_another_torch_in_front_is_an_error(machine):
    python = machine.interpreter("python3", torch="2.9.1+rocm7.0")

    def careless(command):
        machine.own_torch = "2.13.0"
        return 0, ""

    machine._pip = careless
    with pytest.raises(make_venv.SetupError, match=r"put torch 2\.13\.0 before your 2\.9\.1\+rocm7\.0"):
        machine.setup(python)
    assert stamp(machine)["stage"] == "installing"


@pytest.mark.parametrize(
    ("device", "expected"),
    [("nvidia0", "will use the NVIDIA GPU"), ("kfd", "will NOT use the AMD GPU"), ("null", "No GPU is seen")],
)
def test_the_gpu_at_hand_is_named_before_a_torch_is_downloaded(machine, capsys, device, expected):
    (machine.devices / device).touch()
    machine.setup(machine.interpreter("python3"))
    assert expected in capsys.readouterr().err


def test_what_pip_downloads_is_said_for_each_platform():
    assert "CUDA" in make_venv.default_build("Linux", "x86_64")
    assert "Metal" in make_venv.default_build("Darwin", "arm64")
    assert "Linux aarch64" in make_venv.default_build("Linux", "aarch64")


@pytest.fixture
def real(tmp_path):
    """Set-up with real interpreters and a real venv; only pip's downloads are left out."""
    repository = tmp_path / "hive-mind"
    (repository / "scripts").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", "scripts/make_venv.py"):
        (repository / name).write_bytes((SCRIPT.parents[1] / name).read_bytes())
    asked = []

    def run_command(command, capture=False):
        if command[1:4] == ["-m", "pip", "install"]:
            asked.append(command)
            return 0, ""
        if command[1:] == ["-c", "import torch, hive_mind"]:
            return 0, ""
        return make_venv.run_command(command, capture)

    return repository, asked, run_command


def test_a_real_venv_on_top_of_this_interpreter_sees_its_torch_and_pip_is_content(real):
    repository, asked, run_command = real
    make_venv.Setup(repository, [], True, sys.executable, run_command).run()
    mine = json.loads(make_venv.run_command([sys.executable, "-c", make_venv.PROBE], capture=True)[1])
    written = json.loads((repository / ".venv" / "hive-mind.json").read_text())
    assert written["torch"] == written["kept"] == mine["torch"]
    assert written["torch"]["folder"].startswith(tuple(sysconfig.get_paths()[key] for key in ("purelib", "platlib")))
    [[python, *_]] = asked
    held = str(repository / ".venv" / "constraints.txt")
    pip = [python, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps", "-c", held, "torch>=2.9"]
    answer = subprocess.run(pip, capture_output=True, text=True, check=False, env=without_pip_settings())
    assert answer.returncode == 0, answer.stderr
    assert "Requirement already satisfied: torch" in answer.stdout
    assert "Would install" not in answer.stdout


def test_make_setup_passes_on_whether_python_was_chosen(tmp_path):
    asked = tmp_path / "python3"
    asked.write_text('#!/bin/sh\necho "asked: $@"\n')
    asked.chmod(0o755)
    inherited = ("PYTHON", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")  # of the make that may be running these tests
    kept = {name: value for name, value in os.environ.items() if name not in inherited}
    environment = {**kept, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def make(*arguments, **more):
        command = ["make", "-s", "-C", str(SCRIPT.parents[1]), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment | more
        ).stdout.strip()

    assert make("setup") == "asked: scripts/make_venv.py"
    assert make("setup", f"PYTHON={asked}") == "asked: scripts/make_venv.py --chosen"
    assert make("setup", PYTHON=str(asked)) == "asked: scripts/make_venv.py --chosen"
    assert make("setup-dev") == "asked: scripts/make_venv.py --extra dev --extra eval"
    assert make("setup-eval") == "asked: scripts/make_venv.py --extra eval"


@pytest.mark.parametrize("there", [True, False])
def test_make_sandbox_installs_bubblewrap_where_it_is_missing(tmp_path, there):
    """With an apt-get of our own, whose lists of packages are empty at first."""
    programs = {
        "apt-get": 'echo "$*" >> "$ASKED"\n[ "$1" = update ] && touch "$ASKED.updated"\n[ -e "$ASKED.updated" ]\n',
        "sudo": '"$@"\n',
    } | ({"bwrap": "true\n"} if there else {})
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}")
        (tmp_path / name).chmod(0o755)
    for name in ("sh", "touch", "id"):
        (tmp_path / name).symlink_to(shutil.which(name))
    make = [shutil.which("make"), "-s", "-C", str(SCRIPT.parents[1]), "sandbox", f"SHELL={shutil.which('sh')}"]
    environment = {"PATH": str(tmp_path), "ASKED": str(tmp_path / "asked")}
    done = subprocess.run(make, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines() if (tmp_path / "asked").exists() else []
    install = "install -y -qq --no-install-recommends bubblewrap"
    assert asked == ([] if there else [install, "update -qq", install])


def without_pip_settings():
    """The environment without a machine's own pip settings, which may point at an index."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        "PIP_CONFIG_FILE": os.devnull,
    }
