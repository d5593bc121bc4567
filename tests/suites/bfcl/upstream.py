"""bfcl-eval's own checker and data, fetched for the tests into the user's cache: never a dependency of the project.

Of its 130 dependencies the checker needs none: it imports a table of model vendors for one flag, and a stand-in for
that table is enough.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

VERSION = "2026.3.23"
LANGUAGES = {"simple_java": "JAVA", "simple_javascript": "JAVASCRIPT"}

REASONS = {
    "wrong_count": "wrong_count", "wrong_func_name": "wrong_name", "missing_required": "missing_required",
    "unexpected_param": "unexpected_parameter", "missing_optional": "missing_optional", "cannot_find_match": "no_match",
    "simple": "wrong_type", "nested": "wrong_item_type", "java": "not_source_text", "js": "not_source_text",
    "string": "wrong_text", "list/tuple": "wrong_list", "dict_key": "wrong_members",
    "dict_value": "wrong_member_value", "list_dict_count": "wrong_item_count", "others": "wrong_value",
    "unclear": "wrong_value",
}  # fmt: skip
"""Our word for each of the checker's error types, less the function that gives it."""


def reason(fault: str) -> str:
    """Return our word for an error type of the checker, "" for none."""
    return REASONS[fault.partition(":")[2]] if fault else ""


def fetch() -> Path:
    """Return the folder of the unpacked wheel; skip the test where it cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hive-mind-tests"
    folder = cache / f"bfcl-eval-{VERSION}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--retries", "1", "--timeout", "15"]
        command += ["--disable-pip-version-check", "--dest", scratch, f"bfcl-eval=={VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            said = (done.stderr.strip().splitlines() or ["no wheel"])[-1]
            pytest.skip(f"bfcl-eval {VERSION} cannot be fetched from the package registry ({said})")
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(Path(scratch, "unpacked"))
        try:
            Path(scratch, "unpacked").rename(folder)
        except OSError:
            assert folder.is_dir()  # another test process was faster
    return folder


class Upstream:
    """The checker, its readers of source literals, and the data folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "bfcl_eval" / "data"
        table = ModuleType("bfcl_eval.constants.model_config")
        table.MODEL_CONFIG_MAPPING = defaultdict(lambda: SimpleNamespace(underscore_to_dot=False))
        sys.path.insert(0, str(folder))
        sys.modules[table.__name__] = table
        try:
            from bfcl_eval.constants.enums import Language
            from bfcl_eval.eval_checker.ast_eval import ast_checker
        finally:
            sys.path.remove(str(folder))
            del sys.modules[table.__name__]
        self._check, self._language = ast_checker.ast_checker, Language
        source = Path(ast_checker.__file__).read_text(encoding="utf-8")
        self.reasons = set(re.findall(r'"error_type"(?::|\] =) "([^"]+)"', source))
        self.java, self.javascript = ast_checker.java_type_converter, ast_checker.js_type_converter

    def fault(self, functions, calls, answer, category) -> str:
        """Return the checker's error type, "" if it accepts. Raises whatever it raises."""
        language = self._language[LANGUAGES.get(category, "PYTHON")]
        made = self._check(functions, calls, answer, language, category, "any")
        return "" if made["valid"] else made["error_type"]
