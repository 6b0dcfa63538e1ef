"""Pickles: arrays come out of them, and nothing that they ask for is done."""

import collections
import os
import pickle
import struct
import subprocess
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from leaveout import pickles
from leaveout.pickles import UnsafePickle

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 12)


def python2(text):
    """Opcode of a Python 2 string, as in the published batches."""
    return b"U" + bytes([len(text)]) + text


def published(module=b"numpy.core.multiarray", dtype=b"u1", order=b"|"):
    """A batch as Python 2 pickled it (protocol 2): {"data": 2 x 12 bytes, "labels": [3, 1], "filenames": ["a.png"]}."""
    return (
        b"\x80\x02}q\x01("
        + python2(b"data")
        + b"q\x02c"
        + module
        + b"\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85"
        + python2(b"b")
        + b"\x87Rq\x06(K\x01K\x02K\x0c\x86cnumpy\ndtype\nq\x07"
        + python2(dtype)
        + b"K\x00K\x01\x87Rq\x08(K\x03"
        + python2(order)
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + python2(PIXELS.tobytes())
        + b"tb"
        + python2(b"labels")
        + b"]q\x09(K\x03K\x01e"
        + python2(b"filenames")
        + b"]"
        + python2(b"a.png")
        + b"au."
    )


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_a_batch_of_python_2_is_read(module):
    content = pickles.load(published(module))
    assert sorted(content) == [b"data", b"filenames", b"labels"]
    assert_array_equal(content[b"data"], PIXELS)
    assert content[b"data"].dtype == np.uint8
    assert content[b"labels"] == [3, 1]
    assert content[b"filenames"] == [b"a.png"]


@given(
    array=arrays(st.sampled_from(["u1", "<i2", ">i4", "<i8", "<f4", ">f8", "?"]), array_shapes(max_dims=3)),
    protocol=st.integers(2, 4),
    by_columns=st.booleans(),
)
def test_what_this_python_pickles_is_read_as_by_pickle_itself(array, protocol, by_columns):
    array = np.asfortranarray(array) if by_columns else array
    data = pickle.dumps({b"data": array, b"labels": [1, 2], "text": {"a": b"bytes", b"b": 10**20}}, protocol)
    content = pickles.load(data)
    assert_array_equal(content[b"data"], array)
    assert content[b"data"].dtype == array.dtype
    assert content[b"labels"] == [1, 2]
    assert content["text"] == {"a": b"bytes", b"b": 10**20}


class Attack:
    """Unpickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


ATTACKS = {
    "os.system": (os.system, "touch {sentinel}"),
    "builtins.eval": (eval, "open({sentinel!r}, 'w').close()"),
    "builtins.exec": (exec, "open({sentinel!r}, 'w').close()"),
    "builtins.open": (open, "{sentinel}", "w"),
    "subprocess.Popen": (subprocess.Popen, ("touch", "{sentinel}")),
    "os.makedirs": (os.makedirs, "{sentinel}"),
}


def aimed(arguments, sentinel):
    return [
        tuple(part.format(sentinel=sentinel) for part in argument)
        if isinstance(argument, tuple)
        else argument.format(sentinel=sentinel)
        for argument in arguments
    ]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_name_and_does_not_run(tmp_path, name, protocol):
    function, *arguments = ATTACKS[name]
    sentinel = tmp_path / "sentinel"
    data = pickle.dumps({b"data": Attack(function, *aimed(arguments, str(sentinel)))}, protocol)
    called = name.split(".")[1]
    with pytest.raises(UnsafePickle, match=rf"the pickle names \S+\.{called}, which no array needs"):
        pickles.load(data)
    assert not sentinel.exists()


def test_the_attacks_would_run(tmp_path):
    """Or else the tests above would prove nothing."""
    sentinel = tmp_path / "sentinel"
    arguments = aimed(ATTACKS["builtins.open"][1:], str(sentinel))
    pickle.loads(pickle.dumps(Attack(open, *arguments))).close()  # noqa: S301 - our own
    assert sentinel.exists()


@pytest.mark.parametrize(
    "value",
    [
        collections.OrderedDict(),
        {1, 2}.__class__,
        np.float64(1.0),
        np.random.default_rng,
        pickle.loads,
        bytearray(b"1"),
    ],
    ids=["mapping", "class", "number", "function of an extension", "builtin", "bytes"],
)
def test_anything_that_no_array_needs_is_refused(value):
    with pytest.raises(UnsafePickle, match="which no array needs"):
        pickles.load(pickle.dumps({b"data": value}, 2))


@pytest.mark.parametrize("dtype", ["O", "V8", "U3", "S3", "M8[s]", "f16"])
def test_arrays_of_anything_but_plain_numbers_are_refused(dtype):
    """numpy's own unpickling believes a type's description of its fields, down to its pointers."""
    with pytest.raises(UnsafePickle, match=r"an array of '.*', expected plain numbers"):
        pickles.load(pickle.dumps({b"data": np.zeros(2, dtype)}, 2))


def test_an_array_of_another_size_than_its_content_is_refused():
    with pytest.raises(ValueError, match="not a readable pickle"):
        pickles.load(published(dtype=b"i8"))


HOSTILE = {
    "an array of a terabyte": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x8a\x06"
    + (1 << 40).to_bytes(6, "little")
    + b"\x85U\x01b\x87R.",
    "an array made without _reconstruct": b"\x80\x02cnumpy\nndarray\n\x8a\x06"
    + (1 << 40).to_bytes(6, "little")
    + b"\x85R.",
    "a memory of 2^31 places": b"\x80\x02Nr" + struct.pack("<L", (1 << 31) - 1) + b".",
    "bytes of a length": b"\x80\x02c_codecs\nencode\n\x8a\x06"
    + (1 << 40).to_bytes(6, "little")
    + b"X\x06\x00\x00\x00latin1\x86R.",
    "attributes of a stand-in": b"\x80\x02c_codecs\nencode\n}X\x0c\x00\x00\x00__defaults__Nsb.",
    "attributes of a name": b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aNsb.",
    "a persistent object": b"\x80\x02Pname\n.",
    "an extension": b"\x80\x02\x82\x01.",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_other_hostile_pickles_are_refused_without_harm(data):
    tracemalloc.start()
    with pytest.raises(ValueError, match="pickle"):
        pickles.load(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_text_is_encoded_as_python_does_it_alone():
    with pytest.raises(UnsafePickle, match="the pickle encodes text as 'utf-16', expected latin1"):
        pickles.load(b"\x80\x02}K\x01c_codecs\nencode\nX\x01\x00\x00\x00aX\x06\x00\x00\x00utf-16\x86Rs.")


@pytest.mark.parametrize("data", [b"", b"<!DOCTYPE html>", published()[:-1], published()[:80], b"\x80\x02."])
def test_what_is_no_pickle_is_refused(data):
    with pytest.raises(ValueError, match="not a readable pickle"):
        pickles.load(data)


def test_what_is_no_dictionary_is_refused():
    with pytest.raises(ValueError, match="the pickle holds a list, expected a dictionary"):
        pickles.load(pickle.dumps([1, 2]))


@given(damage=st.lists(st.tuples(st.integers(0, len(published()) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_pickle_is_read_or_refused(damage):
    data = bytearray(published())
    for place, value in damage:
        data[place] = value
    try:
        content = pickles.load(bytes(data))
    except ValueError:
        return
    assert isinstance(content, dict)
