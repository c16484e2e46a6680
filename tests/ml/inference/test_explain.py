"""Heat maps name the parts of a face that an answer depends on."""

from __future__ import annotations

import numpy as np
import pytest

from ml.inference.explain import STEP_PX, heat_grid, occlusion_map


class BrightCorner:
    """Its probability of label 0 is the brightness of the top left corner."""

    def predict(self, crops: np.ndarray) -> np.ndarray:
        sure = crops[:, :12, :12].mean(axis=(1, 2)) / 255
        return np.column_stack([sure, 1 - sure])


@pytest.fixture
def crop() -> np.ndarray:
    image = np.zeros((48, 48), np.uint8)
    image[:12, :12] = 250
    return image


def test_the_place_that_decides_is_the_hottest(crop: np.ndarray) -> None:
    heat = occlusion_map(BrightCorner(), crop, 0)
    assert heat.shape == (48, 48)
    assert max(np.unravel_index(heat.argmax(), heat.shape)) < 12
    assert heat[30:, 30:] == pytest.approx(0)


def test_evidence_for_one_label_is_evidence_against_the_other(crop: np.ndarray) -> None:
    model = BrightCorner()
    assert occlusion_map(model, crop, 1) == pytest.approx(-occlusion_map(model, crop, 0))


def test_the_grid_has_the_value_of_each_square(crop: np.ndarray) -> None:
    heat = occlusion_map(BrightCorner(), crop, 0)
    grid = np.array(heat_grid(heat))
    assert grid.shape == (48 // STEP_PX, 48 // STEP_PX)
    assert np.array_equal(np.kron(grid, np.ones((STEP_PX, STEP_PX))), heat)
