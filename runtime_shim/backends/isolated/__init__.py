"""Any backend in another process."""
