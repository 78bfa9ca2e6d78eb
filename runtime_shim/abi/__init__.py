"""One file a dialect: arguments and memory in, calls on a session, results back into memory."""
