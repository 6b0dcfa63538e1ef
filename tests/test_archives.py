"""Archives: what is in them comes out, and what should not be in them is refused by name."""

import gzip
import io
import stat
import struct
import tarfile
import tracemalloc
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaveout.archives import Limits, ZipMembers, gunzipped, members, zip_names
from leaveout.errors import SourceError
from packing import tar_bytes, tar_gz, zipped

ROOMY = Limits(member=1 << 20, total=1 << 22)
ENTRIES = [("a/one.txt", b"first"), ("a/two.bin", bytes(range(256)) * 20), ("b/three.txt", b""), ("b/été.txt", b"4")]
PACKERS = {"zip": zipped, "tar.gz": tar_gz}
BAD_NAMES = [
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a/..",
    "..",
    "C:/windows",
    "c:evil",
    "a\\..\\outside",
    "\\\\server\\share",
    "line\nbreak",
]


def everything(name):
    return True


@pytest.fixture(params=PACKERS)
def pack(request, tmp_path):
    """Write an archive of either kind."""
    return lambda entries: PACKERS[request.param](tmp_path / f"archive.{request.param}", entries)


def read(path, wanted=everything, limits=ROOMY):
    return list(members(path, wanted, limits))


def test_members_come_out_as_they_went_in(pack):
    assert read(pack(ENTRIES)) == ENTRIES


def test_only_wanted_members_come_out(pack):
    assert [name for name, _ in read(pack(ENTRIES), lambda name: name.endswith(".txt"))] == [
        "a/one.txt",
        "b/three.txt",
        "b/été.txt",
    ]


def test_names_lose_their_dots_and_folders_are_passed_over(tmp_path):
    folder = tarfile.TarInfo("./a")
    folder.type = tarfile.DIRTYPE
    assert read(tar_gz(tmp_path / "x.tar.gz", [(folder, b""), ("./a//one", b"1")])) == [("a/one", b"1")]
    assert read(zipped(tmp_path / "x.zip", [("a/", b""), ("a/./one", b"1")])) == [("a/one", b"1")]


def test_long_names_and_other_tar_headers_are_understood(tmp_path):
    name = "/".join(["folder" * 10] * 5)
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / "x.tar.gz", "w:gz", format=form) as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        assert read(tmp_path / "x.tar.gz") == [(name, b"")]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_outside_is_refused_wanted_or_not(pack, name):
    path = pack([("fine", b"1"), (name, b"2")])
    with pytest.raises(SourceError, match=r"a name (that leads out|with characters)") as refused:
        read(path, "fine".__eq__)
    assert str(path) in str(refused.value)
    assert repr(name) in str(refused.value)


def test_a_zip_name_with_a_hidden_ending_is_refused(tmp_path):
    """Some readers end the name at the zero byte, others do not."""
    path = zipped(tmp_path / "x.zip", [("fine.txt_hidden", b"1")])
    path.write_bytes(path.read_bytes().replace(b"txt_hidden", b"txt\0hidden"))
    with pytest.raises(SourceError, match="characters that cannot be printed"):
        read(path)


@pytest.mark.parametrize("again", ["a/one", "./a/one", "a//one"])
def test_a_name_that_occurs_twice_is_refused(pack, again):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of what we are up to
        path = pack([("a/one", b"1"), (again, b"2")])
    with pytest.raises(SourceError, match="occurs twice"):
        read(path)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"?"]
)
def test_links_and_devices_in_a_tar_are_refused_wanted_or_not(tmp_path, kind):
    odd = tarfile.TarInfo("odd")
    odd.type, odd.linkname = kind, "fine"
    path = tar_gz(tmp_path / "x.tar.gz", [("fine", b"1"), (odd, b"")])
    with pytest.raises(SourceError, match="member 'odd' is a link, a device or a sparse file"):
        read(path, "fine".__eq__)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused_wanted_or_not(tmp_path, kind):
    odd = zipfile.ZipInfo("odd")
    odd.external_attr = (kind | 0o777) << 16
    path = zipped(tmp_path / "x.zip", [("fine", b"1"), (odd, b"/etc/passwd")])
    with pytest.raises(SourceError, match="member 'odd' is a link or a device"):
        read(path, "fine".__eq__)


def test_a_sparse_tar_member_is_refused(tmp_path):
    """Its holes unpack to as many zeros as the header likes, from nothing."""
    hole = tarfile.TarInfo("hole")
    hole.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 40), "GNU.sparse.numblocks": "1"}
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        hole.size = 1
        archive.addfile(hole, io.BytesIO(b"1"))
    with pytest.raises(SourceError, match="member 'hole' is a link, a device or a sparse file"):
        read(tmp_path / "x.tar.gz")


