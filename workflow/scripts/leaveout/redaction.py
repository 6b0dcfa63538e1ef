"""Secrets that addresses carry: a user and a password before the host, a token behind the question mark."""

import re
from collections.abc import Mapping
from typing import Any

#: What stands for a secret.
HIDDEN = "***"
# A password may hold a slash: behind a colon rather too much is hidden.
_USER = re.compile(r"""(?<=://)(?:[^/?#\s]+|[^/?#\s@:]+:[^\s'"<>]+)(?=@)""")
# Behind a path alone too: what libraries say of a failed request has no host.
_QUERY = re.compile(r"""([?&][^=&?#\s'"<>]*=)[^&#\s'"<>]+?(?=:?([&#\s'"<>]|$))""")
_BARE_QUERY = re.compile(r"""(://[^?\s'"<>]*\?)[^=&#\s'"<>]+?(?=:?([&#\s'"<>]|$))""")


def redacted(text: str) -> str:
    """Text in which addresses are without user, password and the values of their queries.

    The one place that knows what a secret looks like: messages of errors, logs and records pass through it.

    Examples
    --------
    >>> redacted("https://me:secret@host/file.zip?token=abc&part=2: refused")
    'https://***@host/file.zip?token=***&part=***: refused'
    """
    return _BARE_QUERY.sub(rf"\1{HIDDEN}", _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(HIDDEN, text)))


def redacted_values(value: Any) -> Any:
    """Settings as they may be recorded: mappings and lists of them, every text `redacted`."""
    if isinstance(value, Mapping):
        return {key: redacted_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted_values(item) for item in value]
    return redacted(value) if isinstance(value, str) else value
