"""k-means on points, whatever they stand for: read `points`, `assignment`, `lloyd`, `fit`."""
