"""The table of the clusters of a result, and what can be done with them."""
