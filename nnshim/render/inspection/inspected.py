"""What a module or a component is, and where it runs."""

from __future__ import annotations

from nnshim.render.inspection.of_component import inspected_component
from nnshim.render.inspection.of_module import inspected_module
from nnshim.render.values import Inspected, InspectedComponent

__all__ = ["inspected"]


def inspected(value: Inspected | InspectedComponent) -> list[str]:
    """What a module or a component is, and where it runs."""
    if isinstance(value, InspectedComponent):
        return inspected_component(value)
    return inspected_module(value)
