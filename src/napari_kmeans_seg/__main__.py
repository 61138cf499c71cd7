"""`python -m napari_kmeans_seg` does what `napari-kmeans-seg` does."""

from .cli.app import main

if __name__ == "__main__":
    main()
