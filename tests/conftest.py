"""Fixtures for all tests: the repository, real data where it is installed, the browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder with `fer2013/` (train, test, ferplus_votes.csv) and `video/`; named by EMOTION_TEST_DATA."""
    folder = Path(os.environ.get("EMOTION_TEST_DATA", ROOT.parent / "shared"))
    if not (folder / "fer2013").is_dir() or not (folder / "video").is_dir():
        pytest.skip(f"needs real data: expected fer2013/ and video/ in {folder} (set EMOTION_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium or Chrome; CHROMIUM names another one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("needs Chromium: none on the PATH (apt-get install chromium, or set CHROMIUM)")
    return found
