"""What states how a module was made: in-toto Statements, and CycloneDX. Without signatures."""
