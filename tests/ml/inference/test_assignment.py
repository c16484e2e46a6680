"""The assignment is the cheapest of all."""

from __future__ import annotations

import itertools
import random

import pytest

from ml.inference.assignment import assign


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (1, 1), (1, 4), (3, 3), (2, 5), (5, 2), (4, 4)])
def test_the_assignment_is_the_cheapest_of_all(rows: int, columns: int) -> None:
    chance = random.Random(rows * 10 + columns)
    for _ in range(30):
        cost = [[chance.random() for _ in range(columns)] for _ in range(rows)]
        pairs = assign(cost)
        assert len(pairs) == min(rows, columns)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
        short, long = sorted((rows, columns))
        cheapest = min(
            sum(cost[a][b] if rows <= columns else cost[b][a] for a, b in enumerate(order))
            for order in itertools.permutations(range(long), short)
        )
        assert sum(cost[row][column] for row, column in pairs) == pytest.approx(cheapest)
