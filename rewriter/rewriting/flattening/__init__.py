"""From a component to a core module: its main core module, with a shim in the place of wasi:nn."""
