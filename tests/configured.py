"""Configurations made of texts, with the project's own schema and data sets."""

from pathlib import Path

import yaml

from leaveout.config import Config, load

ROOT = Path(__file__).parents[1]
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "config.schema.yaml"
DATASETS = (ROOT / "config" / "datasets.yaml").read_text()
STUDIES = "seed: 0\nstudies: {demo: {datasets: [digits]}}"


def merged(contents):
    """Mappings merged as Snakemake does: later ones win, key by key."""
    result = {}
    for content in contents:
        for key, value in content.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged([result[key], value]) if both else value
    return result


def load_texts(folder, *texts, command_line=None) -> Config:
    """Load the known data sets, the study ``demo`` and further files, all on disk."""
    files = [folder / name for name in ("datasets.yaml", "config.yaml", "mine.yaml", "last.yaml")]
    texts = (DATASETS, STUDIES, *texts)
    for file, text in zip(files, texts, strict=False):
        file.write_text(text)
    contents = [yaml.safe_load(text) for text in texts]
    return load(merged([*contents, command_line or {}]), SCHEMA_FILE, files[: len(texts)])
