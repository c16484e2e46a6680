"""The training loop and what it is made of: presets, batches, augmentation, the directory of a run."""
