"""An analyzer worker: one process, one analyzer, one socket to the web process.

    python -m ml.inference.worker --socket unix:PATH|tcp:HOST:PORT [--model FILE]

It loads the model, connects, reports that it is ready, and answers one request after the other until its socket closes,
which is when the web process ends. `protocol` defines the messages.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.inference.card import SERVED, ModelCard
from ml.inference.contract import Analysis, AnalysisError, Busy, InternalError, ModelError
from ml.inference.limits import Analyzes, TimeLimited, limit_memory
from ml.inference.log_lines import FORMATS, request_id, start_logging
from ml.inference.process import end_with_parent, mute_native_lines
from ml.inference.protocol import (
    WORKER_TOKEN_VARIABLE,
    MessageReader,
    ProtocolError,
    reply_head,
    request_from_head,
    write_message,
)

NICENESS = 4
"""Lower priority of workers: on a busy machine the web process gets the processor first."""

log = logging.getLogger(__name__)


def connect(address: str) -> socket.socket:
    """Open the socket to the web process.

    Raises:
        ValueError: the address is neither `unix:PATH` nor `tcp:HOST:PORT`.
    """
    scheme, _, rest = address.partition(":")
    if scheme == "unix" and rest:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(rest)
        return connection
    host, _, port = rest.rpartition(":")
    if scheme == "tcp" and host and port.isdigit():
        connection = socket.create_connection((host, int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
    raise ValueError(f"expected unix:PATH or tcp:HOST:PORT, received {address!r}")


def serve(connection: socket.socket, analyzer: Analyzes, model: Mapping[str, Any]) -> None:
    """Say that the worker is ready, then answer requests until the other side closes.

    Args:
        model: what the pages show about the model (name, version, calibration error …).
    """
    ready = {
        "ready": True,
        "pid": os.getpid(),
        "token": os.environ.get(WORKER_TOKEN_VARIABLE, ""),
        "model": dict(model),
    }
    write_message(connection, ready)
    reader = MessageReader(connection)
    with contextlib.suppress(EOFError, ConnectionError, ProtocolError):
        while True:
            head, image = reader.read()
            write_message(connection, reply_head(_answer(analyzer, head, image), head["id"]))


def _answer(analyzer: Analyzes, head: Mapping[str, Any], image: bytes) -> Analysis | AnalysisError:
    """The analysis, or the error that explains why there is none. A bug is logged whole and shown without detail."""
    read_s = time.monotonic()
    try:
        request = request_from_head(head, image)
        request_id.set(request.log_id)
        if request.budget_ms <= 0:
            return Busy(f"expected time left for the picture, received a budget of {request.budget_ms:.0f} ms")
        analysis = analyzer.analyze(request)
    except AnalysisError as error:
        return error
    except Exception:
        log.exception("analysis failed after %.0f ms", (time.monotonic() - read_s) * 1000)
        return InternalError("The picture could not be analysed because of a fault in the server.")
    return analysis


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m ml.inference.worker", description="Answer pictures with faces.")
    parser.add_argument(
        "--socket", required=True, metavar="unix:PATH|tcp:HOST:PORT", help="where the web process waits"
    )
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="a .tflite with its card beside it (default: shipped)"
    )
    parser.add_argument("--log-format", choices=FORMATS, default="text", help="lines of the log (default: text)")
    options = parser.parse_args(arguments)
    start_logging(options.log_format, "warning")
    # Ctrl-C in a terminal reaches every process of the group; a worker ends when its socket closes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    limit_memory()
    if hasattr(os, "nice"):
        os.nice(NICENESS)

    from ml.inference.analyzer import Analyzer
    from ml.inference.classifier import SHIPPED_MODEL, Classifier

    try:
        classifier = Classifier(options.model or SHIPPED_MODEL)
        analyzer = Analyzer(classifier)
        analyzer.warm_up()
    except ModelError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    mute_native_lines()
    with connect(options.socket) as connection:
        serve(connection, TimeLimited(analyzer), model_facts(classifier.card))


def model_facts(card: ModelCard) -> dict[str, Any]:
    """What the pages show about the model, from its card.

    `ece` is the calibration error of the served output on `n` pictures that were not used for training. `judged_by`
    names the labels of that measurement: `people` (votes) if there are any, else the data set's `labels`.
    """
    reports = card.metrics.get("outputs", {}).get(SERVED, {})
    report = reports.get("people") or reports.get("folder") or {}
    return {
        "name": card.name,
        "version": card.version,
        "labels": list(card.labels),
        "uncertain_below": card.uncertain_below,
        "ece": report.get("ece"),
        "n": report.get("n"),
        "judged_by": "people" if "people" in reports else "labels",
    }


if __name__ == "__main__":
    main()
