"""Frame to faces to emotions, with NumPy, OpenCV and LiteRT only: TensorFlow and Keras are never imported here."""
