"""What the rooms of layers stand on: arrays, where layers lie and what they say, clean-up."""
