"""Write the models that the probe's modules have in them: those of conformance/, and OpenVINO's of
three planes, because WAMR's backend before 2.4.0 takes no others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rewriter.probing.modules.models import FORMATS, SHAPES, TYPES
from tests.tools.conformance_models import files as conformance_files
from tests.tools.conformance_models import ir, write

MODELS = Path(__file__).parents[2] / "rewriter" / "probing" / "modules" / "models"


def files() -> Iterator[tuple[str, bytes]]:
    """Each file's path below MODELS, and what is in it."""
    for path, data in conformance_files():
        format_, name, file = path.split("/")
        name = "f32" if name == "base" else name
        if format_ in FORMATS and name in TYPES:
            yield f"{format_}/{name}/{file}", data
    dims = SHAPES["planes"]
    for type_ in TYPES:
        made = (
            ir(type_, [type_], dims, [("Add", 0, 1)], [2], np.array([1], np.float32))
            if type_ == "f32"
            else ir(type_, [type_], dims, [], [0])
        )
        for path, data in made:
            yield path.replace("openvino/", "openvino-planes/"), data


def main() -> int:
    write(MODELS, files())
    return 0


if __name__ == "__main__":
    sys.exit(main())
