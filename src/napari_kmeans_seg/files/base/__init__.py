"""What is read from files and written to them: an image, its style, its pyramid, its paths."""
