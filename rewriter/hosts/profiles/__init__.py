"""Profiles: measurements of one host, as a file and as a row of the table."""
