"""Mails and reviews: one text a file, in the order of folders and names whatever the archive's order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaveout.datasets import parser
from leaveout.errors import SourceError
from packing import tar_gz

ENRON = [
    ("enron1/Summary.txt", b"not a mail"),
    ("enron1/ham/0002.b.ham.txt", b"Subject: meeting"),
    ("enron1/ham/0001.a.ham.txt", "Subject: prix \xa3 10".encode("latin-1")),
    ("enron1/spam/0004.d.spam.txt", b"Subject: buy"),
    ("enron1/spam/0003.c.spam.txt", b"Subject: win \x80\xff"),
]
IMDB = [
    ("aclImdb/README", b"not a review"),
    ("aclImdb/train/urls_pos.txt", b"not a review"),
    ("aclImdb/train/unsup/0_0.txt", b"a review without a label"),
    ("aclImdb/train/pos/10_9.txt", "très bon".encode()),
    ("aclImdb/train/pos/0_9.txt", b"good"),
    ("aclImdb/train/neg/0_3.txt", b"bad"),
    ("aclImdb/test/pos/0_10.txt", b"fine"),
    ("aclImdb/test/neg/0_2.txt", b"dull"),
]
SOURCES = {"enron": ENRON, "imdb": IMDB}
FOLDERS = {
    "enron": ["enron1/ham", "enron1/spam"],
    "imdb": ["aclImdb/train/pos", "aclImdb/train/neg", "aclImdb/test/pos", "aclImdb/test/neg"],
}


@pytest.fixture
def parsed(tmp_path):
    """Pack members and parse them."""
    return lambda name, entries: parser(name)(tar_gz(tmp_path / f"{name}.tar.gz", entries))


def test_mails_are_spam_then_ham_by_name(parsed):
    records = parsed("enron", ENRON)
    assert records.ids == ["spam/0003.c.spam", "spam/0004.d.spam", "ham/0001.a.ham", "ham/0002.b.ham"]
    assert records.classes == ["spam", "spam", "ham", "ham"]
    assert records.payload == ["Subject: win \x80\xff", "Subject: buy", "Subject: prix £ 10", "Subject: meeting"]
    assert records.split is None


def test_reviews_are_pooled_and_those_without_a_label_left_out(parsed):
    records = parsed("imdb", IMDB)
    assert records.ids == ["test/neg/0_2", "test/pos/0_10", "train/neg/0_3", "train/pos/0_9", "train/pos/10_9"]
    assert records.classes == ["neg", "pos", "neg", "pos", "pos"]
    assert records.payload == ["dull", "fine", "bad", "good", "très bon"]
    assert records.split is None


@given(order=st.permutations(IMDB))
def test_the_archives_order_does_not_matter(tmp_path_factory, order):
    path = tar_gz(tmp_path_factory.getbasetemp() / "imdb.tar.gz", order)
    assert parser("imdb")(path).ids == sorted(name[8:-4] for name, _ in IMDB[3:])


@pytest.mark.parametrize("name", SOURCES)
def test_an_empty_folder_is_named(parsed, name):
    for folder in FOLDERS[name]:
        with pytest.raises(SourceError, match=rf"{name}\.tar\.gz: no \.txt files in {folder} \(delete the file"):
            parsed(name, [entry for entry in SOURCES[name] if not entry[0].startswith(f"{folder}/")])


@pytest.mark.parametrize("name", SOURCES)
def test_another_outermost_folder_is_refused(parsed, name):
    with pytest.raises(SourceError, match=r"no \.txt files in"):
        parsed(name, [(f"other/{member}", content) for member, content in SOURCES[name]])


@pytest.mark.parametrize("extra", ["enron1/ham/cmds", "enron1/ham/deeper/0005.txt", "enron1/spam/.DS_Store"])
def test_what_is_no_text_among_the_texts_is_refused(parsed, extra):
    with pytest.raises(SourceError, match=rf"member '{extra}': expected nothing but \.txt files"):
        parsed("enron", [*ENRON, (extra, b"1")])


def test_a_text_that_occurs_twice_is_refused(parsed):
    with pytest.raises(SourceError, match=r"member 'enron1/ham/0002\.b\.ham\.txt' occurs twice"):
        parsed("enron", [*ENRON, ENRON[1]])


def test_a_review_that_is_not_utf_8_is_named(parsed):
    with pytest.raises(SourceError, match=r"member 'aclImdb/train/neg/1_1\.txt': not utf-8 text: .* position 3"):
        parsed("imdb", [*IMDB, ("aclImdb/train/neg/1_1.txt", b"caf\xe9 noir")])


def test_the_published_mails(mirror):
    records = parser("enron")(mirror / "enron1.tar.gz")
    assert Counter(records.classes) == {"spam": 1500, "ham": 3672}
    assert records.classes == sorted(records.classes, reverse=True)
    assert records.ids[0] == "spam/0006.2003-12-18.GP.spam"
    assert records.ids[-1] == "ham/5172.2002-01-11.farmer.ham"
    assert all(text.startswith("Subject:") for text in records.payload)


def test_the_published_reviews(mirror):
    records = parser("imdb")(mirror / "aclImdb_v1.tar.gz")
    assert Counter(name.rpartition("/")[0] for name in records.ids) == dict.fromkeys(
        ["test/neg", "test/pos", "train/neg", "train/pos"], len(records.ids) // 4
    )
    assert len(records.ids) in (1200, 50_000)
    stars = [int(name.rpartition("_")[2]) for name in records.ids]
    assert all((star > 5) == (name == "pos") for star, name in zip(stars, records.classes, strict=True))
    assert all(len(text.split()) > 3 for text in records.payload)
