"""What docs/python.md shows is what happens."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import pytest

from conftest import ROOT


def test_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("report", "sales"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / "examples" / name)
    monkeypatch.chdir(tmp_path)
    lines = (ROOT / "docs/python.md").read_text().splitlines()
    text = "\n".join("" if line.startswith("```") else line for line in lines)
    examples = doctest.DocTestParser().get_doctest(text, {}, "docs/python.md", "docs/python.md", 0)
    assert len(examples.examples) > 30
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(examples, out=told.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(told)
