"""What this process does when a library throws a C++ exception that nothing catches."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_HANDLER = ctypes.CFUNCTYPE(None)
_kept: list[object] = []
"""Handlers stay alive: the C++ runtime keeps their addresses."""


def on_uncaught(exception: str, library: str, end: Callable[[], None]) -> None:
    """Call `end` instead of aborting when a C++ exception of one type is caught nowhere; others abort as before.

    Uses `std::set_terminate` and `abi::__cxa_current_exception_type` of the Itanium C++ ABI (Linux and macOS); does
    nothing where the runtime has other names.

    Args:
        exception: name of the type as `std::type_info::name` gives it, such as `St8bad_cast`.
        library: path of a shared library that uses the C++ runtime in question.
        end: called in the thread that threw; must end the process.
    """
    runtime = ctypes.CDLL(library)
    try:
        set_terminate, current_type = runtime._ZSt13set_terminatePFvvE, runtime.__cxa_current_exception_type
    except AttributeError:
        return
    set_terminate.restype = current_type.restype = ctypes.c_void_p
    set_terminate.argtypes = [ctypes.c_void_p]

    def handle() -> None:
        if _type_name(current_type()) == exception:
            end()
        _HANDLER(before)()

    handler = _HANDLER(handle)
    _kept.append(handler)
    before = set_terminate(ctypes.cast(handler, ctypes.c_void_p))


def _type_name(type_info: int | None) -> str:
    """The name in a `std::type_info`: a pointer after that to its virtual functions. Empty without an exception."""
    if not type_info:
        return ""
    place = ctypes.cast(type_info, ctypes.POINTER(ctypes.c_char_p))
    return (place[1] or b"").decode()
