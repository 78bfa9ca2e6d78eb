"""The pictures of docs/ are looked at before they are shown."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.tools.pictures.checked import check_png, check_svg, texts
from tests.tools.pictures.terminal import terminal

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST = 150_000
"""Bytes."""


def png(path: Path, width: int, height: int, pixels: bytes) -> Path:
    """Grey, one byte a pixel, each line after a byte that says how it is filtered."""
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", pixels))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I4s", len(data), kind) + data + bytes(4) for kind, data in parts)
    )
    return path


def svg(path: Path, inside: str) -> Path:
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>')
    return path


def test_a_png_with_something_on_it_is_taken(tmp_path: Path) -> None:
    lines = b"".join(bytes([0, *(x * y % 251 for x in range(200))]) for y in range(200))
    check_png(png(tmp_path / "a.png", 200, 200, zlib.compress(lines)), 200, 200)


@pytest.mark.parametrize(
    ("height", "words"), [(200, "shows nothing"), (100, "is 200x200, and not 200x100")]
)
def test_a_png_that_is_white_or_of_another_size_is_refused(
    height: int, words: str, tmp_path: Path
) -> None:
    white = png(tmp_path / "a.png", 200, 200, zlib.compress((b"\0" + b"\xff" * 200) * 200))
    with pytest.raises(ValueError, match=words):
        check_png(white, 200, height)


def test_an_empty_file_is_not_a_png(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ValueError, match="is not a PNG"):
        check_png(tmp_path / "a.png", 1, 1)


def test_an_svg_needs_its_words_as_text(tmp_path: Path) -> None:
    picture = svg(tmp_path / "a.svg", "<title>gone</title><text>two\u00a0<b>words</b></text>")
    check_svg(picture, ["two words"])
    with pytest.raises(ValueError, match="does not show gone"):
        check_svg(picture, ["gone", "two"])


@pytest.mark.parametrize(
    "inside",
    [
        "<style>@font-face { font-family: a }</style>",
        "<style>* { background: url(https://a.example/b.png) }</style>",
        '<image href="https://a.example/b.png"/>',
        '<image xmlns:x="http://www.w3.org/1999/xlink" x:href="//a.example/b.png"/>',
    ],
)
def test_an_svg_takes_nothing_from_elsewhere(inside: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="from elsewhere"):
        check_svg(svg(tmp_path / "a.svg", inside), [])


def test_a_terminal_has_the_commands_their_output_and_its_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "terminal.svg"
    picture.write_text(terminal(["nnshim explain NN201", "nnshim --version"], tmp_path))
    assert "$ nnshim explain NN201 NN201 (warning)" in texts(picture)
    assert "$ nnshim --version nnshim 0" in texts(picture)

    def prints_red(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, "\x1b[38;2;1;2;3mred\x1b[0m", "")

    assert "#010203" not in picture.read_text()
    monkeypatch.setattr("tests.tools.pictures.terminal.subprocess.run", prints_red)
    assert "fill: #010203" in terminal(["nnshim x"], tmp_path)


def test_a_command_that_prints_nothing_makes_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_text('(module (func (export "_start")))')
    with pytest.raises(RuntimeError, match=r"a[.]wat printed nothing"):
        terminal(["nnshim run a.wat"], tmp_path)


@pytest.mark.parametrize("picture", sorted(IMAGES.iterdir()), ids=lambda picture: picture.name)
def test_a_picture_that_the_pages_show_is_small_and_shows_something(picture: Path) -> None:
    assert picture.stat().st_size <= LARGEST
    check_svg(picture, ["nnshim"])
