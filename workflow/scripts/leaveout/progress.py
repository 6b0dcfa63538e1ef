"""How far a download is: a line that a terminal shows and a file never sees."""

import sys
import time

_INTERVAL = 0.5  # seconds
_MB = 1e6


class Progress:
    """Bytes that have arrived of a file, written over the same line of standard error, if that is a terminal.

    Parameters
    ----------
    name : str
        What is downloaded.
    done : int
        Bytes that had arrived before.
    total : int or None
        Bytes of the whole file, if known.
    """

    def __init__(self, name: str, done: int, total: int | None) -> None:
        self._name, self._done, self._total = name, done, total
        self._start, self._shown = (time.monotonic(), done), 0.0
        self._visible = sys.stderr.isatty()

    def advance(self, count: int) -> None:
        """So many more bytes have arrived."""
        self._done += count
        if self._visible and time.monotonic() - self._shown >= _INTERVAL:
            self._shown = time.monotonic()
            sys.stderr.write(f"\r\x1b[K{self.line()}")
            sys.stderr.flush()

    def line(self) -> str:
        """Name, megabytes of how many, percentage, and megabytes a second since this request began."""
        begun, before = self._start
        rate = (self._done - before) / _MB / max(time.monotonic() - begun, 1e-3)
        amount = f"{self._done / _MB:.1f} MB"
        if self._total:
            amount = f"{self._done / _MB:.1f} of {self._total / _MB:.1f} MB ({self._done / self._total:.0%})"
        return f"{self._name}: {amount}, {rate:.1f} MB/s"

    def close(self) -> None:
        """Leave the terminal's line empty, as it was."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
