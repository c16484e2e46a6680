"""What a run reads: everything that looks like a picture or a video, once, in a fixed order."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.batch.sources import Failure, Source, find_sources, shown
from ml.data.reading import sort_entries
from ml.inference.contract import MAX_PIXELS
from ml.inference.formats import JPEG_SUFFIXES, PICTURES, VIDEOS

JPEG = b"\xff\xd8\xff\xe0 and more"


def listed(*paths: Path | str) -> dict[str, str]:
    """Name of each entry, and its kind or the code of its failure."""
    found = {}
    for source in find_sources(map(str, paths)):
        path = source.path if isinstance(source, Source) else source.source
        assert path not in found, "listed twice"
        found[path] = source.kind if isinstance(source, Source) else source.code
    return found


def test_no_paths_give_no_sources(tmp_path: Path) -> None:
    assert listed() == {}
    assert listed(tmp_path) == {}


def test_a_folder_stands_for_its_pictures_and_videos_by_name(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/z.PNG", "c.mp4", "old.bmp", "raw.nef", "phone.heic", "notes.txt", "photo.mpo"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"II*\0 of a raw picture" if name == "raw.nef" else b"some bytes")
    assert {Path(name).name: kind for name, kind in listed(tmp_path).items()} == {
        "z.PNG": "photo",
        "b.jpg": "photo",
        "c.mp4": "video",
        "photo.mpo": "photo",
        "old.bmp": "photo",
        **dict.fromkeys(("raw.nef", "phone.heic"), "not_an_image"),
    }
    assert [Path(name).name for name in listed(tmp_path)] == sorted(
        ["z.PNG", "b.jpg", "c.mp4", "old.bmp", "phone.heic", "photo.mpo", "raw.nef"], key=lambda n: n.replace("z.", "a")
    )


@pytest.mark.parametrize("suffix", [".heic", ".avif", ".nef", ".mp4", ".mov"])
def test_a_jpeg_under_the_name_of_another_kind_is_read_by_every_command(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(JPEG)
    assert list(listed(tmp_path).values()) == ["photo"]
    assert [path.name for path in sort_entries(tmp_path)[0]] == [f"a{suffix}"]


def test_a_film_of_jpegs_is_a_video_and_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.mjpeg").write_bytes(JPEG * 3)
    assert list(listed(tmp_path).values()) == ["video"]
    assert sort_entries(tmp_path)[0] == []


@pytest.mark.parametrize("suffix", [".bmp", ".tiff", ".pgm", ".jp2"])
def test_pictures_that_only_commands_read_are_known_by_name_and_by_bytes(tmp_path: Path, suffix: str) -> None:
    encoded = cv2.imencode(suffix, np.full((48, 48), 90, np.uint8))[1].tobytes()
    for name in (f"a{suffix}", "b"):
        (tmp_path / name).write_bytes(encoded)
    assert list(listed(tmp_path).values()) == ["photo"] * 2


def test_a_gif_without_a_suffix_is_read_as_one_with_it(tmp_path: Path) -> None:
    for name in ("a", "b.gif"):
        (tmp_path / name).write_bytes(b"GIF89a and more")
    assert list(listed(tmp_path).values()) == ["video", "video"]


def test_the_readme_names_the_formats_and_the_largest_picture() -> None:
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text("utf-8")
    assert PICTURES in readme
    assert VIDEOS in readme
    assert readme.count(f"{MAX_PIXELS // 1_000_000} megapixels") == 2, "of the commands and of the API"


@pytest.mark.parametrize("suffix", sorted(JPEG_SUFFIXES))
def test_every_name_of_a_jpeg_is_one(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"x{suffix.upper()}").write_bytes(JPEG)
    assert list(listed(tmp_path).values()) == ["photo"]


def test_a_picture_without_a_suffix_is_known_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "IMG_1").write_bytes(JPEG)
    (tmp_path / "LICENSE").write_text("text")
    (tmp_path / "x.dat").write_bytes(JPEG)
    assert [Path(name).name for name in listed(tmp_path)] == ["IMG_1"]
    assert list(listed(tmp_path / "x.dat").values()) == ["photo"], "named by the user"
    assert list(listed(tmp_path / "LICENSE").values()) == ["not_an_image"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "b.jpg").write_bytes(JPEG)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(JPEG)
    (folder / "linked").symlink_to("../elsewhere")
    (folder / "linked too").symlink_to("../elsewhere")
    (folder / "round").symlink_to(".")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    assert [Path(name).name for name in listed(folder)] == ["a.jpg", "b.jpg"]
    assert len(listed(folder, tmp_path)) == 2


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "dead.jpg").symlink_to("/nonexistent.jpg")
    (tmp_path / "mounted once").symlink_to("/nonexistent/folder")
    (tmp_path / "dead.txt").symlink_to("/nonexistent.txt")
    (tmp_path / "circle.png").symlink_to("circle.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.mp4"))
        found = listed(tmp_path)
    assert {Path(name).name for name in found} == {"dead.jpg", "mounted once", "circle.png", "pipe.jpg", "socket.mp4"}
    assert set(found.values()) == {"unreadable"}
    assert listed(tmp_path / "missing.jpg", tmp_path / "missing.jpg") == {str(tmp_path / "missing.jpg"): "unreadable"}


def test_a_folder_that_vanishes_or_is_closed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "z.jpg").write_bytes(JPEG)
    real = os.listdir

    def vanishing(path: str) -> list[str]:
        if path.endswith("gone"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return real(path)

    monkeypatch.setattr(os, "listdir", vanishing)
    assert {Path(name).name: kind for name, kind in listed(tmp_path).items()} == {
        "gone": "unreadable",
        "z.jpg": "photo",
    }


def test_a_folder_named_like_a_picture_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "frames.png").mkdir()
    (tmp_path / "frames.png" / "1.png").write_bytes(JPEG)
    assert [Path(name).name for name in listed(tmp_path)] == ["1.png"]


@pytest.mark.parametrize(("name", "text"), [(b"Caf\xe9.jpg", "Caf\\xe9.jpg"), ("Café.jpg".encode(), "Café.jpg")])
def test_names_that_are_no_text_are_shown_as_bytes(tmp_path: Path, name: bytes, text: str) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(JPEG)
    (source,) = find_sources([str(tmp_path)])
    assert isinstance(source, Source)
    assert os.fsencode(source.path) == path
    assert shown(source.path).endswith(text)
    shown(source.path).encode()


def test_failures_are_told_apart() -> None:
    (failure,) = find_sources(["/nonexistent/x.jpg"])
    assert failure == Failure(
        "/nonexistent/x.jpg", "unreadable", "expected a readable file or folder, received: no such file"
    )
