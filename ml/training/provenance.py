"""Where a trained file comes from: the command and the commit that made it, and the card that says so."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.console import printable, write_text


def provenance() -> dict[str, str | None]:
    """The running command and the commit of its code."""
    return {"command": printable(shlex.join(["python", *sys.orig_argv[1:]])), "commit": git_commit()}


def git_commit() -> str | None:
    """The commit of the running code, with `+` where files differ from it; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=12", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def write_detector_card(
    model: Path, parameters: int, training: Mapping[str, Any], metrics: Mapping[str, Any] | None = None
) -> None:
    """Write the card of a detection network beside its exported file.

    Args:
        model: the `.tflite`. parameters: number of weights of the network. training: `provenance` and the settings.
        metrics: what was measured on the exported file.
    """
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    card = {"name": model.stem, "sha256": digest, "parameters": parameters, "training": training}
    card |= {"metrics": metrics} if metrics else {}
    write_text(model.with_suffix(".json"), json.dumps(card, indent=1) + "\n")
