"""Coverage-guided fuzzing of the rewriter, by libFuzzer (atheris)."""
