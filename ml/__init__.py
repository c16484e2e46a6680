"""Facial emotion recognition: data, training, evaluation, export, and the inference code that serves the model."""
