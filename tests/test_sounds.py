"""Sound files: what they hold, or an error that names them."""

import math
import struct

import numpy as np
import pytest

from leaveout.archives import Limits, ZipMembers
from leaveout.errors import InvalidData, SourceError
from packing import zipped
from recording import noise, wav

pytestmark = pytest.mark.embed


@pytest.fixture
def decoded():
    from leaveout.sounds import decoded

    return lambda *contents: list(decoded(contents))


@pytest.mark.parametrize(
    "form, subtype, exact", [("WAV", "FLOAT", 0), ("WAV", "PCM_16", 2**-15), ("FLAC", "PCM_24", 2**-23)]
)
def test_a_file_decodes_to_the_samples_it_was_made_of(decoded, form, subtype, exact):
    samples = noise().astype(np.float32)
    [(found, rate)] = decoded(wav(samples, 16_000, subtype, form))
    assert rate == 16_000
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, samples, atol=exact)


def test_channels_are_averaged(decoded):
    left, right = noise(1), noise(2)
    [(found, _)] = decoded(wav(np.column_stack([left, right])))
    np.testing.assert_allclose(found, (left + right) / 2, atol=1e-7)


def test_each_sound_keeps_its_own_rate_and_length(decoded):
    found = decoded(wav(noise(seconds=1), 8000), wav(noise(seconds=2), 44_100))
    assert [(len(sound), rate) for sound, rate in found] == [(22_050, 8000), (44_100, 44_100)]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 100, wav.__doc__.encode()])
def test_what_is_no_sound_file_is_named_by_its_position(decoded, content):
    with pytest.raises(SourceError, match="sound 1: not a sound file that can be decoded"):
        decoded(wav(noise()), content)


def test_a_member_of_an_archive_is_named_by_its_name(tmp_path):
    from leaveout.sounds import decoded

    path = zipped(tmp_path / "clips.zip", [("a.wav", wav(noise())), ("b.wav", b"silence"), ("c.wav", wav(noise()))])
    members = ZipMembers(path, ["a.wav", "c.wav", "b.wav"], Limits(1 << 20, 1 << 22))
    with pytest.raises(SourceError, match=r"clips\.zip: b\.wav: not a sound file"):
        list(decoded(members))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_sample_that_is_not_finite_is_refused(decoded, value):
    samples = noise()
    samples[7] = value
    with pytest.raises(InvalidData, match="sound 0: a sound with samples that are not finite"):
        decoded(wav(samples))


def test_a_file_without_samples_is_refused(decoded):
    with pytest.raises(InvalidData, match="sound 0: a sound without a single sample"):
        decoded(wav(np.zeros(0)))


def test_a_header_that_claims_days_of_sound_is_not_believed(decoded):
    flac = bytearray(wav(noise(), form="FLAC", subtype="PCM_16"))
    assert flac[:4] == b"fLaC"
    # STREAMINFO: the 36 bits of the number of samples end 26 bytes in, after rate, channels and bits of a sample.
    flac[21] |= 0x0F
    flac[22:26] = struct.pack(">I", 0xFFFFFFFF)
    with pytest.raises(SourceError, match="sound 0: claims 68719476735 samples of 1 channels: too many"):
        decoded(bytes(flac))


def test_of_a_file_that_is_cut_short_what_is_there_counts(decoded):
    content = wav(noise(), subtype="PCM_16")
    [(found, _), (whole, _)] = decoded(content[: len(content) // 2], content)
    assert 0 < len(found) < len(whole)
    assert np.array_equal(found, whole[: len(found)])
