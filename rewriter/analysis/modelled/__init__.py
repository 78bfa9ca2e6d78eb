"""What the models that a guest runs mean for a host."""
