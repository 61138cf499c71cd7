"""What a run adds: a segmentation becomes layers, and keeps how it came to be."""
