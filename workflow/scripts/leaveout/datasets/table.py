"""Features of the user's own, a row a sample: ids, labels, numbers and perhaps a split, in .npz, .parquet or .csv."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from leaveout import columns, unpacking
from leaveout.errors import InvalidData, SourceError
from leaveout.records import TEST, TRAIN, Records

log = logging.getLogger(__name__)

ID, LABEL, SPLIT, FEATURES = "id", "label", "split", "features"
REQUIRED, NAMES = (ID, LABEL), (ID, LABEL, SPLIT)
ROWS = 1 << 13  # of a parquet file that are decoded together
BYTES = 64 << 20  # of a csv file that are decoded together: a row is shorter
WHOLE = re.compile(r"([-+]?)(0|[1-9][0-9]*)(\.0*)?")
TRUTH = {"false": "0", "true": "1"}
#: How a csv spells numbers that are not written as such, and cells without one.
SPELLED = {"true": 1.0, "false": 0.0} | dict.fromkeys(("", "na", "n/a", "<na>", "nan", "null", "none"), np.nan)
NAMELESS = re.compile(r"|Unnamed: \d+|__index_level_\d+__")  # what pandas makes of an index without a name

Numbers = npt.NDArray[np.float32]
Block = Mapping[str, Any]  # pyarrow arrays of the same length by their names


@dataclass(frozen=True, eq=False)
class Part:
    """All samples of one file, or some that follow each other.

    Attributes
    ----------
    texts : mapping from "id", "label" and perhaps "split" to n texts
    features : sequence of str
        Names of the d features, for messages.
    X : (n, d) float32 array
    """

    texts: Mapping[str, list[str]]
    features: Sequence[str]
    X: Numbers


def parse(*files: Path) -> Records:
    """Read features (n, d) in single precision, and the id, class and perhaps the split of each sample.

    In a table, ``.csv`` or ``.parquet``, every column but ``id``, ``label`` and ``split`` is a feature, in the file's
    order; in ``.parquet``, one column ``features`` may hold them all, as lists of one length. A ``.npz`` has the arrays
    ``id``, ``label``, ``features`` (n, d), and perhaps ``split``. Labels become names of classes: 1, 1.0, "1" and true
    are all the class "1". Numbers as ids become text, exactly; text stays as it is, "007" too. An index that pandas has
    saved in ``.parquet`` is no feature.

    Parameters
    ----------
    files : paths
        Of one kind and with the same columns; their rows follow each other.

    Raises
    ------
    SourceError
        A file is not there, is of no kind that is known, or cannot be read as what its name says.
    InvalidData
        Columns are missing or mean nothing here; an id is missing or occurs twice; a feature is no finite number.
    """
    if len(kinds := {path.suffix for path in files}) > 1:
        raise SourceError(
            f"{files[0]}: other files of the source are {', '.join(sorted(kinds))} (save all as one kind)"
        )
    parts = [_read(path) for path in files]
    _check_columns(files, parts)
    lengths = [len(part.X) for part in parts]
    whole = _joined(parts)
    _check_unique(whole.texts[ID], files, lengths)
    return Records(whole.texts[ID], whole.X, class_names(whole.texts[LABEL]), whole.texts.get(SPLIT))


def class_names(labels: Sequence[str]) -> list[str]:
    """Names of classes: whole numbers as digits ("+1" and "1.0" are "1"), true and false, alone, as 1 and 0."""
    words = set(labels)
    if all(word.lower() in TRUTH for word in words):
        name = {word: TRUTH[word.lower()] for word in words}
    else:
        whole = {word: WHOLE.fullmatch(word) for word in words}
        name = {word: str(int(found[1] + found[2])) if found else word for word, found in whole.items()}
    return [name[label] for label in labels]


def _joined(parts: list[Part]) -> Part:
    """All samples of parts with the same columns; the parts are used up, or X would be there twice."""
    if len(parts) == 1:
        return parts[0]
    texts = {name: [*chain.from_iterable(part.texts[name] for part in parts)] for name in parts[0].texts}
    features = parts[0].features
    X = np.empty((len(texts[ID]), len(features)), dtype=np.float32)
    first = len(X)
    while parts:
        block = parts.pop().X
        X[first - len(block) : first] = block
        first -= len(block)
    return Part(texts, features, X)


def _read(path: Path) -> Part:
    """All samples of one file."""
    readers = {".csv": _csv_parts, ".npz": _npz_parts, ".parquet": _parquet_parts}
    if path.suffix not in readers:
        raise SourceError(f"{path}: features are read from {', '.join(readers)} (save the file as one of these)")
    if not path.is_file():
        raise SourceError(f"{path}: there is no such file")
    try:
        parts = list(readers[path.suffix](path))
    except unpacking.DAMAGE as error:
        raise SourceError(f"{path}: not a readable {path.suffix} file: {error} (save it anew)") from error
    except MemoryError as error:
        raise SourceError(
            f"{path}: the file asks for more memory than there is: {error} (fewer features, or a larger machine)"
        ) from error
    if not sum(len(part.X) for part in parts):
        raise InvalidData(f"{path}: the file is empty (give a row for each sample)")
    if len(widths := sorted({part.X.shape[1] for part in parts})) > 1:
        raise InvalidData(f"{path}: {FEATURES} holds lists of {_few(widths)} numbers (make all lists equally long)")
    part = _joined(parts)
    _check_texts(path, part.texts)
    _check_finite(path, part)
    return part


def _csv_parts(path: Path) -> Iterator[Part]:
    """Samples of a csv, every cell read as text first: only so does "007" stay what it is."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines, strict=True), [])
    features = _layout(path, header)
    blocks = pyarrow.csv.open_csv(
        path,
        pyarrow.csv.ReadOptions(block_size=BYTES),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), null_values=[""], strings_can_be_null=True
        ),
    )
    for block in blocks:
        yield _part(path, dict(zip(header, block.columns, strict=True)), features)


