"""The rows of DataReader destinations, as Arrow streams and batch by batch."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow
import pytest

import fletching
from conftest import ROOT, ROWS, SMALL, numbers_package, sleeper

TOTAL = sum(range(ROWS))


def test_four_libraries_take_the_stream(numbers: fletching.Package):
    def rows() -> fletching.Reader:
        return numbers.reader("Rows", **SMALL)

    table = pyarrow.table(rows())
    assert table.num_rows == ROWS and table.column("n").to_pylist() == list(range(ROWS))
    stream = pyarrow.RecordBatchReader.from_stream(rows())
    assert sum(batch.num_rows for batch in stream) == ROWS
    frame = polars.DataFrame(rows())
    assert frame.shape == (ROWS, 2) and frame["n"].sum() == TOTAL
    frame = pandas.DataFrame.from_arrow(rows())
    assert frame.shape == (ROWS, 2) and frame["n"].sum() == TOTAL
    numbers_read = rows()
    assert duckdb.sql("select count(*), sum(n), max(name) from numbers_read").fetchall() == [(ROWS, TOTAL, "name 9999")]


def test_batches_in_a_loop(numbers: fletching.Package):
    reader = numbers.reader("Rows", **SMALL)
    assert pyarrow.schema(reader.schema).names == ["n", "name"]
    assert pyarrow.schema(reader) == pyarrow.schema(reader.schema)
    count = batches = 0
    for batch in reader:
        assert pyarrow.record_batch(batch).num_rows == batch.num_rows == len(batch)
        assert batch.rows()[0] == (count, f"name {count}")
        count, batches = count + len(batch), batches + 1
    assert count == ROWS and batches > 10
    assert reader.wait().success and reader.result().success
    assert list(reader) == []


def test_no_library_is_needed(tmp_path: Path):
    code = """
import sys
for name in ("pyarrow", "numpy", "pandas", "polars", "duckdb"):
    sys.modules[name] = None
import fletching
package = fletching.Application.load(sys.argv[1])
rows = [row for batch in package.reader("Totals by region") for row in batch.rows()]
assert len(rows) == 48, rows
assert package.reader("Totals by region").__arrow_c_stream__().__class__.__name__ == "PyCapsule"
try:
    fletching.connect("/FILE " + sys.argv[1]).cursor().execute("Totals by region").fetch_arrow_table()
except fletching.NotSupportedError as error:
    assert "pip install pyarrow" in str(error)
else:
    raise AssertionError("a table without pyarrow")
"""
    file = ROOT / "examples/report/Report.dtsx"
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, timeout=60)


def test_rows_are_given_once(numbers: fletching.Package):
    reader = numbers.reader("Rows", **SMALL)
    pyarrow.table(reader)
    with pytest.raises(fletching.InterfaceError, match="taken already"):
        pyarrow.table(reader)


def test_a_slow_reader_holds_the_package_back(numbers: fletching.Package):
    reader = numbers.reader("Rows", **SMALL)
    first = next(reader)
    time.sleep(0.3)
    assert reader.result() is None
    assert len(first) + sum(len(batch) for batch in reader) == ROWS


def test_leaving_early_cancels(numbers: fletching.Package):
    sleeper(numbers, after=r"Package\Flow")
    began = time.monotonic()
    with numbers.reader("Rows", **SMALL) as reader:
        next(reader)
    assert time.monotonic() - began < 5
    assert reader.result().result == "canceled"
    assert list(reader) == []


def test_a_stream_that_is_dropped_cancels(numbers: fletching.Package):
    sleeper(numbers, after=r"Package\Flow")
    reader = numbers.reader("Rows", **SMALL)
    stream = pyarrow.RecordBatchReader.from_stream(reader)
    stream.read_next_batch()
    stream.close()
    del stream
    assert reader.wait(5).result == "canceled"


def test_cancelled_by_another_thread(numbers: fletching.Package):
    sleeper(numbers, before=r"Package\Flow")
    reader = numbers.reader("Rows", **SMALL)
    threading.Timer(0.2, reader.cancel).start()
    began = time.monotonic()
    with pytest.raises(fletching.CancelledError):
        next(reader)
    assert time.monotonic() - began < 2


def fail_late(package: fletching.Package) -> None:
    package.add_variable("Zero", 0)
    task = package.add_executable("Microsoft.ExpressionTask", "Later")
    package.set_task_property(task, "Expression", "@[User::Zero] = 1 / @[User::Zero]")
    package.add_precedence_constraint(r"Package\Flow", task)


def test_a_late_failure_is_loud(numbers: fletching.Package):
    fail_late(numbers)
    count = 0
    with pytest.raises(fletching.RunError) as raised:
        for batch in numbers.reader("Rows", **SMALL):
            count += len(batch)
    assert count == ROWS
    assert raised.value.path == r"Package\Later"
    with pytest.raises(Exception, match="Later"):
        pyarrow.table(numbers.reader("Rows", **SMALL))
    with pytest.raises(Exception, match="Later"):
        polars.DataFrame(numbers.reader("Rows", **SMALL))
    with pytest.raises(Exception, match="Later"):
        pandas.DataFrame.from_arrow(numbers.reader("Rows", **SMALL))
    rows = numbers.reader("Rows", **SMALL)
    with pytest.raises(Exception, match="Later"):
        duckdb.sql("select count(*) from rows").fetchall()


def test_what_it_was_in_a_with_block(numbers: fletching.Package):
    fail_late(numbers)
    for take in (pyarrow.table, polars.DataFrame, pandas.DataFrame.from_arrow):
        with pytest.raises(fletching.RunError) as raised:
            with numbers.reader("Rows", **SMALL) as reader:
                take(reader)
        assert raised.value.path == r"Package\Later"
        assert raised.value.symbol == "DTS_E_EXPREVALSTATIC_DIVBYZERO"
        assert raised.value.__cause__ is not None


def test_several_destinations_of_one_run(tmp_path: Path):
    package = numbers_package(tmp_path, "Left", "Right")
    readers = package.open_readers(["Left", "Right"], **SMALL)
    counts = {}

    def read(reader: fletching.Reader) -> None:
        counts[reader.name] = pyarrow.table(reader).num_rows

    threads = [threading.Thread(target=read, args=[reader]) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counts == {"Left": ROWS, "Right": ROWS}


def test_other_threads_run_while_one_waits(numbers: fletching.Package):
    sleeper(numbers, before=r"Package\Flow", seconds=1)
    ticks, ended = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not ended.wait(0.01):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    pyarrow.table(numbers.reader("Rows", **SMALL))
    numbers.execute()
    ended.set()
    thread.join()
    assert ticks > 50


def test_a_reader_of_nobody(report: fletching.Package):
    with pytest.raises(fletching.SettingError, match="there are: Totals by region"):
        report.reader("Nobody")
