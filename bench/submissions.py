"""What a study asks a SLURM cluster for, by a dry run: ``python -m bench.submissions --config device=cuda rif``."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
PLUGINS = Path(__file__).parent / "plugins"
#: Lines of a failed dry run that are shown.
SHOWN = 20
#: Rules of a group that a table names.
NAMED = 7
#: Rules that run where Snakemake does.
LOCAL = {"download"}


@dataclass(frozen=True)
class Submission:
    """A job or a group of jobs, and what it asks for at its first attempt.

    Attributes
    ----------
    rules : sequence of str
        The rule of each of its jobs.
    cores, gpu : int
    mem_mb : int
    runtime : int
        Minutes.
    """

    rules: Sequence[str]
    cores: int
    gpu: int
    mem_mb: int
    runtime: int


class PlanError(Exception):
    """Snakemake did not plan the study; the message is what it said."""


def plan(study: str, options: Sequence[str] = (), folder: Path = ROOT) -> list[Submission]:
    """Submissions that a study needs; ``--forceall`` among Snakemake's ``options``: as if nothing of it were there.

    Raises
    ------
    PlanError
        It does not plan it, or the plugin did not see all of its jobs.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "submissions.jsonl"
        command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm", "--dry-run"]
        command += ["--logger", "submissions", "--logger-submissions-path", str(file), "--quiet", "all"]
        command += [*options, "--", study]
        path = os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    planned = {line["jobs"] for line in lines if "jobs" in line}  # said before and after
    found = [Submission(**line) for line in lines if "jobs" not in line]
    if done.returncode or {sum(len(each.rules) for each in found)} != planned:
        raise PlanError("\n".join((done.stdout + done.stderr).splitlines()[-SHOWN:]))
    return [each for each in found if not {*each.rules} <= {*LOCAL, study}]


def table(found: Sequence[Submission]) -> pd.DataFrame:
    """A row for each kind of submission, with what all of these ask for together, and one for the whole study."""
    kinds = [*sorted({kind(each) for each in found}), "all"]
    rows = []
    for name in kinds:
        of_kind = [each for each in found if name in (kind(each), "all")]
        rows.append(
            {
                "submission": name,
                "number": len(of_kind),
                "jobs": sum(len(each.rules) for each in of_kind),
                "cores": _range(each.cores for each in of_kind),
                "memory, GB": _range(round(each.mem_mb / 1000, 1) for each in of_kind),
                "minutes": _range(each.runtime for each in of_kind),
                "core hours": round(sum(each.cores * each.runtime for each in of_kind) / 60, 1),
                "GPU hours": round(sum(each.gpu * each.runtime for each in of_kind) / 60, 1),
            }
        )
    return pd.DataFrame(rows)


def markdown(found: Sequence[Submission]) -> str:
    """The table in Markdown."""
    return str(table(found).to_markdown(index=False, disable_numparse=True))


def kind(submission: Submission) -> str:
    """Short name of what a submission does: its rule, or the rules of a group, with how often it has each."""
    named = [name if number == 1 else f"{number} {name}" for name, number in Counter(submission.rules).items()]
    return ", ".join(named if len(named) <= NAMED else [*named[:NAMED], f"and {len(named) - NAMED} other rules"])


def _range(values: Iterable[float]) -> str:
    least, *_, most = sorted([*values] * 2)
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Plan what the command line names, and print the table."""
    *options, study = sys.argv[1:] if arguments is None else arguments
    try:
        print(markdown(plan(study, ["--forceall", *options])))
    except PlanError as error:
        sys.exit(f"bench.submissions: {study} is not planned:\n{error}")


if __name__ == "__main__":
    main()
