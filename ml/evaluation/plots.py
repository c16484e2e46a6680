"""The plots of a run and of an evaluation."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from ml.console import write_file
from ml.inference.contract import DISPLAY_NAMES

BLUE, ORANGE, GREY = "#1D4ED8", "#C2410C", "#6F7785"


def training_curves(history: list[dict[str, float]], out: Path) -> None:
    """`trainingloss.png` and `trainingaccuracy.png`: training and validation over the epochs."""
    epochs = [row["epoch"] for row in history]
    for what in ("loss", "accuracy"):
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        axes.plot(epochs, [row[what] for row in history], color=BLUE, label="training")
        axes.plot(epochs, [row[f"val_{what}"] for row in history], color=ORANGE, label="validation")
        best = max(history, key=lambda row: row["val_accuracy"])
        axes.axvline(best["epoch"], color=GREY, linestyle=":", label=f"best weights (epoch {best['epoch']:.0f})")
        axes.set(xlabel="Epoch", ylabel=what.capitalize(), title=f"Training {what}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
        _save(figure, out / f"training{what}.png", 120)


def confusion_matrices(report: dict[str, Any], path: Path, title: str) -> None:
    """Counts and row-normalised shares side by side; rows are the labels, columns the predictions."""
    counts = np.asarray(report["confusion_matrix"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [DISPLAY_NAMES.get(name, name) for name in report["labels"]]
    figure, both = plt.subplots(1, 2, figsize=(15, 6.6), layout="constrained")
    figure.suptitle(f"{title}: accuracy {report['accuracy']:.1%} on {report['n']:,} pictures")
    panels = (both[0], counts, "{:,}", "Pictures"), (both[1], shares, "{:.0%}", "Share of each label")
    for axes, values, form, name in panels:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), value in np.ndenumerate(values):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, form.format(value), ha="center", va="center", color=color)
        axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="Predicted", ylabel="Label", title=name)
    _save(figure, path)


def reliability_diagram(steps_by_output: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Accuracy against confidence for each output; on the diagonal they are equal."""
    figure, axes = plt.subplots(figsize=(7, 6.5), layout="constrained")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfect calibration")
    for name, steps in steps_by_output.items():
        sizes = [20 + 200 * step["n"] / max(s["n"] for s in steps) for step in steps]
        x, y = [step["confidence"] for step in steps], [step["accuracy"] for step in steps]
        line = axes.plot(x, y, alpha=0.7, label=name)[0]
        axes.scatter(x, y, s=sizes, color=line.get_color(), alpha=0.6)
    axes.set(xlabel="Confidence", ylabel="Accuracy", xlim=(0, 1), ylim=(0, 1), title="Reliability (dot size: pictures)")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def contact_sheet(images: np.ndarray, captions: list[str], path: Path, title: str, columns: int = 10) -> None:
    """Pictures `(n, height, width)` uint8 in a grid with a caption under each."""
    count, height, width = images.shape
    rows, margin = -(-count // columns), height // 8
    tile_hw = height + 2 * margin, width + margin
    sheet = np.full((rows * tile_hw[0], columns * tile_hw[1]), 255, np.uint8)
    grid_height_in = 1.6 * rows * tile_hw[0] / tile_hw[1]
    figure = plt.figure(figsize=(1.6 * columns, grid_height_in + 0.5))
    figure.suptitle(title)
    axes = figure.add_axes((0, 0, 1, 1 - 0.5 / (grid_height_in + 0.5)))  # one for all: an axes each takes seconds
    axes.axis("off")
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        top, left = index // columns * tile_hw[0], index % columns * tile_hw[1]
        sheet[top : top + height, left : left + width] = image
        axes.text(left + width / 2, top + height + margin, caption, fontsize=7, ha="center", va="center")
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    _save(figure, path)


def _save(figure: Any, path: Path, dpi: int = 110) -> None:
    """Write a figure as PNG, whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, dpi=dpi)
    plt.close(figure)
    write_file(path, content.getvalue())
