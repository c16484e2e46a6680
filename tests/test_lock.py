"""The lock file of the container: every requirement, exact, with hashes, and without known faults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "webapp" / "requirements.lock"
ADVISORIES = json.loads((ROOT / "deploy" / "advisories.json").read_text("utf-8"))


def locked() -> dict[str, list[tuple[Version, int]]]:
    """Versions and number of hashes by package; a package may have one version for each Python."""
    found: dict[str, list[tuple[Version, int]]] = {}
    text = re.sub(r"^\s*#.*\n", "", LOCK.read_text("utf-8"), flags=re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        name, version = re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", entry).groups()  # type: ignore[union-attr]
        found.setdefault(canonicalize_name(name), []).append((Version(version), entry.count("--hash=sha256:")))
    return found


def requirements() -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "webapp" / "requirements.txt").read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def test_every_requirement_is_locked_within_its_bounds() -> None:
    versions = locked()
    for requirement in requirements():
        for version, _ in versions[canonicalize_name(requirement.name)]:
            assert requirement.specifier.contains(version), f"{requirement} and {version}: run `make lock`"


def test_every_version_has_hashes_and_no_registry_is_named() -> None:
    assert all(count > 0 for entries in locked().values() for _, count in entries)
    assert "://" not in LOCK.read_text("utf-8")


@pytest.mark.parametrize("advisory", ADVISORIES, ids=lambda advisory: advisory["package"])
def test_no_locked_version_has_a_known_fault(advisory: dict[str, str]) -> None:
    for version, _ in locked()[advisory["package"]]:
        assert version >= Version(advisory["fixed_in"]), advisory["id"]


def test_the_image_installs_the_lock_file() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert "--require-hashes -r webapp/requirements.lock" in dockerfile
