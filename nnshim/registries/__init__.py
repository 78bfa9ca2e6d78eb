"""OCI registries as inputs and outputs: the network, credentials, and where commands meet both."""
