"""What is segmented: layers become an array and arguments for the core."""
