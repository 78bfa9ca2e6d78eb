"""How a host starts a module, and whether that fails."""
