"""The assignment problem: pairs rows with columns of a table at the least total cost. Pure Python."""

from __future__ import annotations

import math
from collections.abc import Sequence


def assign(cost: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, as many as the shorter side has; in rising order of rows.

    Kuhn–Munkres by shortest augmenting paths with potentials, O(n²m); `cost` is a full table of finite numbers.
    """
    if not cost or not cost[0]:
        return []
    rows, columns = len(cost), len(cost[0])
    if rows == columns == 1:
        return [(0, 0)]
    if rows > columns:
        return sorted((row, column) for column, row in assign(list(zip(*cost, strict=True))))
    row_potential = [0.0] * (rows + 1)
    column_potential = [0.0] * (columns + 1)
    row_of = [0] * (columns + 1)  # rows count from 1; 0 is none, and column 0 holds the row being placed
    for row in range(1, rows + 1):
        row_of[0] = row
        column = 0
        least = [math.inf] * (columns + 1)
        came_from = [0] * (columns + 1)
        visited = [False] * (columns + 1)
        while row_of[column]:
            visited[column] = True
            here, step, next_column = row_of[column], math.inf, 0
            for candidate in range(1, columns + 1):
                if visited[candidate]:
                    continue
                reduced = cost[here - 1][candidate - 1] - row_potential[here] - column_potential[candidate]
                if reduced < least[candidate]:
                    least[candidate], came_from[candidate] = reduced, column
                if least[candidate] < step:
                    step, next_column = least[candidate], candidate
            for other in range(columns + 1):
                if visited[other]:
                    row_potential[row_of[other]] += step
                    column_potential[other] -= step
                else:
                    least[other] -= step
            column = next_column
        while column:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    return sorted((row_of[column] - 1, column - 1) for column in range(1, columns + 1) if row_of[column])
