"""Runs models on inference servers, over the Open Inference Protocol (KServe v2)."""
