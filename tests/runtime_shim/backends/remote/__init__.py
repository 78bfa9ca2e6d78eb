"""Tests of models on inference servers, against small servers of their own."""
