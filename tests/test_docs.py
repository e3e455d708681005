"""What the pages and the examples show is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "examples").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run_script(script: Path, folder: Path) -> None:
    """Run a script as a user would, beside a copy of the small tables, and show what it said if it fails."""
    shutil.copytree(ROOT / "datasets", folder / "datasets", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    done = subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, f"{script.name}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=lambda page: page.name)
def test_the_code_on_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path):
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    script = tmp_path / f"{page.stem.lower()}_blocks.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    run_script(script, tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_runs(example: Path, tmp_path: Path):
    run_script(example, tmp_path)
