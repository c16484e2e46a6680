"""The shipped aligner distinguishes faces from background and moves windows onto them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from ml.inference.align import FaceAligner, held_out
from ml.inference.geometry import Window

ROOT = Path(__file__).resolve().parents[3]
FACE = Window(222, 114, 110)
"""The astronaut's face at 512×512."""


@pytest.fixture(scope="module")
def aligner() -> FaceAligner:
    return FaceAligner()


def test_a_flat_picture_holds_no_face(aligner: FaceAligner) -> None:
    score, _ = aligner.look(np.full((100, 100), 128, np.uint8), Window(50, 50, 60))
    assert score < 0.5


@pytest.mark.parametrize(
    ("right", "down", "log_scale", "roll"), [(0, 0, 0, 0), (0.2, -0.1, 0.2, 0), (-0.15, 0.15, -0.25, 20)]
)
def test_windows_move_onto_the_face(
    aligner: FaceAligner, right: float, down: float, log_scale: float, roll: float
) -> None:
    portrait = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    start = FACE.moved(right, down, log_scale, np.radians(roll))
    score, window = aligner.align(portrait, start, steps=3)
    assert score > 0.8
    assert (window.x, window.y) == pytest.approx((FACE.x, FACE.y), abs=0.12 * FACE.side)
    assert window.side == pytest.approx(FACE.side, rel=0.25)
    assert abs(window.roll_deg) < 18


@pytest.mark.parametrize("network", ["align.FaceAligner()", "scan.FaceScanner().scan(Halves(gray), 1, 0.5)"])
def test_loading_a_network_prints_nothing(network: str) -> None:
    """LiteRT announces its delegate once in a process, hence one of its own."""
    program = (
        "import numpy; from ml.inference import align, scan; from ml.inference.halves import Halves\n"
        f"gray = numpy.zeros((64, 64), numpy.uint8)\n{network}"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_about_one_file_in_ten_is_held_out() -> None:
    share = np.mean([held_out(Path(f"{index:05d}.jpg")) for index in range(5000)])
    assert share == pytest.approx(0.1, abs=0.02)
