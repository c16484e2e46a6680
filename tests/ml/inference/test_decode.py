"""Decoding: every format is reduced to the same size, expensive files are refused, deep pictures are scaled."""

from __future__ import annotations

import io
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.inference.analyzer import Analyzer
from ml.inference.contract import BadImage, Box, Request, TooLarge
from ml.inference.decode import MAX_ASPECT, MAX_JPEG_SCANS, check_scans, check_shape, decode
from ml.inference.geometry import iou
from ml.inference.picture_size import PIECE_BYTES, jpeg_scans
from ml.inference.preprocess import decode_image, scale_to_8_bits

FACE = Box(222, 54, 110, 110)
PROCESSOR_S = 3.0
"""What one picture may cost. Taken as processor time, so that other work on the machine does not count."""


def encoded(gray: np.ndarray, extension: str, *options: int) -> bytes:
    return cv2.imencode(extension, gray, options)[1].tobytes()


def progressive(width: int, height: int, more_scans: int) -> bytes:
    """A progressive JPEG whose last scan is there many times over."""
    file = io.BytesIO()
    Image.new("L", (width, height), 120).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    return data[:-2] + data[data.rfind(b"\xff\xda") : -2] * more_scans + data[-2:]


def with_bytes_after_the_first_segment(jpeg: bytes, more: bytes) -> bytes:
    end = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:end] + more + jpeg[end:]


COMMENT = b"\xff\xfe\x00\x02"

COSTLY = {
    "lossless webp 6300x6300": lambda: encoded(
        np.full((6300, 6300), 7, np.uint8), ".webp", cv2.IMWRITE_WEBP_QUALITY, 101
    ),
    "png 6300x6300": lambda: encoded(np.full((6300, 6300), 7, np.uint8), ".png"),
    "png 3000x30": lambda: encoded(np.full((30, 3000), 90, np.uint8), ".png"),
    "png 30x3000": lambda: encoded(np.full((3000, 30), 90, np.uint8), ".png"),
    "png 1080x10000": lambda: encoded(np.full((10_000, 1080), 255, np.uint8), ".png"),
    "jpeg 20000x100": lambda: encoded(np.full((100, 20_000), 90, np.uint8), ".jpg"),
    "progressive jpeg 4000x3000": lambda: progressive(4000, 3000, 60),
    "jpeg of a million comments": lambda: with_bytes_after_the_first_segment(progressive(64, 64, 0), COMMENT * 10**6),
    "jpeg with 4 MB of padding": lambda: with_bytes_after_the_first_segment(
        progressive(64, 64, 0), b"\xff" * (4 << 20)
    ),
}
REFUSED = {
    "png 20000x1": (lambda: encoded(np.full((1, 20_000), 90, np.uint8), ".png"), BadImage),
    "png 1x20000": (lambda: encoded(np.full((20_000, 1), 90, np.uint8), ".png"), BadImage),
    "png 20000x20": (lambda: encoded(np.full((20, 20_000), 90, np.uint8), ".png"), BadImage),
    "jpeg 9000x4": (lambda: encoded(np.full((4, 9000), 90, np.uint8), ".jpg"), BadImage),
    "jpeg of 2500 scans": (lambda: progressive(640, 480, 2500), TooLarge),
    "jpeg of 300 scans, behind a byte that does not belong there": (
        lambda: with_bytes_after_the_first_segment(progressive(4000, 4000, 300), b"\0"),
        TooLarge,
    ),
    "jpeg of 300 scans, behind a million comments": (
        lambda: with_bytes_after_the_first_segment(progressive(640, 480, 300), COMMENT * 10**6),
        TooLarge,
    ),
    "jpeg of 90 scans, 40 megapixels": (lambda: progressive(7000, 5700, 90), TooLarge),
}


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("name", COSTLY)
def test_a_small_file_does_not_cost_a_worker(analyzer: Analyzer, name: str, thorough: bool) -> None:
    data = COSTLY[name]()
    started = time.process_time()
    assert analyzer.analyze(Request(data, thorough=thorough)).faces == ()
    assert time.process_time() - started < PROCESSOR_S


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_cost_a_worker_is_refused_before_it_is_decoded(analyzer: Analyzer, name: str) -> None:
    make, error = REFUSED[name]
    data = make()
    started = time.process_time()
    with pytest.raises(error, match=r"expected a .+, received \d+"):
        analyzer.analyze(Request(data, thorough=True))
    assert time.process_time() - started < 0.2


def test_a_photograph_of_40_megapixels_is_answered(analyzer: Analyzer, astronaut: np.ndarray) -> None:
    large = cv2.resize(astronaut, (7200, 5400), interpolation=cv2.INTER_LINEAR)
    for extension, thorough in ((".png", True), (".jpg", False)):
        options = (cv2.IMWRITE_PNG_COMPRESSION, 1) if extension == ".png" else ()
        analysis = analyzer.analyze(Request(encoded(large, extension, *options), thorough=thorough))
        assert (analysis.width, analysis.height) == (7200, 5400)
        scaled = Box(*(round(value * 11.25) for value in FACE.as_list()))
        assert [iou(face.box, scaled) > 0.5 for face in analysis.faces] == [True], extension


