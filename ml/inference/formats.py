"""Kinds of picture and video files by name and by first bytes: the one list of suffixes. Standard library only."""

from __future__ import annotations

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".pjpeg", ".pjp", ".mpo"})
"""Names of JPEG files. An `.mpo` of a camera with two lenses is a JPEG followed by others; the first one is read."""
PHOTO_SUFFIXES = JPEG_SUFFIXES | {".png", ".webp"}
"""Suffixes of pictures that all commands read."""
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v"}
    | {".vob", ".mts", ".m2ts", ".ogv", ".wmv", ".asf", ".flv", ".f4v", ".mjpg", ".mjpeg", ".gif"}
)
"""Videos that are read, animated GIFs among them."""
OTHER_SUFFIXES = frozenset(
    {".bmp", ".dib", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".j2k", ".jpf", ".jpx", ".tga"}
    | {".ico", ".psd", ".svg", ".apng", ".exr", ".hdr", ".pbm", ".pgm", ".ppm", ".pnm", ".xbm", ".xpm", ".pcx", ".qoi"}
    | {".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf", ".pef", ".srw"}
    | {".x3f", ".3fr", ".raw", ".insp", ".mxf", ".rm", ".rmvb", ".divx", ".dv", ".insv", ".heics", ".y4m", ".ogm"}
)
"""Suffixes of pictures and videos that are not supported: the commands list such files instead of ignoring them."""


def sniff(data: bytes) -> str | None:
    """The picture format that the first bytes announce: `jpeg`, `png`, `webp`, or None for anything else."""
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None
