"""From a module and options to the edits that they ask for."""
