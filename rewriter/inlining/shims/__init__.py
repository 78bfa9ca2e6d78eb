"""Core modules that do what one version of wasi:nn does by calls of another one."""
