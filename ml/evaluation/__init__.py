"""Scores a model: metrics, plots, robustness, and the page of the model card."""
