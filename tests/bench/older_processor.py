"""The network on older processors: `python -m tests.bench.older_processor --data DIR [--model FILE …]`.

The same machine pretends to lack VNNI, then all of AVX-512: in a copy of LiteRT every CPUID instruction is replaced by
a trap, whose handler (`older_processor.c`) leaves these features out. The kernels for them run natively.
Needs Linux on x86-64, gcc and objdump. Prints processor time, and how far answers differ.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from ml.inference.classifier import SHIPPED_MODEL, Classifier

LEVELS = ("this processor", "without VNNI", "without AVX-512")
PICTURES, ROUNDS = 100, 40
CPUID, TRAP = b"\x0f\xa2", b"\xcc\x90"


def trapped_copy(folder: Path) -> None:
    """Copy LiteRT to a folder, with a trap in place of each CPUID instruction."""
    package = importlib.util.find_spec("ai_edge_litert")
    assert package is not None
    assert package.submodule_search_locations
    copy = folder / "ai_edge_litert"
    shutil.copytree(package.submodule_search_locations[0], copy)
    for library in (copy / "libpywrap_litert_common.so", copy / "libLiteRt.so"):
        headers = subprocess.run(["objdump", "-h", library], capture_output=True, text=True, check=True).stdout
        text = re.search(r"\.text +(\w+) +(\w+) +\w+ +(\w+)", headers)
        assert text is not None
        moved = int(text[3], 16) - int(text[2], 16)
        listing = subprocess.run(["objdump", "-d", library], capture_output=True, text=True, check=True).stdout
        content = bytearray(library.read_bytes())
        for place in re.findall(r"^ *(\w+):.*\tcpuid", listing, re.MULTILINE):
            start = int(place, 16) + moved
            assert content[start : start + 2] == CPUID
            content[start : start + 2] = TRAP
        library.write_bytes(content)


def measure(model: Path, data: Path, answers: Path) -> None:
    """Print the milliseconds for one face and for five, and keep the answers to some pictures."""
    files = sorted((data / "test").glob("*/*"))
    pictures = np.stack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in files[:: len(files) // PICTURES]])
    classifier = Classifier(model)
    times_ms = []
    for count in (1, 5):
        best_s = float("inf")
        for _ in range(ROUNDS):
            started = time.process_time()
            classifier.predict(pictures[:count])
            best_s = min(best_s, time.process_time() - started)
        times_ms.append(best_s * 1000)
    np.save(answers, np.concatenate([classifier.predict(picture[None]) for picture in pictures]))
    print(f"one face {times_ms[0]:.2f} ms, five faces {times_ms[1]:.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.older_processor", description="The network without VNNI and without AVX-512."
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder whose test/ holds faces")
    parser.add_argument("--model", type=Path, nargs="+", default=[SHIPPED_MODEL], help=".tflite, cards beside them")
    parser.add_argument("--answers", type=Path, help="measure in this process, and write its answers to this file")
    options = parser.parse_args()
    if options.answers:
        measure(options.model[0], options.data, options.answers)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trapped_copy(folder)
        handler = folder / "handler.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", handler, source], check=True)
        for model in options.model:
            answers = []
            for level, title in enumerate(LEVELS):
                print(f"{model}, {title}: ", end="", flush=True)
                environment = {"PYTHONPATH": name, "LD_PRELOAD": str(handler), "WITHOUT": str(level)}
                kept = folder / f"{level}.npy"
                command = [sys.executable, "-m", "tests.bench.older_processor", "--data", options.data]
                command += ["--model", model, "--answers", kept]
                subprocess.run(command, env=os.environ | environment, check=True)
                answers.append(np.load(kept))
            differences = [float(np.abs(other - answers[0]).max()) for other in answers[1:]]
            print(f"  largest difference of a probability: {max(differences):.1e}")


if __name__ == "__main__":
    main()
