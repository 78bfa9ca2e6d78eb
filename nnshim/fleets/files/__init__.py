"""The job of `nnshim map`: inputs from files, results in files, and what is said of them."""
