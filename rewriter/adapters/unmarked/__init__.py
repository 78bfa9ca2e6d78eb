"""The adapters of before there were markers: their bodies as they were, to be known again."""
