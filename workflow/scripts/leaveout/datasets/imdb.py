"""Film reviews, positive and negative (Maas et al. 2011)."""

from pathlib import Path

from leaveout.archives import Limits
from leaveout.records import Records
from leaveout.text_folders import read_text_folders

LIMITS = Limits(member=1 << 20, total=2 << 30)
FOLDERS = ("test/neg", "test/pos", "train/neg", "train/pos")


def parse(path: Path) -> Records:
    """Read ``aclImdb_v1.tar.gz``: texts of the labelled reviews, publisher's train and test pooled as in the paper."""
    return read_text_folders(path, "aclImdb", FOLDERS, "utf-8", LIMITS)
