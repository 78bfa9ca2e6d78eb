"""What several formats of `nnshim check` are made from: findings, counts, and pieces of JSON."""
