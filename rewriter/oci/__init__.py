"""OCI artifacts that hold WebAssembly: descriptors, manifests, configs, and layouts on disk."""
