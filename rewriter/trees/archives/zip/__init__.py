"""ZIP archives: their directory, their members, and other data in a few of them."""
