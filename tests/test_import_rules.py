"""Who may import whom: the web process stays free of pixels, the workers free of TensorFlow, `ml` free of the web.

The first tests load each part in a fresh interpreter and read `sys.modules`: what really arrives, however indirectly.
The last reads every import statement, those inside functions too: what could arrive later.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from ml.inference.contract import AnalysisError

ROOT = Path(__file__).resolve().parent.parent

TRAINING = {"tensorflow", "keras", "torch", "jax", "h5py", "sklearn", "matplotlib", "pandas"}
PIXELS = {"cv2", "ai_edge_litert", "PIL", "numpy"}
WEB = {"webapp", "flask", "flask_socketio", "socketio", "engineio", "eventlet", "gunicorn", "werkzeug"}

LIBRARIES = (
    *("ml.console", "ml.data", "ml.training", "ml.evaluation", "ml.inference", "ml.model", "ml.calibration"),
    *("ml.serving_network", "ml.serving_choice", "ml.quantize", "ml.artifact", "ml.arguments"),
)
"""What the commands of training and evaluation share. A command is not among them."""

# From which of the project's modules a part may import: the longest matching prefix on the left decides.
MAY_IMPORT = {
    "wsgi": ("webapp",),
    "gunicorn.conf": ("webapp",),
    "webapp": ("webapp", "ml.inference.contract", "ml.inference.card", "ml.inference.tracks", "ml.inference.log_lines"),
    "webapp.pool": ("webapp.pool", "ml.inference.contract", "ml.inference.protocol"),
    "ml": LIBRARIES,
    "ml.console": (),
    "ml.arguments": ("ml.console",),
    "ml.evaluation": ("ml.console", "ml.evaluation", "ml.data", "ml.inference"),
    "ml.training": ("ml.console", "ml.training", "ml.evaluation", "ml.data", "ml.inference", "ml.model"),
    "ml.calibration": ("ml.inference.card", "ml.inference.contract"),
    "ml.serving_network": ("ml.calibration", "ml.model"),
    "ml.quantize": ("ml.inference.preprocess",),
    "ml.data": ("ml.console", "ml.data", "ml.inference.contract", "ml.inference.formats", "ml.inference.preprocess"),
    "ml.data.crop": ("ml.console", "ml.data", "ml.inference"),  # faces are cut by the code that serves
    "ml.model": ("ml.inference.contract",),
    "ml.batch": ("ml.batch", "ml.inference"),
    "ml.predict": ("ml.console", "ml.batch", "ml.inference"),
    "ml.inference": ("ml.inference",),
    "ml.inference.contract": (),
    "ml.inference.log_lines": (),
    "ml.inference.formats": (),
    "ml.inference.card": ("ml.inference.contract",),
    "ml.inference.protocol": ("ml.inference.contract",),
    "ml.inference.tracks": ("ml.inference.contract", "ml.inference.assignment"),
    "ml.inference.assignment": (),
}
# The libraries of the analyzer worker, beside the standard library.
WORKER_LIBRARIES = {"numpy", "cv2", "ai_edge_litert"}


def modules_after(statement: str, tmp_path: Path) -> set[str]:
    """Names in `sys.modules` after the statement ran in a fresh interpreter, which prints nothing."""
    report = tmp_path / "modules.json"
    program = (
        f"{statement}\nimport json, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(json.dumps([*sys.modules]))"
    )
    environment = os.environ | {"EMOTION_WORKERS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(report)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "", f"importing does nothing, yet it printed: {done.stdout}"
    return set(json.loads(report.read_text("utf-8")))


def top_level(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def of_the_project(names: set[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] in {"ml", "webapp", "wsgi"}}


@pytest.mark.parametrize("module", ["wsgi", "webapp", "webapp.events", "webapp.api"])
def test_the_web_process_loads_no_pixels_and_no_training(module: str, tmp_path: Path) -> None:
    loaded = modules_after(f"import {module}", tmp_path)
    assert not top_level(loaded) & (PIXELS | TRAINING)
    of_ml = {name for name in loaded if name.startswith("ml.")}
    used = ("contract", "protocol", "card", "tracks", "assignment", "log_lines")
    assert of_ml == {"ml.inference"} | {f"ml.inference.{name}" for name in used}


def test_the_pool_knows_no_tracker() -> None:
    """The pool moves pictures; only the connection knows whose faces they show."""
    files = sorted((ROOT / "webapp" / "pool").glob("*.py"))
    assert files
    for path in files:
        assert not [name for name, _ in imports_of(path) if within(name, ("ml.inference.tracks",))], path.name
        assert "Tracker" not in path.read_text("utf-8"), path.name


def test_ml_knows_no_http_status() -> None:
    """An error is named by its code; what HTTP makes of it is decided where HTTP is spoken."""
    statuses = {status.value for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}
    for path in sorted((ROOT / "ml").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = getattr(node, "id", getattr(node, "attr", getattr(node, "arg", None)))
            assert named not in {"HTTPStatus", "status", "status_code"}, f"{path}: {named} belongs to the web"
        if path.name == "contract.py":
            numbers = {n.value for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Constant)}
            assert not numbers & statuses
    assert not any(hasattr(kind, "status") for kind in AnalysisError.__subclasses__())


def test_a_worker_loads_neither_tensorflow_nor_the_web(tmp_path: Path) -> None:
    loaded = modules_after("import ml.inference.worker", tmp_path)
    assert not top_level(loaded) & (TRAINING | WEB)
    assert {name for name in of_the_project(loaded) if not name.startswith("ml.inference")} <= {"ml"}


def test_the_contract_needs_the_standard_library_only(tmp_path: Path) -> None:
    loaded = modules_after("import ml.inference.contract", tmp_path)
    assert of_the_project(loaded) == {"ml", "ml.inference", "ml.inference.contract"}
    assert not top_level(loaded) & (PIXELS | TRAINING | WEB)


def project_files() -> list[Path]:
    files = [ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
    return files + sorted((ROOT / "webapp").rglob("*.py")) + sorted((ROOT / "ml").rglob("*.py"))


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, from anywhere in the file; relative imports are not used here."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: expected an absolute import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def broken_rule(module: str, name: str) -> str | None:
    """Why a module must not import a name, or None where it may."""
    part = max((prefix for prefix in MAY_IMPORT if within(module, (prefix,))), key=len)
    top = name.partition(".")[0]
    if top in {"ml", "webapp", "wsgi"}:
        allowed = within(name, MAY_IMPORT[part])
    elif part.startswith("ml.inference"):
        allowed = top in set(sys.stdlib_module_names) | WORKER_LIBRARIES
    elif part.startswith("ml"):
        allowed = top not in WEB
    else:
        allowed = top not in PIXELS | TRAINING
    return None if allowed else f"{part} must not import {name}"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", project_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_import_statement_points_the_right_way(path: Path) -> None:
    for name, line in imports_of(path):
        assert broken_rule(module_of(path), name) is None, f"{path.name}:{line}"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("ml.export", "ml.evaluate.evaluate"),  # a command imports a command
        ("ml.train", "ml.align.main"),
        ("ml.evaluation.scoring", "ml.training.runs.Run"),
        ("ml.evaluation.scoring", "ml.train.main"),
        ("ml.training.fit", "ml.export.export"),
        ("ml.data.folders", "ml.evaluation.scoring.score"),
        ("ml.batch.rows", "ml.data.load_pictures"),
        ("ml.inference.analyzer", "ml.data.load_pictures"),
        ("ml.inference.analyzer", "keras"),
        ("ml.training.fit", "flask"),
        ("ml.evaluation.scoring", "webapp.settings.Settings"),
        ("webapp.api", "ml.inference.analyzer.Analyzer"),
        ("webapp.events", "numpy"),
    ],
)
def test_a_broken_rule_is_found(module: str, name: str) -> None:
    assert broken_rule(module, name)


def wrong_test_import(path: str, name: str) -> bool:
    """Whether a file of the tests may not import a name: a test module, or a benchmark from outside the benchmarks."""
    is_test = any(part.startswith("test_") for part in name.split(".")[:-1]) and name.startswith("tests.")
    return is_test or (within(name, ("tests.bench",)) and not path.startswith("tests/bench/"))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT / "tests"))
)
def test_tests_share_code_through_support_and_conftest_only(path: Path) -> None:
    for name, line in imports_of(path):
        assert not wrong_test_import(path.relative_to(ROOT).as_posix(), name), f"{path}:{line} imports {name}"


def test_a_wrong_import_between_tests_is_found() -> None:
    assert wrong_test_import("tests/ml/test_train.py", "tests.ml.test_export.run_dir")
    assert wrong_test_import("tests/ml/test_train.py", "tests.bench.analyzer.read_clip")
    assert not wrong_test_import("tests/bench/server.py", "tests.bench.load.run_load")
    assert not wrong_test_import("tests/ml/test_train.py", "tests.support.waiting.wait_until")
