"""What every command shares: UTF-8 output, Ctrl-C, a full disk, and outputs that are checked before the work.

Standard library only, so that a command can install all of it before the slow imports.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import importlib.util
import io
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells report it."""
GRACE_S = 0.3
"""Time for the main thread to react to Ctrl-C; after that a second thread ends the process."""

_scratch: set[Path] = set()


class OutputError(Exception):
    """A place that can't be written to. The message says what was expected and what was received."""


Advice = str | Callable[[], str]
"""How to go on after Ctrl-C or a full disk; a function is asked at that moment."""


def run(program: str, main: Callable[[], int], advice: Advice = "") -> None:
    """Run a command and exit with its code. Ctrl-C, a full disk and a closed pipe end it with one sentence at most.

    Args:
        program: name for messages, such as `ml.train`.
        advice: added to the sentence.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    before_imports(program, advice)
    code = 2
    try:
        code = main()
        sys.stdout.flush()
    except OutputError as error:
        print(f"{program}: {error}", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader closed the pipe
    except OSError as error:
        place = f": {printable(str(error.filename))}" if error.filename else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"expected room on the disk, received: {error.strerror}{place}{_appended(advice)}"
        else:
            reason = f"expected files that can be read and written, received: {error.strerror or error}{place}"
        print(f"{program}: {reason}", file=sys.stderr)
    sys.exit(code)


def count(text: str) -> int:
    """A command-line value that counts something: a whole number of at least 1."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, received {printable(text)}")
    return int(text)


def seed(text: str) -> int:
    """A command-line value for random generators: a whole number from 0 to 2³¹ - 1."""
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {2**31 - 1}, received {printable(text)}")
    return int(text)


def printable(text: str) -> str:
    """Text that every output can hold: bytes of a file name that are not UTF-8 are written as `\\xNN`."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # lone surrogates that no file name decodes to
        return text.encode("utf-8", "backslashreplace").decode()


def reason(error: Exception) -> str:
    """Why something failed, in a few words: of the system the reason without number and path, else the first sentence.

    Libraries go on with advice that does not fit these commands.
    """
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text.partition("\n")[0].partition(". ")[0])


def check_writable(path: Path, folder: bool = False) -> None:
    """Check before the work that a file, or files in a folder, can be written. Nothing is left behind.

    Raises:
        OutputError: it is a folder where a file is expected or the other way round, or it can't be written.
    """
    if folder and path.exists() and not path.is_dir():
        raise OutputError(f"expected a folder to write to, received {printable(str(path))}, which is a file")
    if not folder and path.is_dir():
        raise OutputError(f"expected a file to write to, received {printable(str(path))}, which is a folder")
    parent = path if folder else path.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    try:
        if not folder and path.exists():
            with path.open("ab"):
                return
        with tempfile.TemporaryFile(dir=parent):
            return
    except OSError as error:
        raise OutputError(
            f"expected a place that can be written to, received {printable(str(path))}: {error.strerror}"
        ) from error


@contextlib.contextmanager
def scratch_directory(target: Path) -> Iterator[Path]:
    """A temporary directory beside a target, on the same disk; removed in the end, also after Ctrl-C."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
        _scratch.add(Path(name))
        try:
            yield Path(name)
        finally:
            _scratch.discard(Path(name))


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: into a draft beside it, which then takes its name.

    Raises:
        OSError: the disk is full or refuses; the draft is removed, and an older file of that name is kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all; what UTF-8 can't hold is written as `\\xNN`."""
    write_file(path, printable(text).encode())


def before_imports(program: str, advice: Advice = "") -> None:
    """What a command does before its slow imports, which Ctrl-C may interrupt and where a package may be missing."""
    answer_interrupts(program, advice)
    name_missing_package(program)


def answer_interrupts(program: str, advice: Advice = "") -> None:
    """Let Ctrl-C end the process at once with one sentence, without waiting for other threads.

    The main thread reacts between two Python instructions. While it is busy inside a library, a second thread, woken by
    the signal's file descriptor, reacts in its place.
    """
    main_process = os.getpid()

    def leave() -> None:
        if os.getpid() == main_process:
            for directory in list(_scratch):
                shutil.rmtree(directory, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.write(2, f"\n{program}: stopped{_appended(advice)}\n".encode())
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, lambda *_: leave())
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def watch() -> None:
        while os.read(reading, 1)[0] != signal.SIGINT:
            pass
        threading.Event().wait(GRACE_S)
        leave()

    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=watch, name="interrupt", daemon=True).start()


def _appended(advice: Advice) -> str:
    text = advice if isinstance(advice, str) else advice()
    return f"; {text}" if text else ""


def name_missing_package(program: str) -> None:
    """Let the import of a package that is not installed end the process with one sentence and exit code 2."""
    otherwise = sys.excepthook

    def leave(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if not package or package == "ml":
            return otherwise(kind, error, traceback)
        reason = f"expected the package {package}, received none; install it with: pip install -r requirements.txt"
        print(f"{program}: {reason}", file=sys.stderr, flush=True)
        os._exit(2)

    sys.excepthook = leave


def load_tensorflow_library() -> None:
    """Load TensorFlow's library before the import does, which would keep Ctrl-C waiting for seconds.

    An import holds the interpreter's lock while the system loads a library; a foreign call releases it.
    """
    found = importlib.util.find_spec("tensorflow") if sys.platform == "linux" else None
    if found is None or os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return
    load = ctypes.CDLL(None).dlopen
    load.restype = ctypes.c_void_p
    for folder in found.submodule_search_locations or ():
        for name in ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"):
            load(os.fsencode(Path(folder, name)), os.RTLD_NOW)
