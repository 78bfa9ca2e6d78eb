"""From a module and a goal to the edits that reach it."""
