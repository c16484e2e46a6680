"""Kinds of picture and video files by name and by first bytes: the one list of suffixes. Standard library only."""

from __future__ import annotations

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".pjpeg", ".pjp", ".mpo"})
"""Names of JPEG files. An `.mpo` of a camera with two lenses is a JPEG followed by others; the first one is read."""
PHOTO_SUFFIXES = JPEG_SUFFIXES | frozenset(
    {".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".j2k"}
)
"""Suffixes of pictures that all commands read. The server reads JPEG, PNG and WebP only."""
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v"}
    | {".vob", ".mts", ".m2ts", ".ogv", ".wmv", ".asf", ".flv", ".f4v", ".mjpg", ".mjpeg", ".gif"}
)
"""Videos that are read, animated GIFs among them."""
JPEG_FILMS = frozenset({".mjpg", ".mjpeg"})
"""Videos that begin like a JPEG."""
OTHER_SUFFIXES = frozenset(
    {".heic", ".heif", ".hif", ".avif", ".jxl", ".jpf", ".jpx", ".tga", ".ico", ".psd", ".svg", ".apng", ".exr", ".hdr"}
    | {".xbm", ".xpm", ".pcx", ".qoi"}
    | {".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf", ".pef", ".srw"}
    | {".x3f", ".3fr", ".raw", ".insp", ".mxf", ".rm", ".rmvb", ".divx", ".dv", ".insv", ".heics", ".y4m", ".ogm"}
)
"""Suffixes of pictures and videos that are not supported: the commands list such files instead of ignoring them."""
FILE_FORMATS = {
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "GIF": (b"GIF87a", b"GIF89a"),
    "PNM": tuple(b"P%d%c" % (kind, blank) for kind in range(1, 7) for blank in b" \n\r\t"),
    "JPEG 2000": (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
}
"""First bytes of the formats that commands read and the server refuses."""
PICTURES = "JPEG, PNG, WebP, BMP, TIFF, PNM or JPEG 2000"
VIDEOS = "MP4, MOV, MKV, WebM, AVI, MPEG, WMV, FLV or animated GIF"


def sniff(data: bytes) -> str | None:
    """The picture format that the first bytes announce: `jpeg`, `png`, `webp`, or None for anything else."""
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def file_format(first: bytes) -> str | None:
    """The format that the first 16 bytes of a picture file announce: one of `sniff` or `FILE_FORMATS`, or None."""
    others = (name for name, magic in FILE_FORMATS.items() if first.startswith(magic))
    return sniff(first) or next(others, None)


def format_of_file(suffix: str, first: bytes) -> str | None:
    """As `file_format`, for a file of this suffix (lower case): the bytes decide, whatever picture the name announces.

    Two kinds of file begin like a picture and are none: a camera's raw picture, like a TIFF, and a film of JPEGs.
    """
    found = file_format(first)
    is_raw = found == "TIFF" and suffix in OTHER_SUFFIXES
    is_film = found == "jpeg" and suffix in JPEG_FILMS
    return None if is_raw or is_film else found
