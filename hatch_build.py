"""A step of each build: the adapters for WASI, from npm, in the package."""

from __future__ import annotations

import sys
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface[BuilderConfig]):
    """Downloads what is missing, for a wheel, an sdist and an editable install. A build without a
    network succeeds without the adapters, and says so. One from an sdist has them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the files are collected; pyproject.toml names them as artifacts."""
        sys.path.insert(0, self.root)
        from rewriter.errors import NNShimError
        from rewriter.files import wasi_adapter

        if not wasi_adapter.missing():
            return
        try:
            wasi_adapter.fetch()
        except NNShimError as error:
            self.app.display_warning(
                f"nnshim is built without the adapters for WASI: {error}. `nnshim rewrite --to "
                "wasi:nn` needs them, and --fetch-wasi-adapter downloads them later."
            )
        finally:
            sys.path.remove(self.root)
