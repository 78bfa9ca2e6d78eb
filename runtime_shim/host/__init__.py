"""The NN host: models, the sessions of guests, and their limits."""
