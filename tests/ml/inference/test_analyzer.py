"""Bytes to faces and emotions; bad bytes give named errors, and the next picture is analysed as usual."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.inference.analyzer import PHOTO_FRAMINGS, Analyzer
from ml.inference.contract import EMOTIONS, AnalysisError, BadImage, Box, NotAnImage, Region, Request, TooLarge
from ml.inference.geometry import iou
from tests.ml.inference.conftest import FakeModel
from tests.support.clips import one_face, read_clip, run_full, run_tracked

FACE = Box(222, 54, 110, 110)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds hardly a pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", BadImage),
        (b"hello, this is text", NotAnImage),
        (b"GIF89a\x01\x00\x01\x00", NotAnImage),
        (b"%PDF-1.7\n%", NotAnImage),
        (b"/9j/4AAQSkZJRgABAQAAAQABAAD", NotAnImage),
        (b"\xff\xd8\xff\xe0", BadImage),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), BadImage),
        (png_header(0, 0), BadImage),
        (png_header(12_000, 12_000), TooLarge),
    ],
    ids=["empty", "text", "gif", "pdf", "base64", "jpeg start", "png start", "0x0", "12000x12000"],
)
@pytest.mark.parametrize("thorough", [False, True])
def test_bad_bytes_are_named_and_the_next_picture_works(
    analyzer: Analyzer, astronaut_jpeg: bytes, content: bytes, error: type[AnalysisError], thorough: bool
) -> None:
    with pytest.raises(error, match=r"expected .+, received .+"):
        analyzer.analyze(Request(content, thorough=thorough))
    assert len(analyzer.analyze(Request(astronaut_jpeg)).faces) == 1


def test_a_truncated_jpeg_is_an_error_or_a_picture(analyzer: Analyzer, astronaut_jpeg: bytes) -> None:
    """JPEG decoders fill what is missing with grey: both answers are right, a crash is not."""
    for length in range(3, len(astronaut_jpeg), len(astronaut_jpeg) // 9):
        with contextlib.suppress(BadImage):
            assert analyzer.analyze(Request(astronaut_jpeg[:length])).width == 640


def test_a_photograph_is_read_in_several_framings_and_mirrored(
    analyzer: Analyzer, model: FakeModel, astronaut: np.ndarray
) -> None:
    analyzer.analyze_gray(astronaut)
    (live,) = model.seen
    model.seen.clear()
    (face,) = analyzer.analyze_gray(astronaut, thorough=True).faces
    assert face.confidence == 1
    assert len(model.seen) == 6
    for seen, mirrored in zip(model.seen[:3], model.seen[3:], strict=True):
        assert np.array_equal(seen[:, ::-1], mirrored)
    whole = model.seen[PHOTO_FRAMINGS.index(1.0)]
    assert np.corrcoef(live.ravel(), whole.ravel())[0, 1] > 0.7


def test_each_face_of_a_photograph_gets_its_own_answer(astronaut: np.ndarray) -> None:
    class Brightness(FakeModel):
        """Answers by how bright a crop is: half the pictures' range apart means another class."""

        def predict(self, crops: np.ndarray | list[np.ndarray]) -> np.ndarray:
            return np.eye(len(EMOTIONS), dtype=np.float32)[[int(crop.mean() > 60) for crop in crops]]

    two = np.hstack([astronaut, (astronaut * 0.25).astype(np.uint8)])
    faces = Analyzer(Brightness()).analyze_gray(two, thorough=True).faces
    by_place = {face.box.x > 640: face.dominant_emotion for face in faces}
    assert by_place == {False: EMOTIONS[1], True: EMOTIONS[0]}
    assert all(face.confidence == 1 for face in faces)


@pytest.mark.parametrize("shape", [(1, 1), (2, 600), (480, 640)])
@pytest.mark.parametrize("thorough", [False, True])
def test_a_picture_without_a_face_is_a_result(
    analyzer: Analyzer, model: FakeModel, shape: tuple[int, int], thorough: bool
) -> None:
    analysis = analyzer.analyze(
        Request(cv2.imencode(".png", np.full(shape, 90, np.uint8))[1].tobytes(), thorough=thorough)
    )
    assert (analysis.height, analysis.width) == shape
    assert analysis.faces == ()
    assert model.seen == []


