"""Names of `columns` that the dock still imports from here."""

from .outputs.columns import QUANTITIES, means

__all__ = ["QUANTITIES", "means"]
