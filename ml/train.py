"""Train a network on a folder data set: `python -m ml.train --data DIR [--preset document|best] …`.

A run that was interrupted continues with `--resume` and ends where an uninterrupted one does.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from ml.arguments import missing_input
from ml.console import OutputError, check_writable, load_tensorflow_library, run, seed
from ml.training import STATE_FILE


def advice() -> str:
    """How to go on after an interruption: `--resume` needs a whole epoch, or at least a run that has begun."""
    if (results_folder(parse_arguments()) / STATE_FILE).exists():
        return "the same command with --resume continues after the last whole epoch"
    return "run the same command again"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.train", description="Train a network on a folder data set.")
    parser.add_argument("--data", required=True, help="directory with train/CLASS/*.jpg and test/CLASS/*.jpg")
    parser.add_argument("--preset", metavar="NAME", help="document (default), ensemble, best, or a part of these")
    parser.add_argument(
        "--from", dest="base", metavar="MODEL", help="adapt a trained model: shipped, or a run's .h5 file"
    )
    parser.add_argument("--epochs", type=int, help="default: the preset's; with --resume those of the run, or more")
    parser.add_argument("--batch-size", type=int, help="default: the preset's")
    parser.add_argument("--learning-rate", type=float, help="default: the preset's")
    parser.add_argument("--votes", metavar="CSV", help="how several people saw each picture; needed by the preset best")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N pictures of each class, for a quick try")
    parser.add_argument(
        "--out", type=Path, help="directory for the results; default runs/PRESET, runs/adapt with --from"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write Keras's TensorBoard logs as well")
    parser.add_argument(
        "--distributed",
        nargs=3,
        metavar=("HOST:PORT", "PROCESSES", "INDEX"),
        help="train with other processes, on JAX: address of process 0, their number, the number of this one from 0",
    )
    parser.add_argument("--seed", type=seed, help="default: 0")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: float32")
    return parser.parse_args(arguments)


def preset_name(options: argparse.Namespace) -> str:
    return "adapt" if options.base else options.preset or "document"


def results_folder(options: argparse.Namespace) -> Path:
    return options.out or Path("runs") / preset_name(options)


def refuse(message: str) -> int:
    print(f"ml.train: {message}", file=sys.stderr)
    return 2


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if missing := missing_input(options):
        return refuse(missing)
    if options.distributed:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else JAX logs lines about the end of another process
    load_tensorflow_library()
    from ml.data import DataError
    from ml.evaluation.report import print_table
    from ml.model import SHIPPED_NETWORK
    from ml.training.fit import train
    from ml.training.presets import PRESETS
    from ml.training.processes import ALONE, end_with_another, join, leave
    from ml.training.runs import Config, begun_settings

    names = [name for name in PRESETS if name != "adapt"]
    if options.preset and options.preset not in names:
        return refuse(f"expected --preset {', '.join(names)}, received {options.preset}")
    if options.tensorboard and importlib.util.find_spec("tensorboard") is None:
        return refuse("expected the package tensorboard with --tensorboard, received none: pip install tensorboard")
    if options.base and options.preset:
        return refuse("expected --from or --preset, received both: --from has its own settings")
    name = preset_name(options)
    preset = PRESETS[name]
    for option, least in (("epochs", 1), ("batch_size", 1), ("limit", 1)):
        if (value := getattr(options, option)) is not None and value < least:
            return refuse(f"expected --{option.replace('_', '-')} of at least {least}, received {value}")
    if options.learning_rate is not None and not 0 < options.learning_rate < float("inf"):
        return refuse(f"expected --learning-rate above 0, received {options.learning_rate}")
    base = str(SHIPPED_NETWORK) if options.base == "shipped" else options.base
    if base and not os.path.isfile(base):  # noqa: PTH113 (Path.is_file raises for some paths)
        return refuse(f"expected --from shipped or with a run's .h5 file, received {base}: there is no such file")
    out = results_folder(options)
    try:
        begun = begun_settings(out) if options.resume else {}
    except DataError as error:
        return refuse(str(error))

    def chosen(option: str, default: Any) -> Any:
        """The given value, else that of the run to resume, else the default."""
        given = getattr(options, option)
        return given if given is not None else begun.get(option, default)

    config = Config(
        data=options.data,
        preset=name,
        epochs=chosen("epochs", preset.epochs),
        batch_size=chosen("batch_size", preset.batch_size),
        learning_rate=chosen("learning_rate", preset.learning_rate),
        seed=chosen("seed", 0),
        precision=chosen("precision", "float32"),
        votes=chosen("votes", None),
        limit=chosen("limit", None),
        base=base,
    )
    try:
        for folder in filter(None, (out, options.tensorboard)):
            check_writable(folder, folder=True)
        processes = join(*options.distributed, program="ml.train") if options.distributed else ALONE
        report = train(config, out, options.resume, tensorboard=options.tensorboard, processes=processes)
    except (DataError, OutputError) as error:
        return refuse(str(error))
    except (RuntimeError, ValueError) as error:
        if processes.is_end_of_another(error):
            end_with_another("ml.train")
        raise
    if options.distributed:
        leave()
    if report:
        print_table(report)
        print(f"\nResults in {out}")
    return 0


if __name__ == "__main__":
    run("ml.train", main, advice)
