"""Parts of adapter bodies that only some pairs of ABIs need: see rewriter.adapters.bodies."""
