"""What vouches for the files that results come from, in readers' words."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from leaveout.errors import InvalidResults

#: All files have the checksums that their publishers state.
PUBLISHED = "published"
#: What readers of figures have to know: the data may be others than those of the paper.
DOUBTFUL = ("unverified", "not the published ones", "a mirror's")
NOTE = "* not from the published files,\nsee table 1"


def vouched(about: str | Path) -> str:
    """Say what vouches for a data set's files and its model's weights: the weakest of all files decides.

    Parameters
    ----------
    about : path
        The embedding's ``about.json``.

    Returns
    -------
    str
        ``"unverified"``: a file came over plain http with no checksum. ``"not the published ones"``: a file has another
        checksum than the published one. ``"a mirror's"``: a file came from a mirror, and none is published. ``"own"``:
        a file of the user's. ``"first download"``: nobody states a checksum. ``"published"``: all files have the
        published checksums, or come with an installed package.

    Raises
    ------
    InvalidResults
        The record is damaged.
    """
    try:
        record = json.loads(Path(about).read_text(encoding="utf-8"))
        files = [file for file in (*record["sources"], *record.get("weights", [])) if not file["published"]]
        found = {
            "unverified": any(file["unverified"] for file in files),
            "not the published ones": any(file["published"] is False for file in files),
            "a mirror's": any(file["mirrored"] for file in files),
            "own": any(file["checksum"] == "own" for file in files),
            "first download": any(file["checksum"] == "first download" for file in files),
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidResults(
            f"{about}: not the record of an embedding: {error!r} (delete the folder and run again)"
        ) from error
    return next((words for words, holds in found.items() if holds), PUBLISHED)


def marked(titles: Mapping[str, str], abouts: Iterable[str | Path]) -> tuple[dict[str, str], str | None]:
    """Mark the titles of data sets whose files may be others than the published ones.

    Parameters
    ----------
    titles : mapping from data set to title
    abouts : iterable of path
        Their ``about.json``, in the same order.

    Returns
    -------
    dict, str or None
        Titles, with an asterisk where one is due, and what it means, if there is one.
    """
    doubtful = [vouched(about) in DOUBTFUL for about in abouts]
    shown = {
        name: f"{title}*" if doubt else title for (name, title), doubt in zip(titles.items(), doubtful, strict=True)
    }
    return shown, NOTE if any(doubtful) else None
