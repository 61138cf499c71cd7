"""What a file says of its pixels: images in, results out."""
