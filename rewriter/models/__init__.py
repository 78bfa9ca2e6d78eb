"""Models in files: their formats, inputs and outputs, as the file states them."""
