"""How the command explains itself: its help, and the completion of shells."""
