"""Copies of the checkout, in which tests run the workflow through real Snakemake."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "tiny.yaml"


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository's files, as a user has them."""

    folder: Path

    def snakemake(self, *targets, options=(), config=TINY, timeout=None, **environment):
        """Run Snakemake on two cores; standard output and error come together."""
        options = ["--cores", "2", *options]
        with self.started(*targets, options=options, config=config, **environment) as process:
            output, _ = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    @contextmanager
    def started(self, *targets, options=(), config=TINY, **environment):
        """Start Snakemake; what still runs in the end is killed."""
        command = [sys.executable, "-m", "snakemake", "--nocolor", *options]
        with subprocess.Popen(
            [*command, *(["--configfile", str(config)] if config else []), "--", *targets],
            cwd=self.folder,
            env=os.environ | {"XDG_CACHE_HOME": str(self.folder / ".cache")} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *targets):
        """Run targets to their end; return how many jobs of each rule that took."""
        return jobs(self.snakemake(*targets), targets)

    def planned(self, *targets):
        """How many jobs of each rule a run would take."""
        return jobs(self.snakemake(*targets, options=["--dry-run"]), targets)

    @contextmanager
    def edited(self, path):
        """One more comment in a file, for a while."""
        file = self.folder / path
        before = file.read_text()
        file.write_text(before + "# edited\n")
        try:
            yield
        finally:
            file.write_text(before)


def jobs(finished, targets):
    """Jobs of each rule in Snakemake's own table, without the targets that only collect."""
    assert finished.returncode == 0, finished.stdout
    if "Nothing to be done" in finished.stdout:
        return {}
    lines = re.search(r"^job +count\n-+ +-+\n(.+?)^total", finished.stdout, re.MULTILINE | re.DOTALL).group(1)
    counted = {name: int(count) for name, count in (line.split() for line in lines.splitlines())}
    return {name: count for name, count in counted.items() if name not in targets}


def copy_of_the_checkout(folder):
    """What git has, or would add: nothing that jobs or tools made."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():  # deleted files are listed until they are committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return Checkout(folder)
