"""What MkDocs does for the site beside its own: pages from outside docs/, and links that leave it.

The pages in PAGES come from other folders of the repository. In all pages, a link to a file that
the site does not have leads to the repository, if `repo_url` says where that is; else its text is
left alone, because a link that leads nowhere is worse.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

from tests.tools.site.links import ROOT, Link, links

PAGES = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "conformance/README.md": "conformance-suite.md",
    "nnshim/render/schema.json": "reference/schema.json",
    "samples/README.md": "samples.md",
}
"""Files of the repository, and where the site has them."""

_DOCS = ROOT / "docs"


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages in PAGES that docs/ does not have itself."""
    for name, uri in PAGES.items():
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Has each link of a page lead to where the site has its target."""
    origins = {uri: name for name, uri in PAGES.items() if name != "README.md"}
    uri: str = page.file.src_uri
    source = ROOT / origins[uri] if uri in origins else _DOCS / uri
    parts, done = list[str](), 0
    for link in links(markdown):
        parts += [
            markdown[done : link.start],
            _placed(link, markdown, source, uri, config.repo_url),
        ]
        done = link.end
    return "".join((*parts, markdown[done:]))


def _placed(link: Link, markdown: str, source: Path, uri: str, repository: str | None) -> str:
    """The link as the page at `uri` of the site has it, whose text is in the file `source`."""
    written = markdown[link.start : link.end]
    path, mark, anchor = link.target.partition("#")
    target = (source.parent / path).resolve()
    if link.outside or not path or not target.exists():  # MkDocs warns of what is not there
        return written
    name = target.relative_to(ROOT).as_posix()
    if name in PAGES:
        place = PAGES[name]
    elif target.is_relative_to(_DOCS) and target.is_file():
        place = target.relative_to(_DOCS).as_posix()
    elif repository:
        kind = "tree" if target.is_dir() else "blob"
        return f"[{link.text}]({repository.rstrip('/')}/{kind}/main/{name})"
    else:
        return link.text
    here = PurePosixPath(uri).parent
    before = "!" if written.startswith("!") else ""
    return f"{before}[{link.text}]({os.path.relpath(place, here)}{mark}{anchor})"