@pytest.mark.parametrize("extension", [".png", ".webp", ".jpg"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (640, 480), (1279, 10), (1280, 960), (5000, 30), (999, 4000)])
def test_every_format_is_reduced(extension: str, width: int, height: int) -> None:
    gray, size_wh = decode(encoded(np.full((height, width), 77, np.uint8), extension), 640)
    assert size_wh == (width, height)
    assert max(gray.shape) < 2 * 640
    assert max(gray.shape) == max(width, height) or max(gray.shape) >= 640
    assert gray[0, 0] == pytest.approx(77, abs=2)


def test_shapes_and_scans_at_their_limits() -> None:
    check_shape(MAX_ASPECT, 1)
    check_shape(8000, 5000)
    check_scans(progressive(64, 64, MAX_JPEG_SCANS - 6), 64 * 64)
    for width, height in ((MAX_ASPECT + 1, 1), (3, 3 * MAX_ASPECT + 1)):
        with pytest.raises(BadImage, match=rf"at most {MAX_ASPECT} times as long as wide, received {width}×{height}"):
            check_shape(width, height)
    with pytest.raises(TooLarge, match="at most 40,000,000 pixels, received 8001×5000"):
        check_shape(8001, 5000)
    with pytest.raises(TooLarge, match="at most 100 scans, received 101"):
        check_scans(progressive(64, 64, MAX_JPEG_SCANS - 5), 64 * 64)


def test_scans_are_counted() -> None:
    plain, stepwise = io.BytesIO(), io.BytesIO()
    picture = Image.new("RGB", (64, 64), (9, 120, 200))
    picture.save(plain, "JPEG")
    picture.save(stepwise, "JPEG", progressive=True)
    assert jpeg_scans(plain.getvalue()) == 1
    assert jpeg_scans(stepwise.getvalue()) == 10
    assert [jpeg_scans(data) for data in (b"", b"\xff", b"\xff\xda", b"\xff\xff\xda\xda")] == [0, 0, 1, 1]
    marker_across_pieces = bytes(PIECE_BYTES - 1) + b"\xff\xda" * 300
    assert jpeg_scans(marker_across_pieces) == 300


# Depths and colour spaces


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("offset", [0, 20_000])
def test_sixteen_bit_pictures_are_as_light_as_their_range(astronaut: np.ndarray, bits: int, offset: int) -> None:
    deep = (astronaut.astype(np.uint32) << (bits - 8)).astype(np.uint16)
    if offset and bits < 15:
        deep += offset
    gray = decode_image(encoded(deep, ".png"))
    assert gray.dtype == np.uint8
    assert np.corrcoef(gray.ravel(), astronaut.ravel())[0, 1] > 0.999
    assert np.abs(gray.astype(float) - astronaut).mean() < 6


def test_a_flat_deep_picture_stays_flat() -> None:
    noise = np.random.default_rng(0).integers(300, 320, (50, 60)).astype(np.uint16)
    assert np.ptp(scale_to_8_bits(noise)) <= 20
    assert np.ptp(scale_to_8_bits(np.full((5, 6), 65_535, np.uint16))) == 0
    assert scale_to_8_bits(np.full((5, 6), 65_535, np.uint16))[0, 0] in (0, 255)


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def kinds(gray: np.ndarray) -> dict[str, bytes]:
    """The same picture in the depths and colours that files come in."""
    image = Image.fromarray(gray)
    colour = np.dstack([gray, gray, gray])
    deep = (gray.astype(np.uint16) << 4) + 7
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "cmyk jpeg": saved(image.convert("RGB").convert("CMYK"), "JPEG"),
        "grey with alpha": saved(image.convert("LA"), "PNG"),
        "colour with alpha": saved(image.convert("RGBA"), "PNG"),
        "palette": saved(image.convert("P"), "PNG"),
        "4 bits": saved(image.quantize(16), "PNG", bits=4),
        "12 of 16 bits, colour": encoded(np.dstack([deep] * 3), ".png"),
        "12 of 16 bits, alpha": encoded(np.dstack([deep] * 3 + [np.full_like(deep, 65_535)]), ".png"),
        "16 bits, whole range": encoded(gray.astype(np.uint16) * 257, ".png"),
        "webp with alpha": saved(image.convert("RGBA"), "WEBP"),
        "turned webp": saved(Image.fromarray(np.ascontiguousarray(np.rot90(colour))), "WEBP", exif=exif),
        "turned png": saved(Image.fromarray(np.ascontiguousarray(np.rot90(gray))), "PNG", exif=exif),
    }


def test_depths_and_colours_do_not_hide_a_face(analyzer: Analyzer, astronaut: np.ndarray) -> None:
    for name, data in kinds(astronaut).items():
        analysis = analyzer.analyze(Request(data))
        assert (analysis.width, analysis.height) == (640, 480), name
        assert [iou(face.box, FACE) > 0.55 for face in analysis.faces] == [True], name
