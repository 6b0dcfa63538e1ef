"""A sample in a panel: image, first words, spectrogram or numbers, with the label that it was given below."""

import textwrap
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import findfont, get_font
from scipy.signal import spectrogram

from leaveout.arrays import Array
from leaveout.exhibits import Exhibit, Sound
from leaveout.figures.style import NEUTRAL

MONOSPACE = "DejaVu Sans Mono"
#: Characters in a line, lines and points of a text that fills a panel; characters of a line below a panel.
COLUMNS, LINES, POINTS, CAPTION = 28, 14, 6.5, 40
#: Samples of a spectrogram's window, and how much fainter than the loudest silence is, in decibels.
WINDOW, SILENCE = 1024, 80.0


def draw_exhibit(ax: Axes, exhibit: Exhibit) -> None:
    """Show a sample; below it the label that it was given, its own class and its id."""
    lines = [f"labelled: {exhibit.label}", f"really: {exhibit.own}", exhibit.id]
    if exhibit.kind == "images":
        _image(ax, exhibit.content)
    elif exhibit.kind == "texts":
        _text(ax, exhibit.content)
    elif exhibit.kind == "sounds":
        _sound(ax, exhibit.content)
    else:
        _numbers(ax, exhibit.content)
    below = [line if len(line) <= CAPTION else f"{line[: CAPTION - 1]}…" for line in map(printable, lines)]
    ax.set_xlabel("\n".join([*filter(None, [ax.get_xlabel()]), *below]), fontsize=7, labelpad=4, parse_math=False)


def printable(text: str) -> str:
    """Text that the figures' fonts can show: no control characters, and ``?`` for characters that they do not have."""
    known = _characters()
    return "".join((c if ord(c) in known else "?") if c.isprintable() else " " for c in text)


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(MONOSPACE)).get_charmap())


def _image(ax: Axes, pixels: Array) -> None:
    grey: dict[str, Any] = {"cmap": "Greys", "vmin": 0, "vmax": 1} if pixels.ndim == 2 else {}
    ax.imshow(pixels, interpolation="nearest", **grey)
    _frame(ax)
    ax.set(xticks=[], yticks=[])


def _text(ax: Axes, text: str) -> None:
    lines = textwrap.wrap(printable(text), COLUMNS, max_lines=LINES, placeholder=" …") or ["(an empty text)"]
    place: dict[str, Any] = {"transform": ax.transAxes, "ha": "left", "va": "top", "linespacing": 1.25}
    ax.text(0.04, 0.96, "\n".join(lines), family=MONOSPACE, fontsize=POINTS, parse_math=False, **place)
    _frame(ax)
    ax.set(xticks=[], yticks=[])


def _sound(ax: Axes, sound: Sound) -> None:
    """Spectrogram in decibels below the loudest."""
    window = min(WINDOW, len(sound.samples))
    frequencies, _, power = spectrogram(sound.samples, sound.rate, nperseg=window, noverlap=window // 2, nfft=WINDOW)
    loudest = power.max() or 1.0
    decibels = 10 * np.log10(np.maximum(power / loudest, 10 ** (-SILENCE / 10)))
    extent = (0, len(sound.samples) / sound.rate, 0, frequencies[-1] / 1000)
    ax.imshow(decibels, cmap="Greys", aspect="auto", origin="lower", extent=extent, vmin=-SILENCE, vmax=0)
    ax.set(xlabel="seconds", ylabel="kHz")
    _frame(ax)


def _numbers(ax: Axes, values: Array) -> None:
    """A line for each feature, from zero to its value."""
    positions = np.arange(len(values))
    ax.vlines(positions, 0, values, color=NEUTRAL, linewidth=min(4.0, max(0.2, 100 / len(values))))
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set(xlabel="feature", ylabel="value")
    ax.locator_params(nbins=4)


def _frame(ax: Axes) -> None:
    ax.spines[:].set(visible=True, color=NEUTRAL, linewidth=0.6)
