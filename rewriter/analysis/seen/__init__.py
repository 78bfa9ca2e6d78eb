"""What a module's constants show about its ABI, and which of them a host does not accept."""
