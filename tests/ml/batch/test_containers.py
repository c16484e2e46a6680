"""Whole videos are never reported as damaged, and damaged ones always are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

from ml.batch.containers import inspect
from ml.batch.contents import Contents
from tests.support.pictures import write_video

FRAMES = 40
WHOLE = {
    "whole.webm": "-c:v libvpx -deadline realtime -cpu-used 8",
    "clusters.webm": "-c:v libvpx -deadline realtime -cpu-used 8 -cluster_time_limit 300",
    "live.webm": "-c:v libvpx -deadline realtime -cpu-used 8 -f webm -live 1",
    "whole.mkv": "-c:v mpeg4",
    "h264.mkv": "-c:v libx264",
    "whole.mp4": "-c:v libx264 -bf 3",
    "index_first.mp4": "-c:v mpeg4 -movflags +faststart",
    "fragments.mp4": "-c:v libx264 -movflags +frag_keyframe+empty_moov -g 10",
    "whole.mov": "-c:v mpeg4",
    "whole.gif": "",
    "long_sound.mkv": "-f lavfi -i sine=duration=9 -c:v libx264 -c:a aac",
    "long_sound.mp4": "-f lavfi -i sine=duration=9 -c:v libx264 -c:a aac",
    **{
        f"variable.{suffix}": f"-vf select='not(mod(n,3))+lt(n,10)' -fps_mode vfr -c:v {codec}"
        for suffix, codec in (
            ("mp4", "libx264"),
            ("webm", "libvpx -deadline realtime"),
            ("mkv", "libx264"),
            ("avi", "mpeg4"),
        )
    },
}


def frames_of(path: Path) -> int:
    video, frames = cv2.VideoCapture(str(path)), 0
    while video.grab():
        frames += 1
    return frames


def is_whole(path: Path) -> bool:
    contents, read = inspect(str(path)), frames_of(path)
    return contents.damage is None and (contents.frames is None or read >= contents.frames)


def cut(data: bytes) -> bytes:
    return data[: len(data) * 55 // 100]


def hole(data: bytes) -> bytes:
    at, length = len(data) // 2, len(data) // 8
    return data[:at] + bytes(length) + data[at + length :]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of every container, as ffmpeg writes them."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg on the PATH (apt-get install ffmpeg)")
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "whole.avi", FRAMES, side=160)
    for name, options in WHOLE.items():
        _ffmpeg(f"-i {folder}/whole.avi {options} {folder}/{name}")
    _ffmpeg(f"-ss 1.1 -i {folder}/whole.mp4 -c copy {folder}/trimmed.mp4")
    _ffmpeg(f"-i {folder}/whole.mp4 -t 2.2 -c copy {folder}/ends_sooner.mp4")
    return folder


def _ffmpeg(options: str) -> None:
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-threads", "1", *options.split()], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["whole.avi", *WHOLE, "trimmed.mp4", "ends_sooner.mp4"])
def test_a_whole_video_has_no_damage(videos: Path, name: str) -> None:
    assert is_whole(videos / name), (inspect(str(videos / name)), frames_of(videos / name))
    assert frames_of(videos / name) > 10


@pytest.mark.parametrize(
    "name", ["whole.avi", "whole.mkv", "whole.webm", "clusters.webm", "live.webm", "index_first.mp4", "fragments.mp4"]
)
@pytest.mark.parametrize("damage", [cut, hole])
def test_a_damaged_video_is_noticed(videos: Path, tmp_path: Path, name: str, damage: type) -> None:
    path = tmp_path / name
    path.write_bytes(damage((videos / name).read_bytes()))
    assert not is_whole(path), (inspect(str(path)), frames_of(path))


def test_a_cut_gif_is_noticed(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.gif").write_bytes(cut((videos / "whole.gif").read_bytes()))
    assert not is_whole(tmp_path / "cut.gif")


@pytest.mark.parametrize("length", [0, 1, 8, 12, 40, 100])
def test_nonsense_does_not_raise(videos: Path, tmp_path: Path, length: int) -> None:
    for name in ("whole.avi", "whole.mkv", "index_first.mp4", "whole.gif"):
        (tmp_path / name).write_bytes((videos / name).read_bytes()[:length])
        assert isinstance(inspect(str(tmp_path / name)), Contents)
    (tmp_path / "zeros").write_bytes(bytes(length))
    assert inspect(str(tmp_path / "zeros")) == Contents()


def test_the_recordings_are_whole(test_data: Path) -> None:
    paths = [path for path in (test_data / "video").iterdir() if path.suffix in {".mkv", ".gif", ".mp4"}]
    assert paths
    assert all(map(is_whole, paths))