def refused_cheaply(path, limits, match, wanted=everything):
    """Refused, and without unpacking much more than the limits allow."""
    tracemalloc.start()
    with pytest.raises(SourceError, match=match):
        read(path, wanted, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * limits.total


BOMB = [("bomb", bytes(50 << 20))]
SMALL = Limits(member=100_000, total=500_000)


def test_a_bomb_is_refused_before_it_is_unpacked(pack):
    path = pack(BOMB)
    assert path.stat().st_size < 100_000
    refused_cheaply(path, SMALL, "'bomb' unpacks to more than 100000 bytes")


def test_a_bomb_that_nobody_wants_counts_in_a_tar(tmp_path):
    path = tar_gz(tmp_path / "x.tar.gz", [*BOMB, ("fine", b"1")])
    refused_cheaply(path, SMALL, "unpacks to more than 500000 bytes", "fine".__eq__)


def test_many_members_are_counted_together(pack):
    path = pack([(f"{i}", bytes(90_000)) for i in range(10)])
    refused_cheaply(path, SMALL, "unpacks to more than 500000 bytes")


@pytest.mark.parametrize("claimed", [0, 10, 99_999])
def test_a_zip_bomb_with_a_lying_header_is_refused(tmp_path, claimed):
    path = zipped(tmp_path / "x.zip", BOMB)
    honest = struct.pack("<L", len(BOMB[0][1]))
    data = path.read_bytes()
    assert data.count(honest) == 2
    path.write_bytes(data.replace(honest, struct.pack("<L", claimed)))
    refused_cheaply(path, SMALL, "damaged or incomplete: Bad CRC")


def test_a_tar_header_that_claims_a_huge_name_is_refused(tmp_path):
    """A reader takes a long name whole into memory, before anybody can ask for its size."""
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 50 << 20
    data = long.tobuf() + bytes(50 << 20)
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(data))
    refused_cheaply(tmp_path / "x.tar.gz", SMALL, "asks for 52428800 bytes")


@pytest.mark.parametrize("size", [-1, -1024])
def test_a_negative_size_in_a_tar_is_refused(tmp_path, size):
    """tarfile goes round in circles otherwise."""
    info = tarfile.TarInfo("back")
    info.size = size
    header = info.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar_bytes([("fine", b"1")])[:1024] + header + bytes(1024)))
    with pytest.raises(SourceError, match="damaged or incomplete"):
        read(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(pack, kept):
    noise = bytes((i * i * 7919 >> 5) % 256 for i in range(100_000))
    path = pack([("a", noise), ("b", noise)])
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(SourceError, match=r"damaged or incomplete: .*delete the file and download it again") as refused:
        read(path)
    assert str(path) in str(refused.value)


def test_a_tar_that_is_cut_before_it_was_compressed_is_refused(tmp_path):
    whole = tar_bytes([("a", bytes(5000)), ("b", b"1" * 5000)])
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(whole[:8000]))
    with pytest.raises(SourceError, match="damaged or incomplete"):
        read(tmp_path / "x.tar.gz")
    with pytest.raises(SourceError, match="damaged or incomplete"):
        read(tmp_path / "x.tar.gz", "a".__eq__)


def test_a_damaged_header_in_a_tar_is_not_taken_for_the_end(tmp_path):
    whole = bytearray(tar_bytes([("a", b"1"), ("b", b"2"), ("c", b"3")]))
    whole[1024 + 148 : 1024 + 156] = b"000000\0 "  # b's checksum
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(bytes(whole)))
    with pytest.raises(SourceError, match="damaged or incomplete: no header at byte 1024"):
        read(tmp_path / "x.tar.gz")


