"""Batch runs over very large folders: `python -m tests.bench.batch listing|resume|engines [--files N] [--json]`.

listing   lists N hard links to a few photos and writes a row for each, without reading them: memory and time
resume    reads N tiny files, every hundredth broken, is killed (SIGKILL) three times, goes on, and is checked
engines   reads the photos of a folder with local processes and with a Dask cluster of this machine: seconds
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tests.support.dry_run import listing
from tests.support.pictures import encoded, write_video

ROOT = Path(__file__).resolve().parents[2]
KILLS = 3


def resume(files: int) -> dict[str, Any]:
    """Half of the files are photos of one colour, half are videos of one frame with a face."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "in", Path(name) / "r.csv"
        folder.mkdir()
        video = write_video(Path(name) / "v.avi", 1, side=160).read_bytes()
        for number in range(files):
            broken, is_video = number % 100 == 50, number % 2 == 0
            data = b"broken" if broken else video if is_video else encoded(np.full((8, 8), number % 256, np.uint8))
            (folder / f"{number:06d}.{'avi' if is_video else 'jpg'}").write_bytes(data)
        command = [sys.executable, "-m", "ml.predict", str(folder), "--out", str(out), "--resume", "--quiet"]
        started_s, recorded, left = time.monotonic(), [], []
        for kill in range(1, KILLS + 1):
            process = subprocess.Popen(command, cwd=ROOT)
            while process.poll() is None and _rows(out) < kill * files // 2 // (KILLS + 1):
                time.sleep(0.2)
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()
            left.append(len(psutil.wait_procs(children, timeout=2)[1]))
            recorded.append(_rows(out))
        code = subprocess.run(command, cwd=ROOT).returncode
        sources = [row["source"] for row in csv.DictReader(out.open(encoding="utf-8"))]
        errors = [row["source"] for row in csv.DictReader(out.with_suffix(".errors.csv").open(encoding="utf-8"))]
        broken_files = [str(folder / f"{n:06d}.avi") for n in range(50, files, 100)]
        whole = [str(folder / f"{n:06d}.avi") for n in range(0, files, 2) if n % 100 != 50]
        return {
            "files": files,
            "rows_at_kills": recorded,
            "processes_left_after_2_s": left,
            "exit_code": code,
            "rows_right": sources == whole,
            "failures_right": errors == broken_files,
            "seconds": time.monotonic() - started_s,
        }


def _rows(out: Path) -> int:
    return max(0, out.read_bytes().count(b"\n") - 1) if out.exists() else 0


def engines(folder: Path, jobs: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for engine in ("local", "dask") * 2:
            out = Path(name) / f"{engine}.csv"
            command = [sys.executable, "-m", "ml.predict", str(folder), "--out", str(out), "--engine", engine]
            started_s = time.monotonic()
            subprocess.run([*command, "--jobs", str(jobs), "--quiet"], cwd=ROOT)
            results.setdefault(f"{engine}_s", []).append(round(time.monotonic() - started_s, 2))
        results["same_table"] = (Path(name) / "local.csv").read_bytes() == (Path(name) / "dask.csv").read_bytes()
    return results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.batch", description="Folders without limit.")
    parser.add_argument("part", choices=("listing", "resume", "engines"))
    parser.add_argument("folder", nargs="?", type=Path, help="for engines: photos")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args(arguments)
    match options.part:
        case "listing":
            result = listing(options.files)
        case "resume":
            result = resume(options.files)
        case _:
            result = engines(options.folder, options.jobs)
    print(json.dumps(result, indent=None if options.json else 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
