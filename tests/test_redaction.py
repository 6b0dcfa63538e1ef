"""Addresses lose their secrets, and nothing else."""

import doctest

import pytest

from leaveout import redaction
from leaveout.errors import InvalidData, NotWritten
from leaveout.redaction import HIDDEN, redacted, redacted_values


@pytest.mark.parametrize(
    "text, shown",
    [
        ("https://u:p@h/f: gone", f"https://{HIDDEN}@h/f: gone"),
        ("https://u:p@q@h/f", f"https://{HIDDEN}@h/f"),
        ("'https://h/f?a=1&b=2'", f"'https://h/f?a={HIDDEN}&b={HIDDEN}'"),
        ("https://h/f?secret: gone", f"https://h/f?{HIDDEN}: gone"),
        ("ftp://u:p@h and http://v:w@h", f"ftp://{HIDDEN}@h and http://{HIDDEN}@h"),
        ("which? a = b, me@e.org, https://h/a@b", "which? a = b, me@e.org, https://h/a@b"),
        ("https://h/f", "https://h/f"),
    ],
)
def test_addresses_lose_their_secrets_and_nothing_else(text, shown):
    assert redacted(text) == shown
    assert redacted(shown) == shown
    assert redacted_values({"a": [text, 1, None]}) == {"a": [shown, 1, None]}


def test_every_error_of_the_library_is_told_without_secrets():
    for kind in (InvalidData, NotWritten):
        assert str(kind("https://u:p@h/f?t=x: gone")) == f"https://{HIDDEN}@h/f?t={HIDDEN}: gone"
    assert str(InvalidData("rows 1 and 2")) == "rows 1 and 2"


def test_the_example_holds():
    assert doctest.testmod(redaction).failed == 0
