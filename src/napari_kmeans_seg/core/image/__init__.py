"""What the values of an image are: its pixels, their colours, and what is compared of them."""
