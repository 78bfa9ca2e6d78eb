"""The pictures of the README and of docs/, each made from what it shows."""
