"""Models, the sessions of guests, and what these may use."""
