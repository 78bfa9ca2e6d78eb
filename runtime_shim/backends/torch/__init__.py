"""Runs TorchScript models on PyTorch."""
