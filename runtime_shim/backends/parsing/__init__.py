"""Models as bytes: in which files they come, their formats, and what is read of them."""
