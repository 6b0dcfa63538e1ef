"""Environmental sounds of fifty classes, five seconds each (Piczak 2015)."""

import csv
import io
from pathlib import Path

from leaveout.archives import Limits, ZipMembers, members, unusable, zip_names
from leaveout.records import Records

TABLE = "ESC-50-master/meta/esc50.csv"
AUDIO = "ESC-50-master/audio/"
LIMITS = Limits(member=16 << 20, total=4 << 30)


def parse(path: Path) -> Records:
    """Read ``ESC-50-master.zip``: WAV files as bytes, unread until they are asked for, in the order of the table."""
    files = [name.removeprefix(AUDIO) for name in zip_names(path) if name.startswith(AUDIO)]
    category = _categories(path)
    if unlisted := sorted(set(files) - set(category)):
        raise unusable(path, f"{AUDIO}{unlisted[0]} is not in {TABLE} ({len(unlisted)} such files)")
    if missing := sorted(set(category) - set(files)):
        raise unusable(path, f"no {AUDIO}{missing[0]}, but {TABLE} lists it ({len(missing)} such files)")
    ids = list(category)
    return Records(ids, ZipMembers(path, [AUDIO + name for name in ids], LIMITS), list(category.values()))


def _categories(path: Path) -> dict[str, str]:
    """Class of each file."""
    tables = [content for _, content in members(path, TABLE.__eq__, LIMITS)]
    if not tables:
        raise unusable(path, f"no {TABLE}")
    try:
        rows = list(csv.DictReader(io.StringIO(tables[0].decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise unusable(path, f"{TABLE}: {error}") from error
    category: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        if not row.get("filename") or not row.get("category"):
            raise unusable(path, f"{TABLE}, line {line}: no filename or no category")
        if row["filename"] in category:
            raise unusable(path, f"{TABLE}, line {line}: {row['filename']} occurs twice")
        category[row["filename"]] = row["category"]
    if not category:
        raise unusable(path, f"{TABLE} lists no file")
    return category
