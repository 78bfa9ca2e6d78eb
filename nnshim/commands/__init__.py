"""One file a subcommand: arguments in, a call into the packages below, text or JSON out.

Annotations are not postponed here: typer would evaluate them at each start, which takes ten
milliseconds for a command with twenty options.
"""
