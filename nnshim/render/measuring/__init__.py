"""What nnshim bench measured, as text, JSON and a plot."""
