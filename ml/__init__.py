"""Facial emotion recognition: data, training, evaluation, export, and the inference code that serves the model."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings would drown what our commands say
