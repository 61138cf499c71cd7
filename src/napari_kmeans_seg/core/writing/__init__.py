"""A set of files is written whole or not at all."""
