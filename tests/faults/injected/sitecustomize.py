"""Faults inside of jobs: every Python that has this folder on its path loads this module before anything else.

The environment variable LEAVEOUT_FAULT says in JSON which fault it is:

- ``{"notes": FOLDER, "write": N, "cut": SHARE}``: the N-th file that jobs write is cut when it is written and not yet
  named, and its writer is killed
- ``{"notes": FOLDER, "hold": NAME}``: who writes a file of this name waits at the same place, until the folder of notes
  holds ``release``
- ``{"notes": FOLDER}``: writes are only counted
- ``{"script": NAME, "file_size": BYTES}``: jobs of this script cannot write larger files, as under ``ulimit -f``; what
  they say on the terminal may be longer, also if that is a file
- ``{"block_bytes": BYTES, "seen": FILE}``: removal sets are worked on in finer blocks; the file appears when they are
"""

import json
import os
import resource
import signal
import sys
import time
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path

FAULT = json.loads(os.environ.get("LEAVEOUT_FAULT", "{}"))


class AfterImport:
    """A finder that finds a module as usual, and has it changed as soon as it is loaded."""

    def __init__(self, module, change):
        self.module, self.change = module, change

    def find_spec(self, name, path=None, target=None):
        if name != self.module:
            return None
        spec = PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module

        def load_and_change(module):
            load(module)
            self.change(module)

        spec.loader.exec_module = load_and_change
        return spec


def number_of_the_write(notes, name):
    """How many files jobs have written before this one, all processes together."""
    number = 0
    while True:
        try:
            with (notes / str(number)).open("x") as note:
                note.write(name)
        except FileExistsError:
            number += 1
        else:
            return number


def watch_writes(files):
    original, notes = files.complete, Path(FAULT["notes"])

    @contextmanager
    def complete(path, *arguments, **options):
        with original(path, *arguments, **options) as unfinished:
            yield unfinished
            name = Path(path).name
            if number_of_the_write(notes, name) == FAULT.get("write"):
                os.truncate(unfinished, int(FAULT["cut"] * unfinished.stat().st_size))
                os.kill(os.getpid(), signal.SIGKILL)
            if name == FAULT.get("hold"):
                (notes / "held").write_text(str(os.getpid()))
                while not (notes / "release").exists():
                    time.sleep(0.05)

    files.complete = complete


def limit_writes(files):
    original = files.complete

    @contextmanager
    def complete(*arguments, **options):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (FAULT["file_size"], before[1]))
        try:
            with original(*arguments, **options) as unfinished:
                yield unfinished
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    files.complete = complete


def make_blocks_finer(blocks):
    blocks.BLOCK_BYTES = FAULT["block_bytes"]
    Path(FAULT["seen"]).touch()


if "notes" in FAULT:
    sys.meta_path.insert(0, AfterImport("leaveout.files", watch_writes))
if "block_bytes" in FAULT:
    sys.meta_path.insert(0, AfterImport("leaveout.blocks", make_blocks_finer))
if "file_size" in FAULT and any(word.endswith(f".{FAULT['script']}.py") for word in sys.orig_argv):
    sys.meta_path.insert(0, AfterImport("leaveout.files", limit_writes))
