"""`from ml import analyze` answers as the server does, for a path, bytes or an array, and leaves nothing behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ml import analyze
from ml.inference.analyzer import Analyzer
from ml.inference.classifier import Classifier
from ml.inference.contract import AnalysisError, ModelError, Request

ROOT = Path(__file__).resolve().parents[3]
PORTRAIT = ROOT / "static" / "examples" / "portrait.jpg"


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"timing_ms": None}


def test_a_picture_without_anybody_has_no_faces() -> None:
    found = analyze(np.full((40, 60), 90, np.uint8))
    assert (found.faces, found.width, found.height) == ((), 60, 40)


def test_path_and_bytes_are_answered_as_over_http() -> None:
    analyzer = Analyzer(Classifier())
    analyzer.warm_up()
    request = Request(PORTRAIT.read_bytes(), thorough=True, budget_ms=1e6)
    expected = without_times(analyzer.analyze(request).to_dict())
    bmp = cv2.imencode(".bmp", cv2.imdecode(np.frombuffer(PORTRAIT.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE))[1]
    for picture in (PORTRAIT, bytearray(PORTRAIT.read_bytes()), bmp.tobytes()):
        assert without_times(analyze(picture).to_dict()) == expected
    assert [face["dominant_emotion"] for face in expected["faces"]] == ["happy"]


def test_an_array_says_the_order_of_its_channels() -> None:
    bgr = cv2.imread(str(PORTRAIT))
    bgr[..., 0] //= 4  # little blue: the two orders have different grey levels
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    expected = without_times(analyze(gray[..., None]).to_dict())
    alpha = np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)])
    strided = rgb[:, ::-1].copy()[:, ::-1]
    for found in (analyze(strided), analyze(bgr, channel_order="bgr"), analyze(alpha)):
        assert without_times(found.to_dict()) == expected
    assert without_times(analyze(bgr).to_dict()) != expected


@pytest.mark.parametrize(
    ("picture", "error"),
    [
        (None, TypeError),
        (3, TypeError),
        ([[1, 2], [3, 4]], TypeError),
        (np.zeros((4, 4), np.float32), ValueError),
        (np.zeros((4, 4, 2), np.uint8), ValueError),
        (np.zeros((2, 4, 4, 3), np.uint8), ValueError),
        (np.zeros((0, 4), np.uint8), ValueError),
        (np.zeros((1, 4000), np.uint8), AnalysisError),
        (b"", AnalysisError),
        (b"no picture", AnalysisError),
        (b"BM no picture", AnalysisError),
        ("missing.jpg", FileNotFoundError),
    ],
)
def test_anything_else_is_refused_in_a_sentence(picture: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"expected|No such file"):
        analyze(picture)


def test_a_wrong_order_and_a_missing_model_are_named() -> None:
    with pytest.raises(ValueError, match="'rgb' or 'bgr', received 'grb'"):
        analyze(PORTRAIT, channel_order="grb")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="expected"):
        analyze(PORTRAIT, model="missing.tflite")


def test_import_does_nothing_and_a_call_leaves_no_thread() -> None:
    program = f"""
import sys, os, threading
import ml
heavy = {{"numpy", "cv2", "ai_edge_litert", "ml.inference"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
environment = dict(os.environ)
from ml import analyze
faces = analyze({str(PORTRAIT)!r}).faces
assert len(faces) == 1
assert threading.enumerate() == [threading.main_thread()]
assert {{name for name in set(os.environ) ^ set(environment) if "THREADS" in name}} == set()
assert not {{"tensorflow", "keras", "torch"}} & set(sys.modules)
if os.path.isdir("/proc/self/task"):
    assert len(os.listdir("/proc/self/task")) == 1, os.listdir("/proc/self/task")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_lines_of_the_readme_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What users of `fer` and `deepface` do with their results, done with ours."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (block,) = (text for text in blocks if "from ml import analyze" in text)
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(block, names)
    fer, deepface = names["fer"], names["deepface"]
    assert max(fer[0]["emotions"], key=fer[0]["emotions"].get) == "happy"
    assert len(fer[0]["box"]) == 4
    assert deepface[0]["dominant_emotion"] == "happy"
    assert deepface[0]["emotion"]["happy"] > 50
    assert sum(deepface[0]["emotion"].values()) == pytest.approx(100)
    assert all(isinstance(deepface[0]["region"][name], int) for name in "xywh")
