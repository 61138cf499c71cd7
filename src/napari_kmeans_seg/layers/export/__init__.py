"""A result as text: for a paper, or as the script that gives it again."""
