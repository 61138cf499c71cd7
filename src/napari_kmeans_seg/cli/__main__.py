"""`python -m napari_kmeans_seg.cli` does what `napari-kmeans-seg` does."""

from .app import main

if __name__ == "__main__":
    main()
