"""Tar archives: their headers, their members, and other data in a few of them."""
