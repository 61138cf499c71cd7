"""What is drawn of clusters: how many there are, and where they lie among the values."""
