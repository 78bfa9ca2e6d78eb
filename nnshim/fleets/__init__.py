"""One guest over many inputs: in processes of this machine, or on a cluster."""
