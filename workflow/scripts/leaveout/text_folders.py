"""Archives of text files, a folder a class: mails, reviews."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from leaveout.archives import Limits, members, unusable
from leaveout.records import Records


def read_text_folders(path: Path, root: str, folders: Sequence[str], encoding: str, limits: Limits) -> Records:
    """Read the texts of some folders, in the order of the folders and by file name in each.

    Parameters
    ----------
    path : Path
        A zip or tar.gz.
    root : str
        The archive's outermost folder.
    folders : sequence of str
        Below the root; all that they hold are ``.txt`` files. The innermost folder's name is the class. What lies
        elsewhere in the archive is passed over.
    encoding : str
        Of all files.
    limits : Limits

    Returns
    -------
    Records
        The ids are folder and file name, without root and ending.

    Raises
    ------
    SourceError
        No usable archive, a folder that is empty or holds something else, or a text in another encoding.
    """
    texts: dict[str, dict[str, str]] = {folder: {} for folder in folders}
    parts = {f"{root}/{folder}": folder for folder in folders}
    for name, content in members(path, lambda name: name.startswith(tuple(f"{part}/" for part in parts)), limits):
        place = PurePosixPath(name)
        if str(place.parent) not in parts or place.suffix != ".txt":
            raise unusable(path, f"member {name!r}: expected nothing but .txt files in its folder")
        try:
            texts[parts[str(place.parent)]][place.name] = content.decode(encoding)
        except UnicodeDecodeError as error:
            raise unusable(path, f"member {name!r}: not {encoding} text: {error}") from error
    if empty := [f"{root}/{folder}" for folder in folders if not texts[folder]]:
        raise unusable(path, f"no .txt files in {', '.join(empty)}")
    order = [(folder, file) for folder in folders for file in sorted(texts[folder])]
    ids = [f"{folder}/{file.removesuffix('.txt')}" for folder, file in order]
    classes = [PurePosixPath(folder).name for folder, _ in order]
    return Records(ids, [texts[folder][file] for folder, file in order], classes)
