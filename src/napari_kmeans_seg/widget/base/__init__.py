"""What the dock stands on: its state, work on threads, words and sections."""
