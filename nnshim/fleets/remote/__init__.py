"""A fleet's guest on other machines."""
