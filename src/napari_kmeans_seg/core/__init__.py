"""Arrays in, arrays out: k-means on NumPy arrays, without napari or Qt."""
