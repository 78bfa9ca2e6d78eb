"""Whether a host can run a guest's models."""
