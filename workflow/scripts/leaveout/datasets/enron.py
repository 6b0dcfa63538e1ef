"""Mails of one Enron employee, and spam (Metsis, Androutsopoulos & Paliouras 2006; the part enron1)."""

from pathlib import Path

from leaveout.archives import Limits
from leaveout.records import Records
from leaveout.text_folders import read_text_folders

LIMITS = Limits(member=4 << 20, total=256 << 20)


def parse(path: Path) -> Records:
    """Read ``enron1.tar.gz``: texts of the mails, spam then ham, by file name.

    The published shuffle of this order is a split, which the data set's entry states; the source has none.
    """
    return read_text_folders(path, "enron1", ("spam", "ham"), "latin-1", LIMITS)
