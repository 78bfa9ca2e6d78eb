"""Works through many files: over all cores, in order, in bounded memory."""
