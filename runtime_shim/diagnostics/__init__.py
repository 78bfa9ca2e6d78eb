"""What works here, and how fast."""
