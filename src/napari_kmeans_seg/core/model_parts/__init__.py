"""What a fitted model is made of: nearest centroids, edits, kinds of values, its file."""
