"""Code that backends share."""
