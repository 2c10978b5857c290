"""Ctrl-C ends what waits within two seconds, and cancels the package."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import numbers_package, sleeper

WAITS = {
    "execute": "package.execute()",
    "batches": "for batch in package.reader('Rows'): pass",
    "pyarrow": "with package.reader('Rows') as rows: pyarrow.table(rows)",
    "polars": "with package.reader('Rows') as rows: polars.DataFrame(rows)",
    "pandas": "with package.reader('Rows') as rows: pandas.DataFrame.from_arrow(rows)",
    "duckdb": "with package.reader('Rows') as rows: duckdb.sql('select count(*) from rows').fetchall()",
    "cursor": "fletching.connect('/FILE ' + sys.argv[1]).cursor().execute('Rows').fetchall()",
    "table": "fletching.connect('/FILE ' + sys.argv[1]).cursor().execute('Rows').fetch_arrow_table()",
}

CODE = """
import sys
import duckdb, pandas, polars, pyarrow
import fletching
package = fletching.Application.load(sys.argv[1])
print("begins", flush=True)
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted", flush=True)
else:
    print("ended", flush=True)
"""


@pytest.mark.parametrize("name", WAITS)
def test_interrupted(name: str, tmp_path: Path):
    package = numbers_package(tmp_path, "Rows")
    sleeper(package, before=r"Package\Flow")
    package.save(tmp_path / "Slow.dtsx")
    code = CODE.format(wait=WAITS[name])
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "Slow.dtsx")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "begins\n"
        time.sleep(0.5)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        told = child.stdout.readline()
        took = time.monotonic() - sent
        rest, error = child.communicate(timeout=10)
    finally:
        child.kill()
    assert told == "interrupted\n", error
    assert took < 2, took
    assert time.monotonic() - sent < 6
