"""Photos, folders and videos in, one table of faces out. Uses `ml.inference` only."""
