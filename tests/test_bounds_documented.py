"""The table of bounds in `docs/architecture.md` holds the values of the code, and no bound of the server is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(
    r"^\| (?P<bound>[^|]+) \| (?P<value>[\d.]+) (?P<unit>[^|]+) \| `(?P<file>[^`:]+):(?P<name>\w+)` \|$", re.M
)
CONSTANT = r"^(?:export )?(?:const )?(?P<name>{name})(?::[^=\n]+)? = (?P<value>[\d._e*<( )]+?);?(?:\s+#.*)?$"
FACTORS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
UNITS = {"_BYTES": set(FACTORS), "_MS": {"ms"}, "_S": {"s"}}

COMPLETE = (
    *("webapp/body.py", "webapp/meter.py", "webapp/open_sockets.py", "webapp/connection.py", "webapp/pictures.py"),
    *("webapp/eventlet_websocket.py", "webapp/threading_websocket.py"),
    *("webapp/pool/connection.py", "webapp/pool/pool.py", "webapp/pool/schedule.py", "webapp/pool/supervisor.py"),
    *("webapp/pool/worker_process.py", "ml/inference/protocol.py", "ml/inference/limits.py"),
)
"""Files whose constants are all bounds, but for those below."""
NO_BOUNDS = {"SWEEP_EVERY_S", "COMPLAIN_EVERY_S", "LIVE_WITHIN_S", "HEALTHY_AFTER_S"}


def constants(file: str, name: str = "[A-Z][A-Z_]*") -> dict[str, float]:
    """The numbers that a Python or JavaScript file gives names to at its top level."""
    text = (ROOT / file).read_text("utf-8")
    found = re.finditer(CONSTANT.format(name=name), text, re.M)
    return {match["name"]: eval(match["value"], {"__builtins__": {}}) for match in found}


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer((ROOT / "docs/architecture.md").read_text("utf-8")))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["name"])
def test_documented_bounds_equal_the_code(row: re.Match[str]) -> None:
    value = constants(row["file"], row["name"])[row["name"]]
    assert float(row["value"]) * FACTORS.get(row["unit"], 1) == value
    for ending, units in UNITS.items():
        if row["name"].endswith(ending) and "_PER_" not in row["name"]:
            assert row["unit"] in units


def test_every_bound_is_documented() -> None:
    documented = {(row["file"], row["name"]) for row in rows()}
    for file in COMPLETE:
        missing = [name for name in constants(file) if name not in NO_BOUNDS and (file, name) not in documented]
        assert missing == [], f"expected these constants of {file} in the table of bounds"
    assert {file for file, _ in documented} >= {file for file in COMPLETE if constants(file)}
