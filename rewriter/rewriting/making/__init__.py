"""From a core module to a component: adapters for wasi-nn and WASI around it."""
