"""Time, error and memory of `segment` beside other k-means in Python."""
