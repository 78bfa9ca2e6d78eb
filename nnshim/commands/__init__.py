"""One file a subcommand: arguments in, a call into the packages below, text or JSON out."""
