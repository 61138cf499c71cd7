"""OME-Zarr stores (NGFF 0.4 and 0.5): images, plates, series and labels."""