def _parquet_parts(path: Path) -> Iterator[Part]:
    """Samples of a parquet file."""
    with pq.ParquetFile(path) as file:
        unpacking.refuse_table(path, file.metadata)
        schema = file.schema_arrow
        indices = [name for name in (schema.pandas_metadata or {}).get("index_columns", []) if isinstance(name, str)]
        if ignored := [name for name in indices if name not in NAMES]:
            log.info("%s: %s is an index of pandas, not a feature", path, ", ".join(ignored))
        features = _layout(path, [name for name in schema.names if name not in ignored])
        for group in range(file.num_row_groups):  # asked for all groups, it would hold them all
            for batch in file.iter_batches(ROWS, row_groups=[group]):
                yield _part(path, dict(zip(schema.names, batch.columns, strict=True)), features)


def _npz_parts(path: Path) -> Iterator[Part]:
    """Samples of an archive of arrays, which is never unpickled."""
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.lib.npyio.NpzFile):
                unpacking.refuse_archive(path, loaded.zip)
            arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"one array without a name": loaded}
    except ValueError as error:
        raise SourceError(
            f"{path}: {error} (pickles are never read: save ids and labels as text or numbers, not as objects, and "
            f"features as one array of numbers, (n, d))"
        ) from error
    if missing := [name for name in (*REQUIRED, FEATURES) if name not in arrays]:
        raise InvalidData(f"{path}: no array {_few(missing)}; it has {_few(arrays)} (rename or add it)")
    if unknown := [name for name in arrays if name not in (*NAMES, FEATURES)]:
        raise InvalidData(f"{path}: arrays that mean nothing here: {_few(unknown)} (remove or rename them)")
    features = arrays.pop(FEATURES)
    if features.ndim != 2 or features.dtype.kind not in "biuf":
        raise InvalidData(f"{path}: {FEATURES} is {features.dtype} {features.shape} (make it real numbers, (n, d))")
    if not features.shape[1]:
        raise InvalidData(f"{path}: no feature column: {FEATURES} has shape {features.shape}")
    for name, values in arrays.items():
        if values.shape != (len(features),):
            raise InvalidData(
                f"{path}: {name} has shape {values.shape}, but {FEATURES} {features.shape} (give one {name} a sample)"
            )
        if values.dtype.kind not in "biufUS":
            raise InvalidData(f"{path}: {name} holds {values.dtype} (save it as text or numbers)")
    texts = {name: _texts(path, name, _arrow(values)) for name, values in arrays.items()}
    yield Part(texts, _positions(features.shape[1]), _single(features))


