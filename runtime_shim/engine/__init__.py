"""Everything that touches wasmtime: host functions, instances, and the run of a guest."""
