"""What inference servers answer, checked: its types, its sizes, and what it is the answer to."""
