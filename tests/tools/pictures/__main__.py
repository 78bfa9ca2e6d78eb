"""Make the pictures of docs/, and of the site: python -m tests.tools.pictures [--docs]

They are written to build/pictures/, and looked at: nothing is empty, and the words are there. The
picture of the site takes build/site, and Debian's chromium-headless-shell. With --docs, those that
the pages show are also written to docs/images/; without, they have to be there with the same words.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from nnshim.render.measuring.plot import draw
from runtime_shim.diagnostics.bench import bench
from tests.tools.pictures import components, overview
from tests.tools.pictures.checked import check_png, check_svg, texts
from tests.tools.pictures.terminal import terminal

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "docs" / "images"
BROWSER = "chromium-headless-shell"
WIDTH, HEIGHT = 1280, 800
"""Of the picture of the site, in pixels."""

COMMANDS = (
    "nnshim check --for wamr-legacy@2.3.1 samples/digits.wasm",
    "nnshim rewrite --for wamr-legacy@2.3.1 samples/digits.wasm out.wasm",
    "nnshim run --as wamr-legacy@2.3.1 --dir samples out.wasm samples/digits/model.tflite"
    " samples/images/3.pgm",
)


def make(folder: Path) -> None:
    """Write the drawings, terminal.svg and bench.svg. Raises ValueError where one is wrong."""
    (folder / "overview.svg").write_text(overview.drawn(), encoding="utf-8")
    check_svg(folder / "overview.svg", ["wasi_ephemeral_nn", "nnshim rewrite", "WasmEdge"])
    (folder / "components.svg").write_text(components.drawn(), encoding="utf-8")
    check_svg(folder / "components.svg", ["component", "--to wasi:nn", "hosts of components"])
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(ROOT / "samples", Path(name) / "samples")
        drawn = terminal(COMMANDS, Path(name))
    (folder / "terminal.svg").write_text(drawn, encoding="utf-8")
    check_svg(folder / "terminal.svg", ["nnshim check --for", "NN201", "3 (100.0%)"])
    report = bench(["samples/digits/model.onnx"], seconds=1)
    draw(report, str(folder / "bench.svg"))
    check_svg(folder / "bench.svg", ["p50 latency, ms", "onnx", report.conditions.cpu])


def make_site(folder: Path) -> None:
    """Write site.png, of build/site, without any network."""
    picture = folder / "site.png"
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(BROWSER, "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND"),
                *(f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture}"),
                (ROOT / "build" / "site" / "index.html").as_uri(),
            ],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    check_png(picture, WIDTH, HEIGHT)


def shown() -> list[str]:
    """The names of the pictures in docs/images."""
    return sorted(path.name for path in IMAGES.iterdir())


def stale(folder: Path) -> list[str]:
    """The pictures in docs/ that say something else than those in a folder. Figures differ."""

    def words(picture: Path) -> str:
        return "" if picture.name == "bench.svg" else texts(picture)

    return [name for name in shown() if words(IMAGES / name) != words(folder / name)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", action="store_true", help="write those of docs/, too")
    parser.add_argument("--no-site", action="store_true", help="make no picture of the site")
    given = parser.parse_args()
    folder = ROOT / "build" / "pictures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    if not given.no_site:
        make_site(folder)
    if given.docs:
        for name in shown():
            shutil.copy(folder / name, IMAGES / name)
    old = stale(folder)
    if old:
        raise SystemExit(f"docs/images: {', '.join(old)}: python -m tests.tools.pictures --docs")


if __name__ == "__main__":
    main()