def _layout(path: Path, header: Sequence[str]) -> list[str]:
    """Columns of features, all but those with a meaning of their own; refuses what no table may have."""
    if not header:
        raise InvalidData(f"{path}: the file is empty (its first line names the columns)")
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise InvalidData(f"{path}: columns that occur more than once: {_few(repeated)} (rename or remove one)")
    if missing := [name for name in REQUIRED if name not in header]:
        hint = ", separated by commas" if path.suffix == ".csv" else ""
        raise InvalidData(
            f"{path}: no column {_few(missing)}; the columns are {_few(header)} (name two {ID} and {LABEL}{hint})"
        )
    if nameless := [name for name in header if NAMELESS.fullmatch(name)]:
        raise InvalidData(
            f"{path}: column {header.index(nameless[0]) + 1} is named {nameless[0]!r}, as pandas names an index (save "
            f"with index=False, or give the column a name if it is a feature)"
        )
    features = [name for name in header if name not in NAMES]
    if not features:
        raise InvalidData(f"{path}: no feature column beside {_few(header)} (add one a feature)")
    return features


def _part(path: Path, block: Block, features: Sequence[str]) -> Part:
    """Samples of a block of a table."""
    texts = {name: _texts(path, name, block[name]) for name in NAMES if name in block}
    if FEATURES in features and columns.is_list(block[FEATURES].type):
        if others := [name for name in features if name != FEATURES]:
            raise InvalidData(f"{path}: columns beside the lists of {FEATURES}: {_few(others)} (remove them)")
        X = _lists(path, block[FEATURES], texts[ID])
        return Part(texts, _positions(X.shape[1]), X)
    X = np.empty((len(texts[ID]), len(features)), dtype=np.float32)
    for j, name in enumerate(features):
        X[:, j] = _numbers(path, name, block[name], texts[ID])
    return Part(texts, features, X)


def _texts(path: Path, name: str, values: Any) -> list[str]:
    """A column as texts, without blanks around them, empty where a value is missing; whole numbers exactly."""
    values = columns.plain(values)
    kind = values.type
    if pa.types.is_floating(kind):
        numbers = values.to_numpy(zero_copy_only=False)
        exact = 2.0 ** (np.finfo(numbers.dtype).nmant + 1)
        if len(large := numbers[np.abs(numbers) >= exact]):
            raise InvalidData(
                f"{path}: column {name} holds {large[0]:.0f} in floating point, which may stand for its neighbours too "
                f"(save it as integers or text)"
            )
        return [str(int(x)) if x.is_integer() else "" if np.isnan(x) else str(x) for x in numbers]
    known = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_temporal, pa.types.is_null)
    if not columns.is_text(kind) and not any(is_kind(kind) for is_kind in known):
        raise InvalidData(f"{path}: column {name} holds {kind} (save it as text or numbers)")
    return pc.utf8_trim_whitespace(pc.fill_null(values.cast(pa.string()), "")).to_pylist()


