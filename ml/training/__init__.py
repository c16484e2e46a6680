"""The training loop and its parts: presets, batches, augmentation, the directory of a run."""

STATE_FILE = "state.json"
"""In the directory of a run that has a whole epoch."""
