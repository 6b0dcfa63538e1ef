"""What vouches for files: the weakest decides, and readers of figures see where it matters."""

import json

import pytest

from leaveout.vouching import NOTE, marked, vouched

PUBLISHED = {"checksum": "published", "published": True, "unverified": False, "mirrored": False}
PACKAGE = {"checksum": "package spam 1.0", "published": None, "unverified": False, "mirrored": False}
FIRST = {"checksum": "first download", "published": None, "unverified": False, "mirrored": False}
OWN = {"checksum": "own", "published": None, "unverified": False, "mirrored": False}
MIRROR = {"checksum": "mirror", "published": None, "unverified": False, "mirrored": True}
SILENT = {**MIRROR, "checksum": "first download"}
OTHER = {"checksum": "mirror", "published": False, "unverified": False, "mirrored": False}
HTTP = {"checksum": "first download", "published": None, "unverified": True, "mirrored": False}


@pytest.fixture
def about(tmp_path):
    def write(sources, weights=None):
        path = tmp_path / f"about{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"sources": sources} | ({"weights": weights} if weights else {})))
        return path

    return write


@pytest.mark.parametrize(
    ("sources", "weights", "expected"),
    [
        ([PUBLISHED], None, "published"),
        ([PUBLISHED], [PACKAGE], "published"),
        ([PUBLISHED, FIRST], [PACKAGE], "first download"),
        ([PUBLISHED], [OWN], "own"),
        ([MIRROR, FIRST], None, "a mirror's"),
        ([PUBLISHED], [SILENT], "a mirror's"),
        ([PUBLISHED, OTHER], None, "not the published ones"),
        ([OTHER], [HTTP], "unverified"),
    ],
)
def test_the_weakest_file_decides(about, sources, weights, expected):
    assert vouched(about(sources, weights)) == expected


def test_titles_are_marked_where_the_data_may_be_others_than_published(about):
    titles = {"a": "A", "b": "B", "c": "C"}
    assert marked(titles, [about([PUBLISHED]), about([OTHER]), about([OWN])]) == ({"a": "A", "b": "B*", "c": "C"}, NOTE)
    assert marked({"a": "A"}, [about([PUBLISHED])]) == ({"a": "A"}, None)
