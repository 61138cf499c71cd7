"""What is done with the clusters of a result."""
