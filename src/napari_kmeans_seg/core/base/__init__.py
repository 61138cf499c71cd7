"""What all of core stands on: threads and progress, checks and errors, notes."""
