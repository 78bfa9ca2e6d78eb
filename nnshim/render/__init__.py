"""Values to text or JSON, a file for each: what commands hand over, and nothing that they do."""

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
