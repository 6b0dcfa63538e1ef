"""Exhibits: one sample as its source has it, whatever it is, and drawn so that it fits its panel."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import wavfile
from sklearn.datasets import load_digits

from leaveout import consistency
from leaveout.datasets import parser
from leaveout.datasets.cifar10 import BATCHES
from leaveout.errors import InvalidResults, SourceError
from leaveout.exhibits import SHOWN, Exhibit, Sound, exhibit, few
from leaveout.figures.exhibit import COLUMNS, draw_exhibit
from leaveout.figures.poisoning import CAPTIONED
from leaveout.figures.style import panels, style
from leaveout.provenance import library_files
from packing import tar_gz, zipped
from test_digits import raw  # noqa: F401 - a fixture

RATE = 8000
SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"


def sound_file(samples, rate=RATE):
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, samples)
    return buffer.getvalue()


#: A sound file that claims no sample a second.
TIMELESS = sound_file(np.zeros(9, np.int16), rate=0)


def esc50(folder, content):
    table = "filename,category\nother.wav,dog\nhere.wav,siren\n"
    entries = [("meta/esc50.csv", table), ("audio/other.wav", b"unread"), ("audio/here.wav", content)]
    return zipped(folder / "esc50.zip", [(f"ESC-50-master/{name}", data) for name, data in entries])


def test_every_kind_of_sample_has_a_way_to_be_shown():
    assert set(SHOWN) == set(consistency.KINDS)
    assert set(SHOWN.values()) <= {"images", "texts", "sounds", "numbers"}


def test_digits_are_shown_as_eight_rows_of_eight_pixels(raw):  # noqa: F811
    shown = exhibit("digits", {"0": ["0", "2", "4", "6", "8"], "1": ["1"]}, [raw], "digits-0123", 0)
    assert_array_equal(shown.content * 16, load_digits().images[123])
    assert (shown.kind, shown.id, shown.label, shown.own) == (
        "images",
        "digits-0123",
        "0, 2, 4, …",
        str(load_digits().target[123]),
    )


def test_photographs_keep_their_colours(tmp_path):
    generator = np.random.default_rng(0)
    content = {"batches.meta": {b"label_names": [b"cat", b"dog"]}}
    for name in BATCHES:
        pixels = generator.integers(0, 256, (2, 3072), dtype=np.uint8)
        content[name] = {b"data": pixels, b"labels": [0, 1]}
    packed = [(f"cifar-10-batches-py/{name}", pickle.dumps(value, 2)) for name, value in content.items()]
    path = tar_gz(tmp_path / "cifar.tar.gz", packed)
    shown = exhibit("cifar10", {"0": ["cat"], "1": ["dog"]}, [str(path)], "data_batch_2/0001", 0)
    pixels = content["data_batch_2"][b"data"][1]
    assert_array_equal(shown.content, pixels.reshape(3, 32, 32).transpose(1, 2, 0))
    assert (shown.label, shown.own) == ("cat", "dog")
    assert shown.content.base is None  # the photographs of all others are not kept


def test_texts_and_numbers_are_shown_as_they_are(tmp_path):
    mails = [("enron1/ham/1.ham.txt", b"Subject: meeting"), ("enron1/spam/2.spam.txt", b"Subject: win $1000")]
    mail = exhibit("enron", {"0": ["ham"], "1": ["spam"]}, [tar_gz(tmp_path / "e.tar.gz", mails)], "spam/2.spam", 0)
    assert (mail.kind, mail.content, mail.label, mail.own) == ("texts", "Subject: win $1000", "ham", "spam")
    (tmp_path / "mine.csv").write_text("id,label,a,b\nx,0,1.5,2\ny,1,3,-4\n")
    row = exhibit("table", None, [tmp_path / "mine.csv"], "y", 0)
    assert (row.kind, row.content.tolist(), row.label, row.own) == ("numbers", [3, -4], "0", "1")


@pytest.mark.parametrize(
    ("kind", "scale", "zero"),
    [(np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.uint8, 2**7, 2**7), (np.float32, 1, 0)],
)
def test_sounds_of_every_wav_encoding_are_the_same_sound(tmp_path, kind, scale, zero):
    samples = np.array([[0.5, 0.25], [-0.5, -0.25], [0.0, 0.5]])
    content = sound_file((samples * scale + zero).astype(kind))
    shown = exhibit("esc50", {"0": ["dog"], "1": ["siren"]}, [esc50(tmp_path, content)], "here.wav", 0)
    assert shown.content.rate == RATE
    assert_allclose(shown.content.samples, samples.mean(axis=1), atol=0.01)


@pytest.mark.parametrize("content", [b"", b"RIFF one", b"OggS" * 10, sound_file(np.zeros((0, 1), np.int16)), TIMELESS])
def test_a_sound_that_cannot_be_shown_is_named(tmp_path, content):
    with pytest.raises(SourceError, match=r"esc50\.zip: here\.wav: .*sound"):
        exhibit("esc50", {"0": ["dog"], "1": ["siren"]}, [esc50(tmp_path, content)], "here.wav", 0)


@given(st.integers(0, 45), st.binary(min_size=1, max_size=6))
def test_a_damaged_sound_is_refused_or_shown_and_never_an_unknown_error(tmp_path_factory, position, noise):
    content = bytearray(sound_file(np.arange(200, dtype=np.int16)))
    content[position : position + len(noise)] = noise
    path = esc50(tmp_path_factory.getbasetemp(), bytes(content))
    try:
        shown = exhibit("esc50", {"0": ["dog"], "1": ["siren"]}, [path], "here.wav", 0)
    except SourceError:
        return
    draw = drawn("sounds", shown.content)
    assert draw.images


def test_a_sample_that_the_source_does_not_have_is_refused(raw):  # noqa: F811
    with pytest.raises(InvalidResults, match=r"digits\.csv\.gz: no sample 'digits-9999'.* Run again"):
        exhibit("digits", None, [raw], "digits-9999", 0)


def test_sounds_are_read_without_the_packages_of_the_audio_environment():
    reached = {file.name for file in library_files(SCRIPTS / "poisoning_figure.py", "datasets.esc50")}
    assert "exhibits.py" in reached
    assert not {"sounds.py", "audio.py", "logmel.py"} & reached


def test_three_classes_stand_for_a_label_of_many():
    assert few(["a", "b", "c"]) == "a, b, c"
    assert few(["a", "b", "c", "d"]) == "a, b, c, …"


def drawn(kind, content, name="name", label="label"):
    """A panel with an exhibit, laid out as it is when it is drawn."""
    with style():
        figure, [[ax]] = panels([1], below=CAPTIONED)
        draw_exhibit(ax, Exhibit(kind, content, name, label, "own"))
        figure.draw_without_rendering()
    return ax


@given(st.text(max_size=3000))
def test_any_text_fits_its_panel(text):
    ax = drawn("texts", text)
    (words,) = ax.texts
    frame, box = ax.get_window_extent(), words.get_window_extent()
    assert frame.x0 <= box.x0
    assert box.x1 <= frame.x1
    assert box.y0 >= frame.y0
    assert not set(words.get_text()) & set("\t\r\x00\x1b\u200b")


@pytest.mark.parametrize("text", ["W" * 5000, "long words " * 500, "a\n" * 500])
def test_a_long_text_fills_its_panel_and_no_more(text):
    ax = drawn("texts", text)
    frame, box = ax.get_window_extent(), ax.texts[0].get_window_extent()
    assert frame.x0 <= box.x0
    assert frame.x0 + 0.8 * frame.width < box.x1 <= frame.x1
    assert frame.y0 <= box.y0 < frame.y0 + 0.2 * frame.height


def test_the_first_words_are_shown_and_a_long_text_says_that_it_goes_on():
    ax = drawn("texts", "It cost $5, then $10. " + "W" * 100 + " much more" * 100)
    text = ax.texts[0].get_text()
    assert text.startswith("It cost $5, then $10.")
    assert text.endswith("…")
    assert max(map(len, text.split("\n"))) <= COLUMNS


def test_characters_that_the_font_does_not_have_are_question_marks():
    ax = drawn("texts", "café 日本 \U0001f600")  # a missing glyph would be a warning, hence an error
    assert ax.texts[0].get_text() == "café ?? ?"


@pytest.mark.parametrize("content", [np.zeros((8, 8)), np.zeros((20, 30, 3), np.uint8)])
def test_images_are_drawn_with_square_pixels(content):
    ax = drawn("images", content)
    assert ax.get_aspect() == 1.0
    assert ax.images[0].get_array().shape == content.shape


@pytest.mark.parametrize("length", [1, 3, 100, 5 * RATE])
@pytest.mark.parametrize("loud", [False, True])
def test_any_sound_has_a_spectrogram(length, loud):
    samples = np.sin(np.arange(length)) if loud else np.zeros(length)
    ax = drawn("sounds", Sound(samples, RATE))
    shown = ax.images[0].get_array()
    assert np.isfinite(shown).all()
    assert ax.get_xlim() == pytest.approx((0, length / RATE))


def test_a_tone_is_dark_at_its_own_frequency():
    ax = drawn("sounds", Sound(np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE), RATE))
    assert ax.images[0].origin == "lower"
    rows = np.asarray(ax.images[0].get_array()).mean(axis=1)
    assert ax.get_ylim()[1] * rows.argmax() / len(rows) == pytest.approx(1.0, abs=0.05)  # kHz


@pytest.mark.parametrize("d", [1, 2, 30, 3000])
def test_numbers_are_lines_as_long_as_their_values(d):
    values = np.linspace(-1, 2, d)
    ax = drawn("numbers", values)
    ends = [segment[1, 1] for segment in ax.collections[0].get_segments()]
    assert ends == pytest.approx(values.tolist())


@pytest.mark.parametrize(
    ("kind", "content"),
    [("images", np.zeros((8, 8))), ("sounds", Sound(np.zeros(RATE), RATE)), ("numbers", np.ones(5)), ("texts", "a")],
)
def test_label_own_class_and_id_stand_below_and_fit_the_figure(kind, content):
    ax = drawn(kind, content, name="a/very/long/name/of/a/file/that/nobody/reads.wav", label="_$x, " * 30)
    lines = ax.get_xlabel().split("\n")[-3:]
    assert [line.split(" ")[0] for line in lines[:2]] == ["labelled:", "really:"]
    box = ax.xaxis.label.get_window_extent()
    assert box.y0 >= 0
    assert box.x0 >= 0


@pytest.mark.parametrize(
    ("name", "files", "kind"),
    [
        ("cifar10", ["cifar-10-python.tar.gz"], "images"),
        ("dogfish", [f"dogfish_900_300_inception_features_{part}.npz" for part in ("train", "test")], "numbers"),
        ("enron", ["enron1.tar.gz"], "texts"),
        ("esc50", ["ESC-50-master.zip"], "sounds"),
        ("imdb", ["aclImdb_v1.tar.gz"], "texts"),
    ],
)
def test_samples_of_the_sources_own_files_can_be_shown(mirror, name, files, kind):
    paths = [mirror / file for file in files]
    records = parser(name)(*paths)
    for position in (0, len(records.ids) // 2, len(records.ids) - 1):
        own = records.classes[position]
        classes = {"0": [own], "1": sorted(set(records.classes) - {own})}
        shown = exhibit(name, classes, paths, records.ids[position], 1)
        assert (shown.kind, shown.id, shown.own) == (kind, records.ids[position], own)
        assert own not in shown.label.split(", ")
        drawn(kind, shown.content, shown.id, shown.label)
