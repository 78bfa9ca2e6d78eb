"""What `nnshim rewrite` does with many files: by its settings, to a report on each."""
