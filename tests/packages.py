"""Packages of games, installed as far as need be for their environments to be found."""

import tomllib
from pathlib import Path


def install(project: Path, site: Path) -> Path:
    """Writes into `site` what an installer would note of a project: its name and entry points."""
    metadata = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    noted = site / f"{metadata['name']}-{metadata['version']}.dist-info"
    noted.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {metadata['name']}\nVersion: {metadata['version']}\n"
    (noted / "METADATA").write_text(head)
    groups = metadata["entry-points"].items()
    text = [
        line
        for group, entries in groups
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (noted / "entry_points.txt").write_text("\n".join(text) + "\n")
    return site
