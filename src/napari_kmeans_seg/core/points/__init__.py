"""What stands for the pixels of an image: each distinct value with its count, or each pixel."""
