"""Runs models on OpenVINO."""
