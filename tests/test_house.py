"""What keeps the house in order: file sizes, docstrings, instant help, nothing of one machine in the repository."""

import ast
import os
import re
import resource
import statistics
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "hive_mind"
MODULES = sorted(SOURCE.rglob("*.py"))
HEAVY = ("torch", "transformers", "peft", "huggingface_hub", "matplotlib", "pydantic", "numpy")
HELP_SECONDS = 0.3
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:wor[k]|roo[t])/|/home/(?!(?:user|alex|you|me)\b)[a-z][\w-]*/|[/]tmp/hm\b")


def names(paths):
    return [str(path.relative_to(REPOSITORY)) for path in paths]


def test_a_module_holds_one_idea():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines[path] for name, path in zip(names(MODULES), MODULES, strict=True) if lines[path] > 420} == {}


def test_what_is_public_says_what_it_is_for():
    """What the `Source` protocol describes once need not be described again in every source."""
    undescribed = []
    for name, path in zip(names(MODULES), MODULES, strict=True):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tree.body and not ast.get_docstring(tree):
            undescribed.append(name)
        described = protocol_methods() if path.parent.name == "sources" else set()
        undescribed += [f"{name}: {node.name}" for node in public(tree) if node.name not in described]
    assert undescribed == []


def public(tree):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    return [node for node in found if not ast.get_docstring(node)]


def protocol_methods():
    tree = ast.parse((SOURCE / "sources" / "source.py").read_text(encoding="utf-8"))
    [protocol] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Source"]
    return {node.name for node in protocol.body if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)}


def test_help_is_instant():
    """CPU time of the process, not the clock's, so that a busy machine does not fail it."""
    command = [sys.executable, "-c", "from hive_mind.cli.main import main; main(['--help'])"]
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert "Usage: hive-mind" in done.stdout
    assert statistics.median(times) < HELP_SECONDS


def test_the_command_line_imports_nothing_heavy_before_a_command_runs():
    script = f"import sys, hive_mind.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_command_imports_a_model_library_before_it_runs():
    modules = [f"hive_mind.cli.{path.stem}" for path in (SOURCE / "cli").glob("*.py") if path.stem != "__init__"]
    heavy = ("torch", "transformers", "peft", "huggingface_hub", "matplotlib")
    script = f"import sys, {', '.join(modules)}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def tracked_files():
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of tracked files")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    files = [REPOSITORY / name for name in done.stdout.split("\0") if name]
    assert len(files) > 50
    return [file for file in files if file.is_file()]


def test_no_path_of_one_machine_is_in_the_repository():
    found = []
    for file in tracked_files():
        content = file.read_bytes()
        if b"\0" in content[:4096]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if MACHINE_PATHS.search(line) or str(REPOSITORY) + "/" in line:
                found.append(f"{file.relative_to(REPOSITORY)}:{number}: {line.strip()[:120]}")
    assert found == []


def test_nothing_large_or_pickled_is_in_the_repository():
    files = tracked_files()
    assert names(file for file in files if file.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt")) == []
    assert names(file for file in files if file.stat().st_size > 10_000_000) == []


def test_every_dependency_is_pinned_and_the_pins_are_in_range():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonical(name): version for name, version in pins.items()}
    assert pins["torch"] == "2.13.0", "without a local suffix, so that any build of it will do"
    from packaging.requirements import Requirement

    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    for requirement in map(Requirement, wanted):
        assert canonical(requirement.name) in pinned, f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(pinned[canonical(requirement.name)]), requirement


def test_what_the_dependencies_need_is_pinned_too():
    """Follows every installed package that the project and its dev extra lead to."""
    from packaging.requirements import Requirement

    text = (REPOSITORY / "constraints.txt").read_text()
    pinned = {canonical(line.split("==")[0]) for line in text.splitlines() if "==" in line}
    ahead, seen = ["hive-mind"], set()
    while ahead:
        name = ahead.pop()
        for requirement in map(Requirement, metadata.requires(name) or []):
            extra = "dev" if name == "hive-mind" else ""
            needed = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            if needed and canonical(requirement.name) not in seen and installed(requirement.name):
                seen.add(canonical(requirement.name))
                ahead.append(requirement.name)
    platform_only = {name for name in seen if name.startswith(("nvidia-", "cuda-", "triton", "pytorch-triton"))}
    assert seen - platform_only - pinned == set()


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(name):
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def test_ci_runs_from_anywhere_and_its_script_is_sound():
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
