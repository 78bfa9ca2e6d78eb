"""The codes of verdicts on hosts, a file per subject."""
