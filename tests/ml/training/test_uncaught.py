"""A C++ exception that nothing catches: one type ends the process our way, every other one aborts it."""

from __future__ import annotations

import ctypes.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ctypes.util.find_library("stdc++")
ABORTED = -signal.SIGABRT


@pytest.mark.skipif(not LIBRARY, reason="needs the GNU C++ library")
@pytest.mark.parametrize(
    ("thrown", "code"),
    [("__cxa_bad_cast", 7), ("__cxa_bad_typeid", ABORTED), ("_ZSt9terminatev", ABORTED)],
    ids=["its type", "another type", "no exception"],
)
def test_the_end_after_a_cpp_exception(thrown: str, code: int) -> None:
    program = f"""
import ctypes, os
from ml.training.uncaught import on_uncaught
on_uncaught("St8bad_cast", {LIBRARY!r}, lambda: os._exit(7))
ctypes.CDLL({LIBRARY!r}).{thrown}()
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == code, done.stderr