def _numbers(path: Path, name: str, values: Any, ids: Sequence[str]) -> Numbers:
    """A column of features; NaN where a value is missing."""
    values = columns.plain(values)
    if columns.is_text(values.type) and path.suffix == ".csv":
        return _single(_spelled(path, name, values, ids))
    if not columns.is_number(values.type):
        raise InvalidData(f"{path}: column {name} holds {values.type}, no numbers (encode it as numbers or remove it)")
    return _single(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _spelled(path: Path, name: str, values: Any, ids: Sequence[str]) -> npt.NDArray[Any]:
    """Numbers that are written as text."""
    trimmed = pc.fill_null(pc.utf8_trim_whitespace(values), "nan")
    try:
        return trimmed.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # some are no plain decimal numbers
        words = trimmed.to_pylist()
    numbers = np.empty(len(words))
    for i, word in enumerate(words):
        try:
            numbers[i] = (
                SPELLED[word.lower()] if word.lower() in SPELLED else pa.scalar(word).cast(pa.float64()).as_py()
            )
        except pa.ArrowInvalid:
            raise InvalidData(
                f"{path}: column {name} of id {ids[i]!r} is {word!r}, no number (write numbers without units, encode "
                f"text as numbers, or remove the column)"
            ) from None
    return numbers


def _lists(path: Path, values: Any, ids: Sequence[str]) -> Numbers:
    """Lists of equal lengths as rows."""
    if not columns.is_number(values.type.value_type):
        raise InvalidData(f"{path}: {FEATURES} holds lists of {values.type.value_type} (make them lists of numbers)")
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    if len(different := np.flatnonzero(lengths != lengths[:1])):
        i = int(different[0])
        raise InvalidData(
            f"{path}: {FEATURES} of id {ids[i]!r} has {lengths[i]} numbers, of id {ids[0]!r} {lengths[0]} (make all "
            f"lists equally long)"
        )
    if len(lengths) and not lengths[0]:
        raise InvalidData(f"{path}: no feature column: the lists of {FEATURES} are empty")
    flat = values.flatten().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return _single(flat).reshape(len(lengths), -1)


def _check_columns(files: Sequence[Path], parts: Sequence[Part]) -> None:
    """Refuse files whose columns are not those of the first."""
    expected = [*parts[0].texts, *parts[0].features]
    for path, part in zip(files, parts, strict=True):
        found = [*part.texts, *part.features]
        if found != expected:
            different = sorted(set(found) ^ set(expected)) or ["the same columns in another order"]
            raise InvalidData(
                f"{path}: other columns than {files[0]}: {_few(different)} (save all files with the same columns, in "
                f"the same order)"
            )


def _check_texts(path: Path, texts: Mapping[str, Sequence[str]]) -> None:
    """Refuse missing ids and labels, and a split of other words."""
    if "" in texts[ID]:
        missing = texts[ID].count("")
        raise InvalidData(
            f"{path}: {ID} of row {texts[ID].index('') + 1} is empty ({missing} such rows; name them all)"
        )
    allowed = f"{TRAIN} or {TEST} for every sample, or no such column"
    wrong = {LABEL: {""} & set(texts[LABEL]), SPLIT: set(texts.get(SPLIT, ())) - {TRAIN, TEST}}
    for name, remedy in {LABEL: "label every sample, or remove it", SPLIT: allowed}.items():
        if rows := [i for i, text in enumerate(texts.get(name, ())) if text in wrong[name]]:
            first = f"{path}: {name} of id {texts[ID][rows[0]]!r} is {texts[name][rows[0]]!r}"
            raise InvalidData(f"{first} ({len(rows)} such rows; {remedy})")


def _check_finite(path: Path, part: Part) -> None:
    """Refuse features that are no finite numbers of single precision."""
    bad = ~np.isfinite(part.X)
    if not bad.any():
        return
    i, j = (int(index) for index in np.unravel_index(bad.argmax(), bad.shape))
    what = "empty or NaN" if np.isnan(part.X[i, j]) else "infinite, or too large for single precision"
    raise InvalidData(
        f"{path}: column {part.features[j]} of id {part.texts[ID][i]!r} is {what} ({int(bad.sum())} such cells; fill "
        f"them in, or remove their rows or columns)"
    )


def _check_unique(ids: Sequence[str], files: Sequence[Path], lengths: Sequence[int]) -> None:
    """Refuse ids that occur twice; names where."""
    if len(set(ids)) == len(ids):
        return
    counts = Counter(ids)
    repeated = [name for name, count in counts.items() if count > 1]
    places = [(path, row) for path, n in zip(files, lengths, strict=True) for row in range(1, n + 1)]
    (path, row), (other, again) = [place for place, name in zip(places, ids, strict=True) if name == repeated[0]][:2]
    where = f"in rows {row} and {again}" if path == other else f"in row {row}, and in row {again} of {other}"
    raise InvalidData(
        f"{path}: {ID} {repeated[0]!r} occurs {counts[repeated[0]]} times, {where} ({len(repeated)} such ids; "
        f"make them unique)"
    )


def _arrow(values: npt.NDArray[Any]) -> Any:
    """Ids, labels or split of an archive of arrays; bytes are text."""
    return pa.array(np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values)


def _single(values: npt.NDArray[Any]) -> Numbers:
    """Numbers in single precision; too large ones become infinite, and are refused as such."""
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float32)


def _positions(d: int) -> list[str]:
    """Names of features that have none."""
    return [f"{FEATURES}[{j}]" for j in range(d)]


def _few(names: Any) -> str:
    """The first names of many."""
    names = [str(name) for name in names]
    return ", ".join(map(repr, names[:8])) + (f", ... ({len(names)} in all)" if len(names) > 8 else "")
