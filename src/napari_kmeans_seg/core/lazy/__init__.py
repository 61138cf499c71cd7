"""Dask arrays, chunk by chunk. Nobody imports this but `prepare`, when it is given one."""
