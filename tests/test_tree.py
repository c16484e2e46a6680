"""The shape of the repository: what a newcomer expects to find, and what must never be in it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = {".py", ".js", ".css", ".html", ".md", ".toml", ".txt", ".conf", ".yaml", ".yml", ".json", ""}
MAX_FILE_BYTES = 10_000_000


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files git knows; from an unpacked archive without git there is nothing to check."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("needs a git checkout: expected `git ls-files` to work here")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "name",
    ["webapp", "ml", "templates", "static", "tests", "wsgi.py", "requirements.txt", "README.md", "Makefile", "LICENSE"],
)
def test_the_top_level_has(name: str) -> None:
    assert (ROOT / name).exists()


MODELS = sorted((ROOT / "ml" / "artifacts").glob("*.tflite"))


def test_three_models_are_shipped() -> None:
    assert [path.stem for path in MODELS] == ["align", "emotion", "scan"]


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_the_card_of_a_shipped_model_says_which_file_it_is_about_and_what_code_made_it(model: Path) -> None:
    """A commit with `+` is that of changed files, which nobody can look up."""
    card = json.loads(model.with_suffix(".json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    training, metrics = card["training"], card.get("metrics", {})
    commits = [training["commit"], training.get("export_commit"), metrics.get("commit")]
    assert all(re.fullmatch("[0-9a-f]{7,40}", commit) for commit in commits if commit is not None), commits
    assert "command" in training or "preset" in training
    assert metrics or "loss" in training, "expected figures of the training"


def test_no_file_is_too_large_for_a_repository(tracked: list[Path]) -> None:
    assert [path for path in tracked if path.stat().st_size > MAX_FILE_BYTES] == []


def test_nothing_is_left_to_do_in_the_text(tracked: list[Path]) -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    ours = [path for path in tracked if path.suffix in TEXT and "vendor" not in path.parts and path != Path(__file__)]
    found = [f"{path.relative_to(ROOT)}: {mark[0]}" for path in ours if (mark := marks.search(path.read_text("utf-8")))]
    assert found == []


def test_pages_load_nothing_from_elsewhere(tracked: list[Path]) -> None:
    """No CDN: everything a page loads comes from its own server."""
    elsewhere = re.compile(
        r"""(?:src|href)=["'](?:https?:)?//[^"']+["'][^>]*>|@import\s+["']?https?:|from\s+["']https?:"""
    )
    pages = [path for path in tracked if {"templates", "static"} & set(path.parts) and "vendor" not in path.parts]
    loads = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in pages
        if path.suffix in {".html", ".css", ".js"}
        for hit in elsewhere.finditer(path.read_text("utf-8"))
        if not hit[0].startswith("href") or "stylesheet" in hit[0]
    ]
    assert loads == []


def test_a_virtual_environment_that_is_a_link_is_ignored() -> None:
    """A pattern that ends with a slash ignores folders only, and Git takes a link for a file."""
    assert ".venv" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_tests_mirror_the_tree() -> None:
    """`tests/ml/test_data.py` tests `ml/data.py`, or the folder or page part that its name begins with."""
    strays = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.parent.relative_to(ROOT / "tests")
        if folder.parts[:1] not in {("ml",), ("webapp",)}:
            continue
        assert (ROOT / folder).is_dir(), f"expected a folder {folder} for {path.relative_to(ROOT)}"
        subject = path.stem.removeprefix("test_")
        modules = {module.stem for module in (ROOT / folder).glob("*.py")}
        if not any(subject == name or subject.startswith(name + "_") for name in modules):
            strays.append(str(path.relative_to(ROOT)))
    assert strays == []
