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
# Else DuckDB may wait in a thread of its own, and hears of signals when rows come.
duckdb.sql("set threads = 1")
package = fletching.Application.load(sys.argv[1])
print("begins", flush=True)
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted", flush=True)
except Exception as error:
    # A stream outside of a `with` block.
    print("interrupted" if "interrupted: the run was cancelled" in str(error) else repr(error), flush=True)
else:
    print("ended", flush=True)
"""


def interrupted(folder: Path, wait: str) -> None:
    package = numbers_package(folder, "Rows")
    sleeper(package, before=r"Package\Flow")
    package.save(folder / "Slow.dtsx")
    child = subprocess.Popen(
        [sys.executable, "-c", CODE.format(wait=wait), str(folder / "Slow.dtsx")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout.readline() == "begins\n"
        time.sleep(0.5)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        told = child.stdout.readline()
        took = time.monotonic() - sent
        _, error = child.communicate(timeout=10)
    finally:
        child.kill()
    assert told == "interrupted\n", error
    assert took < 2, took
    # The program that the package had started is gone too, or the run would not have ended.
    assert time.monotonic() - sent < 6


@pytest.mark.parametrize("name", WAITS)
def test_interrupted(name: str, tmp_path: Path):
    interrupted(tmp_path, WAITS[name])


@pytest.mark.parametrize("take", ["pyarrow.table", "polars.DataFrame", "pandas.DataFrame.from_arrow"])
def test_a_stream_alone_ends_with_the_error_of_its_library(take: str, tmp_path: Path):
    interrupted(tmp_path, f"{take}(package.reader('Rows'))")
