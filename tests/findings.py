"""The numbers of docs/findings.md, and the tables that they are taken from.

A finding is a row of a Markdown table: what was found, its number with an interval, and the cell of a study's table
that holds it, ``study/table: column=value, ...: statistic``. Copies of its rows are in docs/findings/.

``python tests/findings.py RESULTS`` copies the rows that are quoted from a folder of results, where it has the tables,
and writes the numbers of the page anew.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

DOCS = Path(__file__).parents[1] / "docs"
PAGE, TABLES = DOCS / "findings.md", DOCS / "findings"
ROW = re.compile(r"^\| (?P<text>[^|]+) \| (?P<number>[^|]+) \| `(?P<cell>\w+/\w+: [^`|]+)` \|$", re.MULTILINE)
NUMBER = re.compile(
    r"(?P<value>-?[\d.]+(e[-+]?\d+)?)( \[(?P<low>-?[\d.]+(e[-+]?\d+)?), (?P<high>-?[\d.]+(e[-+]?\d+)?)\])?$"
)
DIGITS = 3


@dataclass(frozen=True)
class Cell:
    """A number of a study's table: the row whose columns have these values, and the statistic's column."""

    study: str
    table: str
    row: dict
    statistic: str

    @classmethod
    def parsed(cls, text):
        """Read what a finding says of its place."""
        place, row, statistic = (part.strip() for part in text.split(": "))
        study, table = place.split("/")
        return cls(study, table, dict(pair.split("=", 1) for pair in row.split(", ")), statistic)

    @property
    def name(self):
        """Name of the table's copy."""
        return f"{self.study}-{self.table}.csv"

    def rows(self, table):
        """Rows of a table, read as text, that have the values."""
        for column, value in self.row.items():
            table = table[table[column] == value]
        return table

    def read(self, path):
        """The number and its limits, which are missing where the table has none."""
        table = self.rows(pd.read_csv(path, dtype=str, keep_default_na=False))
        assert len(table) == 1, f"{path}: {len(table)} rows of {self.row}"
        names = [self.statistic, f"{self.statistic}_low", f"{self.statistic}_high"]
        return tuple(float(table[name].iloc[0]) if table.get(name, pd.Series([""])).iloc[0] else None for name in names)


@dataclass(frozen=True)
class Finding:
    """A row of the page."""

    text: str
    number: str
    cell: Cell

    @property
    def limits(self):
        """The stated number and its interval; a number without one is exact to its last digit."""
        found = NUMBER.match(self.number)
        assert found, f"{self.text}: {self.number}: not a number with an interval"
        value, *interval = (float(found[name]) if found[name] else None for name in ("value", "low", "high"))
        return value, *interval


def findings():
    """All findings of the page."""
    rows = ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return [Finding(row["text"], row["number"], Cell.parsed(row["cell"])) for row in rows]


def stated(value, low, high):
    """A number as the page writes it."""
    texts = [f"{number:.{DIGITS}g}" for number in (value, low, high) if number is not None]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]" if len(texts) == 3 else texts[0]


def refresh(results):
    """Copy the rows that findings are taken from, and write their numbers into the page."""
    cells = [Cell.parsed(row["cell"]) for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    for name in sorted({cell.name for cell in cells}):
        of_table = [cell for cell in cells if cell.name == name]
        made = results / of_table[0].study / "tables" / f"{of_table[0].table}.csv"
        if made.is_file():
            table = pd.read_csv(made, dtype=str, keep_default_na=False)
            quoted = [index for cell in of_table for index in cell.rows(table).index]
            table.loc[sorted(set(quoted))].to_csv(TABLES / name, index=False)

    def rewritten(row):
        cell = Cell.parsed(row["cell"])
        return f"| {row['text']} | {stated(*cell.read(TABLES / cell.name))} | `{row['cell']}` |"

    PAGE.write_text(ROW.sub(rewritten, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    refresh(Path(sys.argv[1]))
