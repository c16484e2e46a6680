"""Every benchmark in one run: `python -m tests.bench` prints one table and writes one JSON file.

Each part is a command of its own whose last line is JSON; here they are run one after the other, in processes of their
own, so that none disturbs the next.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("EMOTION_TEST_DATA", ROOT.parent / "shared"))

PARTS: dict[str, tuple[str, list[str]]] = {
    "analyzer": ("analyzer", ["--clip", str(DATA / "video" / "sorry.mkv")]),
    "analyzer-again": ("analyzer", ["--clip", str(DATA / "video" / "again.mkv")]),
    "detection": ("detection", ["--data", str(DATA / "fer2013")]),
    "server": ("server", ["--search", "--bare"]),
    "page": ("page", []),
    "training": ("training", []),
}
"""The runs: each one's module and the arguments that it gets beside `--json`."""


def machine() -> dict[str, Any]:
    """What the figures were taken on: they mean nothing without it."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line for line in cpuinfo.read_text("utf-8").splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "cpu": model,
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or None,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def measure(part: str, extra: list[str]) -> dict[str, Any]:
    """Run one part to its end and read the last line it prints.

    Raises:
        RuntimeError: the part failed, or ended without a line of JSON.
    """
    module, arguments = PARTS[part]
    command = [sys.executable, "-m", f"tests.bench.{module}", "--json", *arguments, *extra]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode == 0:
        try:
            return json.loads(last)
        except ValueError:
            pass
    raise RuntimeError(f"{part}: expected JSON in the last line and status 0, received {last!r} and {done.returncode}")


def rows(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every figure of a nested result with its dotted name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from rows(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for index, inner in enumerate(value):
            yield from rows(inner, f"{name}[{index}]")
    elif isinstance(value, list):
        yield name, " ".join(map(_short, value))
    else:
        yield name, _short(value)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Run all benchmarks: one table, one file."
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="only these")
    parser.add_argument(
        "--peer", metavar="PYTHON", help="interpreter of an environment with the package fer, to compare"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "bench.json")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine()}
    failed = []
    for part in options.parts:
        print(f"measuring {part} …", file=sys.stderr, flush=True)
        try:
            results[part] = measure(
                part, ["--peer", options.peer] if options.peer and PARTS[part][0] == "analyzer" else []
            )
        except RuntimeError as error:
            failed.append(str(error))
    table = list(rows(results))
    width = max(len(name) for name, _ in table)
    print("\n".join(f"{name:<{width}}  {value}" for name, value in table))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to {options.out}", file=sys.stderr)
    for sentence in failed:
        print(sentence, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
