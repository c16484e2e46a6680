"""Frame to faces to emotions, with numpy, OpenCV and LiteRT only: neither TensorFlow nor Keras is ever imported here."""
