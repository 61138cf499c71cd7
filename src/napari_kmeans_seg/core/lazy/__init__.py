"""Dask arrays, chunk by chunk. The package lends this to the way in memory."""
