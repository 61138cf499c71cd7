"""Many images as one: each is read once, and all are fitted together."""
