"""Runs TensorFlow Lite models on LiteRT, and works around its mistakes."""
