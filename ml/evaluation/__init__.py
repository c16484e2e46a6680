"""Scoring a model: metrics, plots, robustness, and the model card as a page."""
