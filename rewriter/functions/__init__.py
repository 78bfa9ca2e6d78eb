"""Function bodies: their instructions, what they refer to, and how one is written."""
