"""Named graphs: files that name them, and local models that stand in for those on servers."""