def test_a_wrong_checksum_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", [("a", b"content of a")], zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"content of a", b"content of b"))
    with pytest.raises(SourceError, match="damaged or incomplete: Bad CRC-32 for file 'a'"):
        read(path)
    path = tar_gz(tmp_path / "x.tar.gz", ENTRIES)
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(SourceError, match="damaged or incomplete: CRC check failed"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"P", b"<!DOCTYPE html><title>404</title>", b"BZh91AY&SY" + bytes(100)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(
        SourceError, match=r"x\.zip: neither a zip nor a tar\.gz \(delete the file and download it again"
    ):
        read(tmp_path / "x.zip")


@pytest.mark.parametrize("content", [b"PK\3\4 and nothing else", gzip.compress(b"no tar" * 99, mtime=0), b"\x1f\x8b"])
def test_what_only_begins_like_an_archive_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(SourceError, match="damaged or incomplete"):
        read(tmp_path / "x")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"none\.zip: there is no such file \(download it\)"):
        read(tmp_path / "none.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_unpacks_without_bound_is_refused(tmp_path, method):
    path = zipped(tmp_path / "x.zip", BOMB, method)
    refused_cheaply(path, SMALL, f"'bomb' is compressed by method {method}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bytes of an honest archive of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    return {kind: packer(folder / "x", ENTRIES).read_bytes() for kind, packer in PACKERS.items()}


def read_or_refuse(path):
    """Members, or none if they are refused; any other exception fails the test."""
    try:
        return read(path)
    except SourceError:
        return []


@given(kind=st.sampled_from(sorted(PACKERS)), data=st.data())
def test_damage_is_refused_or_does_not_matter(whole, tmp_path_factory, kind, data):
    """Whatever byte is changed: an error of ours, or members, perhaps under another name, with the content they had."""
    damaged = bytearray(whole[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(damaged)
    assert {content for _, content in read_or_refuse(path)} <= {content for _, content in ENTRIES}


@given(tar=st.data())
def test_a_damaged_tar_with_a_good_checksum_does_no_harm(tmp_path_factory, tar):
    """An attacker compresses what he likes: any header may lie, and the answer is still members or an error of ours."""
    content = bytearray(tar_bytes(ENTRIES))
    for _ in range(tar.draw(st.integers(1, 4))):
        content[tar.draw(st.integers(0, 2000))] = tar.draw(st.integers(0, 255))
    # headers whose checksum fits what they say
    header = bytes(content[:148]) + b" " * 8 + bytes(content[156:512])
    content[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path_factory.getbasetemp() / "lying.tar.gz"
    path.write_bytes(gzip.compress(bytes(content), 1))
    assert sum(len(member) for _, member in read_or_refuse(path)) <= len(content)


@pytest.fixture
def lazy(tmp_path):
    """Five members of a zip, in an order of their own."""
    path = zipped(tmp_path / "x.zip", [(f"{i}", b"%d" % i) for i in range(10)])
    return ZipMembers(path, ["7", "3", "5", "0", "9"], ROOMY)


def test_lazy_members_are_a_sequence(lazy):
    assert len(lazy) == 5
    assert list(lazy) == [b"7", b"3", b"5", b"0", b"9"]
    assert [lazy[i] for i in range(5)] == list(lazy)
    assert lazy[-1] == b"9"
    assert list(lazy[1:3]) == [b"3", b"5"]
    assert list(lazy[[4, 0]]) == [b"9", b"7"]
    with pytest.raises(IndexError):
        lazy[5]


def test_lazy_members_hold_no_content(tmp_path):
    path = zipped(tmp_path / "x.zip", [(f"{i}", bytes(1 << 20)) for i in range(20)])
    tracemalloc.start()
    total = sum(len(content) for content in ZipMembers(path, [f"{i}" for i in range(20)], Limits(1 << 20, 20 << 20)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 20 << 20
    assert peak < 6 << 20


def test_a_lazy_member_that_is_missing_or_damaged_is_an_error_when_it_is_asked_for(tmp_path):
    path = zipped(tmp_path / "x.zip", [("a", b"content of a"), ("b", b"1")], zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"content of a", b"content of b"))
    lazy = ZipMembers(path, ["a", "b", "c"], ROOMY)
    assert lazy[1] == b"1"
    with pytest.raises(SourceError, match="Bad CRC-32 for file 'a'"):
        lazy[0]
    with pytest.raises(SourceError, match="no member 'c'"):
        lazy[2]


def test_the_names_of_a_zip(tmp_path):
    assert zip_names(zipped(tmp_path / "x.zip", [("a/", b""), *ENTRIES])) == [name for name, _ in ENTRIES]
    with pytest.raises(SourceError, match="damaged or incomplete"):
        zip_names(tar_gz(tmp_path / "x.tar.gz", ENTRIES))


def test_what_is_compressed_alone_comes_out_as_it_went_in(tmp_path):
    path = tmp_path / "weights.h5.gz"
    path.write_bytes(gzip.compress(b"weights"))
    assert gunzipped(path, 7) == b"weights"
    with pytest.raises(SourceError, match=r"weights\.h5\.gz: unpacks to more than 6 bytes"):
        gunzipped(path, 6)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(SourceError, match=r"weights\.h5\.gz: damaged or incomplete"):
        gunzipped(path, 7)
    path.write_bytes(b"weights")
    with pytest.raises(SourceError, match=r"weights\.h5\.gz: damaged or incomplete"):
        gunzipped(path, 7)
