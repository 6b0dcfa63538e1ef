"""One job of the workflow: its log, its threads, and its errors. Takes Snakemake's object and imports nothing of it."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from leaveout.errors import LeaveoutError, StaleLibrary
from leaveout.redaction import redacted
from leaveout.stamps import refuse_others

LIBRARY = Path(__file__).parent


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run a script's work: log to the rule's file, keep to its threads, and say what went wrong.

    Warnings are on the terminal too. An error of the library ends the job with its message alone there; the log holds
    the traceback of every error. Neither shows the secrets that addresses carry.

    Raises
    ------
    StaleLibrary
        ``leaveout`` was not imported from beside the script: an installed copy came first and may be another version.
    InvalidResults
        An input file is damaged, another one, or made by other settings than the configuration has now.
    """
    logger = logging.getLogger("leaveout")
    logger.setLevel(logging.INFO)
    handler = logging.FileHandler(snakemake.log[0], mode="w", encoding="utf-8")
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(message)s"))
    terminal = logging.StreamHandler()
    terminal.setFormatter(_Redacting(f"{snakemake.rule}: %(message)s"))
    terminal.addFilter(lambda record: record.levelno == logging.WARNING)
    for each in (handler, terminal):
        logger.addHandler(each)
    try:
        refuse_stale_library(Path(snakemake.scriptdir))
        refuse_others(snakemake.params.get("stamps", {}))
        with threadpool_limits(limits=snakemake.threads):
            yield logger
    except LeaveoutError as error:
        logger.exception("%s", error)
        sys.exit(f"{snakemake.rule}: {error}")
    except Exception:
        logger.exception("unexpected error")
        sys.stderr.write(redacted(traceback.format_exc()))
        sys.exit(f"{snakemake.rule}: unexpected error, see {snakemake.log[0]}")
    finally:
        for each in (handler, terminal):
            logger.removeHandler(each)
            each.close()


class _Redacting(logging.Formatter):
    """Records without the secrets that addresses carry, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def refuse_stale_library(scripts: Path) -> None:
    """Raise StaleLibrary unless this library is the one in the scripts' folder."""
    expected = scripts.resolve() / LIBRARY.name
    if LIBRARY.resolve() != expected:
        raise StaleLibrary(
            f"leaveout was imported from {LIBRARY}, not from {expected}: an installed copy comes first. "
            "Remove it from this environment: pip uninstall leaveout"
        )
