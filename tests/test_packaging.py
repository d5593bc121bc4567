"""The wheel holds everything that the package needs at run time, its licence, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built offline, from a copy so that no build folder is left in the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.part")
    shutil.copytree(REPOSITORY / "src", folder / "src", ignore=ignored)
    build = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", "out", "."]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [file] = (folder / "out").glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return folder / "src", archive.namelist(), archive.read(next(n for n in archive.namelist() if "METADATA" in n))


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    source, names, _ = wheel
    files = {str(path.relative_to(source)) for path in (source / "hive_mind").rglob("*") if path.is_file()}
    assert files - set(names) == set()
    assert "hive_mind/assets/tiny_base/model.safetensors" in names
    assert {name for name in set(names) - files if ".dist-info/" not in name} == set()


def test_licence_and_python_are_declared(wheel):
    _, names, metadata = wheel
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert b"License-Expression: Apache-2.0" in metadata
    assert b"Requires-Python: >=3.11" in metadata
