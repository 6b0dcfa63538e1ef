"""Archives made by hand for the tests: honest ones, and some that no tool would make."""

import gzip
import io
import tarfile
import zipfile


def tar_bytes(entries):
    """Unpacked tar of names and contents; an entry may be a TarInfo with its content instead."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in entries:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tar_gz(path, entries):
    path.write_bytes(gzip.compress(tar_bytes(entries), mtime=0))
    return path


def zipped(path, entries, compression=zipfile.ZIP_DEFLATED):
    """Write a zip of names and contents; an entry may be a ZipInfo with its content instead."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path
