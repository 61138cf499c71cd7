"""The command line: `napari-kmeans-seg`."""
