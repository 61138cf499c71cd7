"""What a person sets: fields, and what they make of it."""
