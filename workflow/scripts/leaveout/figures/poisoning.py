"""Figure 3: what a wrongly labelled sample did to its own prediction, and the sample that it did most to."""

from typing import Any

import pandas as pd

from leaveout.comparison import Comparison
from leaveout.exhibits import Exhibit
from leaveout.figures.exhibit import draw_exhibit
from leaveout.figures.style import (
    LEFT,
    METHODS,
    Drawing,
    entry,
    explain,
    head,
    left_out,
    method_entries,
    panels,
    scatter,
    style,
)

#: Inches below the panels, where the exhibit's label and id stand.
CAPTIONED = 0.95
#: What marks the exhibit among the points.
RING: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 7,
    "markerfacecolor": "none",
    "markeredgecolor": "black",
    "markeredgewidth": 0.7,
}


def leftmost(pairs: pd.DataFrame) -> tuple[str, int] | None:
    """Id and label of the sample with the smallest actual change; None if no removal is certified."""
    if not len(pairs):
        return None
    first = pairs.sort_values("actual", kind="stable").iloc[0]
    return str(first["id"]), int(first["y"])


def poisoning_figure(comparison: Comparison, exhibit: Exhibit | None, title: str, note: str | None = None) -> Drawing:
    """Draw predicted against actual change of each added sample's own logit when it is removed again.

    Parameters
    ----------
    comparison : Comparison
        With the key ``comparison.POISONS``.
    exhibit : Exhibit or None
        The leftmost sample; None: there is none.
    title : str
        The data set.
    note : str, optional
        What readers have to know, beside the panels.
    """
    points = comparison.pairs
    shown = points[points["id"] == exhibit.id] if exhibit else points[:0]
    with style():
        figure, [[left, right]] = panels([2], between=LEFT, below=CAPTIONED)
        inside = shown[["actual", "predicted"]].to_numpy().ravel()
        scatter(right, points, pd.Series("o", index=points.index), certainly=inside)
        right.set(xlabel="actual change of the logit\n(retraining)", ylabel="predicted change of the logit")
        head(right, title)
        entries = method_entries(name for name in METHODS if name in set(points["method"]))
        if exhibit:
            draw_exhibit(left, exhibit)
            head(left, "leftmost point")
            right.plot(shown["actual"], shown["predicted"], **RING)
            entries.append(entry("the sample on the left", **RING))
        else:
            left.set_axis_off()
        explain(figure, entries, "Estimator", [*left_out(comparison, "samples"), note])
    return Drawing(figure, points)
