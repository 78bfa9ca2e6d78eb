"""The modules that a host is measured with: texts, data, and the models inside them."""
