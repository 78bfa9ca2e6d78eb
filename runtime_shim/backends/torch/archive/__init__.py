"""TorchScript archives, read before PyTorch reads them."""
