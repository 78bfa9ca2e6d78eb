"""Random small models for each operator that LiteRT's interpreter knows."""
