"""The adapters of the generation without markers, kept so that they are still recognised."""