@pytest.mark.parametrize("size_wh", [(640, 480), (512, 512), (1280, 960), (320, 240)])
@pytest.mark.parametrize("thorough", [False, True])
def test_a_portrait_has_exactly_one_face(
    analyzer: Analyzer, astronaut: np.ndarray, size_wh: tuple[int, int], thorough: bool
) -> None:
    width, height = size_wh
    picture = cv2.imencode(".jpg", cv2.resize(astronaut, size_wh))[1].tobytes()
    analysis = analyzer.analyze(Request(picture, thorough=thorough))
    assert len(analysis.faces) == 1
    face = analysis.faces[0]
    expected = Box(*(round(v * s) for v, s in zip(FACE.as_list(), [width / 640, height / 480] * 2, strict=True)))
    assert iou(face.box, expected) > 0.55
    assert (face.dominant_emotion, face.confidence, face.uncertain) == ("happy", 1.0, False)
    assert set(analysis.timing_ms) == {"decode", "detect", "classify", "total"}
    assert analysis.model["name"] == "fake"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pictures_are_turned_upright(analyzer: Analyzer, astronaut: np.ndarray, orientation: int) -> None:
    turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(astronaut, turns)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored.save(file, "JPEG", exif=exif, quality=95)
    analysis = analyzer.analyze(Request(file.getvalue()))
    assert (analysis.width, analysis.height) == (640, 480)
    assert [iou(face.box, FACE) > 0.6 for face in analysis.faces] == [True]


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
def test_formats(analyzer: Analyzer, astronaut: np.ndarray, extension: str) -> None:
    analysis = analyzer.analyze(Request(cv2.imencode(extension, astronaut)[1].tobytes()))
    assert len(analysis.faces) == 1


def test_a_known_face_spares_the_full_search(analyzer: Analyzer, astronaut_jpeg: bytes) -> None:
    near = (Region.of(FACE, 640, 480),)
    analysis = analyzer.analyze(Request(astronaut_jpeg, near, full_search=False))
    assert not analysis.full_search
    assert len(analysis.faces) == 1


def test_faces_come_largest_first_with_boxes_inside(analyzer: Analyzer) -> None:
    portrait = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)[0:220, 120:340]
    picture = np.full((240, 480), 128, np.uint8)
    picture[:180, :180] = cv2.resize(portrait, (180, 180), interpolation=cv2.INTER_AREA)
    picture[:, 240:] = cv2.resize(portrait, (240, 240), interpolation=cv2.INTER_LINEAR)
    faces = analyzer.analyze_gray(picture).faces
    assert len(faces) == 2
    assert faces[0].box.w > faces[1].box.w
    assert faces[0].box.x > faces[1].box.x
    for face in faces:
        assert sum(face.emotions) == pytest.approx(1.0)
        assert len(face.emotions) == len(EMOTIONS)
        assert 0 <= face.box.x
        assert face.box.x + face.box.w <= 480


@pytest.mark.parametrize("name", ["sorry.mkv", "again.mkv"])
def test_one_face_in_every_frame(analyzer: Analyzer, test_data: Path, name: str) -> None:
    """Recordings of one person each, in one of them with a skull printed on the shirt."""
    frames, times_s = read_clip(test_data / "video" / name)
    tracked = run_tracked(analyzer, frames[::2], times_s[::2])
    assert one_face(tracked) >= 0.98
    assert sum(analysis.full_search for analysis in tracked) <= 0.25 * len(tracked)
    full = run_full(analyzer, frames[::12], times_s[::12])
    assert one_face(full) >= 0.9
    assert one_face(tracked) >= one_face(full)


def test_two_people_keep_their_faces(analyzer: Analyzer, test_data: Path) -> None:
    frames, times_s = read_clip(test_data / "video" / "two-people-turning-heads.gif")
    counts = [len(analysis.faces) for analysis in run_tracked(analyzer, frames, times_s)]
    assert max(counts) <= 2
    assert min(counts[5:]) >= 1
