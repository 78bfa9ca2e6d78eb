"""What an operator allows modules to ask for, and whether one asks for more."""
