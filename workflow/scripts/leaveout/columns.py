"""Columns of Arrow tables that users wrote: what kind of values they hold."""

from typing import Any

import pyarrow as pa


def plain(values: Any) -> Any:
    """Values themselves where they are stored once and referred to, as pandas stores categories."""
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def is_text(kind: Any) -> bool:
    """Whether a type is text, however it is stored."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_number(kind: Any) -> bool:
    """Whether a type is a real number, or can only be a missing one."""
    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    return any(is_kind(kind) for is_kind in known)


def is_list(kind: Any) -> bool:
    """Whether a type is lists, however they are stored."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
