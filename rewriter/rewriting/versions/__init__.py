"""A component as a component with other names of imports, such as those of another wasi:nn."""
