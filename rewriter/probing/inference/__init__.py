"""What is measured with models: numbers, structures, mistakes, outputs, habits of backends."""
