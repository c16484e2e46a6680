"""The page's pure helpers, tested by Node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def test_pure_helpers(root: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node 20 or newer: none on the PATH")
    files = sorted((root / "tests" / "browser" / "unit").glob("*.test.mjs"))
    run = subprocess.run([node, "--test", *map(str, files)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"# pass {sum(file.read_text().count(chr(10) + 'test(') for file in files)}" in run.stdout
