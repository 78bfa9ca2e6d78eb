"""Where workers are: processes of this machine, or actors of a cluster."""
