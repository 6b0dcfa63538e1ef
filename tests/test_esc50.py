"""ESC-50: clips by name and class, read when they are asked for."""

from collections import Counter

import pytest

from leaveout.datasets import parser
from leaveout.errors import SourceError
from leaveout.records import labelled
from packing import zipped

ROOT = "ESC-50-master"
HEADER = "filename,fold,target,category,esc10,src_file,take\n"
ROWS = ["2-b.wav,2,1,rooster,False,2,A\n", "1-a.wav,1,0,dog,True,1,A\n", "3-c.wav,3,0,dog,True,3,B\n"]
TABLE = HEADER + "".join(ROWS)
CLIPS = {"1-a.wav": b"RIFF one", "2-b.wav": b"RIFF two", "3-c.wav": b"RIFF three"}


@pytest.fixture
def parsed(tmp_path):
    """Pack a table and clips, and parse them."""

    def parse(table=TABLE, clips=CLIPS):
        entries = [(f"{ROOT}/", b""), (f"{ROOT}/README.md", b"about"), (f"{ROOT}/audio/", b"")]
        entries += [(f"{ROOT}/audio/{name}", content) for name, content in clips.items()]
        if table is not None:
            entries += [(f"{ROOT}/meta/esc50.csv", table if isinstance(table, bytes) else table.encode())]
        return parser("esc50")(zipped(tmp_path / "esc50.zip", entries))

    return parse


def test_clips_come_in_the_order_of_the_table(parsed):
    records = parsed()
    assert records.ids == ["2-b.wav", "1-a.wav", "3-c.wav"]
    assert records.classes == ["rooster", "dog", "dog"]
    assert list(records.payload) == [CLIPS[name] for name in records.ids]
    assert records.split is None


def test_clips_stay_unread_when_a_task_takes_its_part(parsed, tmp_path):
    records, y = labelled(parsed(), {"0": ["dog"], "1": ["rooster"]})
    (tmp_path / "esc50.zip").rename(tmp_path / "elsewhere.zip")
    assert len(records.payload) == 3
    with pytest.raises(SourceError, match=r"esc50\.zip: there is no such file"):
        records.payload[0]
    (tmp_path / "elsewhere.zip").rename(tmp_path / "esc50.zip")
    assert list(records.payload) == [CLIPS[name] for name in records.ids]
    assert y.tolist() == [1, 0, 0]


def test_a_clip_that_the_table_does_not_list_is_refused(parsed):
    with pytest.raises(SourceError, match=rf"{ROOT}/audio/4-d\.wav is not in .*esc50\.csv \(1 such files\)"):
        parsed(clips=CLIPS | {"4-d.wav": b"RIFF"})


def test_a_clip_that_is_missing_is_named(parsed):
    with pytest.raises(SourceError, match=rf"no {ROOT}/audio/1-a\.wav, but .*esc50\.csv lists it \(2 such files\)"):
        parsed(clips={"2-b.wav": b"RIFF"})


WRONG_TABLES = {
    r"no ESC-50-master/meta/esc50\.csv": None,
    "lists no file": HEADER,
    "line 2: no filename or no category": "name,class\n1-a.wav,dog\n",
    "line 3: no filename or no category": HEADER + ROWS[0] + "1-a.wav,1,0\n",
    r"line 5: 2-b\.wav occurs twice": HEADER + "".join([*ROWS, ROWS[0]]),
    "utf-8": (HEADER + ROWS[0]).encode() + b"caf\xe9.wav,1,0,dog,True,1,A\n",
    "unexpected end of data": HEADER + ROWS[0] + '"1-a.wav,1,0,dog,True,1,A\n',
}


@pytest.mark.parametrize("what", WRONG_TABLES)
def test_a_table_of_another_layout_is_refused(parsed, what):
    with pytest.raises(SourceError, match=rf"esc50\.zip: .*{what}.*\(delete the file and download it again\)"):
        parsed(table=WRONG_TABLES[what])


def test_another_outermost_folder_is_refused(tmp_path):
    path = zipped(tmp_path / "esc50.zip", [(f"ESC-50-main/audio/{name}", clip) for name, clip in CLIPS.items()])
    with pytest.raises(SourceError, match=r"no ESC-50-master/meta/esc50\.csv"):
        parser("esc50")(path)


def test_the_published_clips(mirror):
    records = parser("esc50")(mirror / "ESC-50-master.zip")
    counts = Counter(records.classes)
    assert len(counts) == 50
    assert set(counts.values()) <= {2, 40}
    assert {"airplane", "washing_machine", "rooster"} <= set(counts)
    clip = records.payload[len(records.ids) - 1]
    assert clip[:4] == b"RIFF"
    assert len(clip) == 44 + 5 * 44_100 * 2
