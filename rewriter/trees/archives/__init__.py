"""Archives as they are: read within limits, and written with a few members changed."""
