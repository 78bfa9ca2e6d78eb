"""What function bodies use, most of which is remembered by their bytes."""
