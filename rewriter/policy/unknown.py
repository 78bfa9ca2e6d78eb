"""What is said of a fact that a module does not show."""

from __future__ import annotations

from rewriter.diagnostics import Diagnostic
from rewriter.policy.policy import Policy

__all__ = ["unknown"]


def unknown(
    policy: Policy, message: str, offset: int | None = None, function: str | None = None
) -> Diagnostic:
    """An error, or a note if the policy allows what is not known."""
    code = "NN807" if policy.unknown == "allow" else "NN806"
    return Diagnostic(code, message, offset, function)
