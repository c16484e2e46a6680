"""The training loop and its parts: presets, batches, augmentation, the directory of a run."""
