"""Functions that speak one ABI to the guest and another to the host."""
