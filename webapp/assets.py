"""The files the pages are made of."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"


def page_version() -> str:
    """Twelve hexadecimal digits that change whenever a page, script, style or picture does."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in (TEMPLATES, STATIC) for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def eager_modules(entry: str) -> list[str]:
    """Every script that an entry imports, directly or not, when it starts: paths below `static/js`, without the entry.

    A page that lists them in `modulepreload` links loads them in parallel.
    """
    scripts = STATIC / "js"
    found = [scripts / entry]
    for path in found:
        for name in re.findall(r'^import[^;]*? from "(\.[^"]+)";', path.read_text("utf-8"), re.MULTILINE):
            imported = (path.parent / name).resolve()
            if imported not in found:
                found.append(imported)
    return [str(path.relative_to(scripts)) for path in found[1:]]
