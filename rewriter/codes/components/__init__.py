"""The codes of rewrites of components, a file per subject."""
