"""Runs ONNX models on ONNX Runtime."""
