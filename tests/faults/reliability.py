"""The page of the faults suite: what was tried, how often, and what came of it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import pytest

#: Name of the property that carries a trial's marker from a test to the page; `trials` counts those of one test.
FAULT, TRIALS = "fault", "trials"
FOLDER = Path(__file__).parent
#: The page without its table; prose stands there and nowhere else.
TEMPLATE = FOLDER / "reliability.md"
COLUMNS = ("what goes wrong", "how it is injected", "trials", "outcome")


@dataclass
class Row:
    """Trials of one fault: where its first test stands, and how many passed, failed, or were skipped."""

    place: tuple[str, int]
    counted: Counter[str] = field(default_factory=Counter)

    def cells(self, promised: str) -> tuple[str, str]:
        """How many trials, and what came of them: what was promised, unless some failed or none was made."""
        made = self.counted["passed"] + self.counted["failed"]
        if self.counted["failed"]:
            return str(made), f"**FAILED in {self.counted['failed']} of {made}**; promised: {promised}"
        return str(made), promised if made else f"**not tried on this machine**; promised: {promised}"


class Recorder:
    """Counts trials while tests run, in the process that all results come together in; writes the page in the end."""

    def __init__(self, config: pytest.Config, page: Path) -> None:
        self.config, self.page = config, page
        self.rows: dict[tuple[str, str, str], Row] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test's end; a failure before or after the test itself is one too."""
        properties = dict(report.user_properties)
        if FAULT not in properties or (report.passed and report.when != "call"):
            return
        file, line, _ = report.location
        row = self.rows.setdefault(tuple(properties[FAULT]), Row((file, line or 0)))
        row.place = min(row.place, (file, line or 0))
        row.counted[report.outcome] += properties.get(TRIALS, 1)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, unless a part of the suite was left out."""
        if self.whole(session):
            self.page.write_text(page(self.rows), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many trials there were."""
        made = sum(row.counted["passed"] + row.counted["failed"] for row in self.rows.values())
        terminalreporter.write_line(f"{made} trials of {len(self.rows)} kinds")

    def whole(self, session: pytest.Session) -> bool:
        """Whether all tests of the folder ran to their end."""
        option = self.config.option
        asked = [Path(self.config.invocation_params.dir, argument).resolve() for argument in self.config.args]
        narrowed = option.keyword or option.lf or option.failedfirst or option.deselect or option.ignore
        stopped = session.shouldstop or session.shouldfail or session.exitstatus not in (0, 1)
        return asked == [FOLDER] and not narrowed and not stopped


def page(rows: dict[tuple[str, str, str], Row]) -> str:
    """Return the page in Markdown."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(table=table(rows), trials=trials(rows))


def trials(rows: dict[tuple[str, str, str], Row]) -> str:
    """How many trials were made, and how many failed, in words."""
    total = sum((row.counted for row in rows.values()), Counter())
    made = f"{total['passed'] + total['failed']} trials of {len(rows)} kinds"
    return f"{made}, **{total['failed']} of them failed**" if total["failed"] else f"{made}, none failed"


def table(rows: dict[tuple[str, str, str], Row]) -> str:
    """Return a row for each fault, in the order of the tests, and by name where one test makes several."""
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for (what, how, promised), row in sorted(rows.items(), key=lambda item: (item[1].place, item[0])):
        lines.append((what, how, *row.cells(promised)))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines)
