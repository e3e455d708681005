"""Does the knowledge that automl ships come from a table that it is measured on? Then the measurement is void."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["MANIFEST", "measured_in_base"]

MANIFEST = Path(__file__).resolve().parents[2] / "automl" / "metalearn" / "base" / "manifest.json"


def measured_in_base(tables: Mapping[str, str | Path], manifest: str | Path = MANIFEST) -> list[str]:
    """Return the names of the tables that the knowledge base was made from, by name or by the SHA-256 of the file.

    Parameters
    ----------
    tables : mapping of name to path
    manifest : path
        Of a knowledge base; where there is none nothing is known.
    """
    if not Path(manifest).exists():
        return []
    known = json.loads(Path(manifest).read_text(encoding="utf-8"))["tables"]
    names, sums = {table["name"] for table in known}, {table.get("checksum") for table in known}
    return [
        name
        for name, path in tables.items()
        if name in names or hashlib.sha256(Path(path).read_bytes()).hexdigest() in sums
    ]
