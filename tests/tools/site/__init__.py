"""The site of the documentation: its links, its pages from outside docs/, its reference pages."""
