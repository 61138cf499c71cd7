"""The colour spaces that a promise is to be tried in."""

from napari_kmeans_seg.core.image.color_spaces import COLOR_SPACES

CONVERTED = [name for name, space in COLOR_SPACES.items() if space.from_rgb is not None]
"""Those that are not the channels as they are."""
