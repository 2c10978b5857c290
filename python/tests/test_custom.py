"""Functions and classes of Python as components, tasks and the others."""

from __future__ import annotations

import datetime
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import polars
import pyarrow
import pyarrow.compute as pc
import pytest

import fletching
from conftest import READER, ROWS, SMALL, numbers_package


def through(folder: Path, *classes: object, made: dict[str, str], replaced: tuple[str, ...] = ()) -> fletching.Package:
    """Numbers from a file, through the first class, into a reader."""
    package = numbers_package(folder)
    package.use_extensions(classes)
    flow = package.pipeline(r"Package\Flow")
    [name] = classes[0].__fletching__.ids
    flow.add(name, "Own").connect("Both", "Own", output="Multicast Output 1")
    for column in ("n", "name"):
        flow.use_column("Own", column, "ReadWrite" if column in replaced else "ReadOnly")
    for column, kind in made.items():
        flow.add_column("Own", column, kind)
    flow.add(READER, "Rows").connect("Own", "Rows").use_all_columns("Rows")
    return package


def from_source(folder: Path, own: object, made: dict[str, str]) -> fletching.Package:
    package = fletching.Package.create("Made", folder)
    package.use_extensions([own])
    flow = package.pipeline(package.add_executable("Microsoft.Pipeline", "Flow"))
    flow.add(own.__fletching__.ids[0], "Own")
    for column, kind in made.items():
        flow.add_column("Own", column, kind)
    flow.add(READER, "Rows").connect("Own", "Rows").use_all_columns("Rows")
    return package


def table(package: fletching.Package) -> pyarrow.Table:
    with package.reader("Rows", **SMALL) as rows:
        return pyarrow.table(rows)


def failure(package: fletching.Package) -> str:
    result = package.execute(**SMALL)
    assert not result.success
    return "\n".join(str(error) for error in result.errors)


# Transformations.


@fletching.component("Tests.Twice")
def with_pyarrow(batch, component):
    """Twice the number."""
    rows = pyarrow.record_batch(batch)
    return [pc.multiply(rows["n"], 2)]


@fletching.component("Tests.Twice")
def with_polars(batch, component):
    rows = polars.DataFrame(batch)
    return rows.select(twice=polars.col("n") * 2)


@fletching.component("Tests.Twice")
def with_values(batch, component):
    return {"twice": [n * 2 for n, _ in batch.rows()]}


@fletching.component("Tests.Twice")
def with_a_batch(batch, component):
    return pyarrow.record_batch({"twice": pc.multiply(pyarrow.record_batch(batch)["n"], 2)})


@pytest.mark.parametrize("own", [with_pyarrow, with_polars, with_values, with_a_batch])
def test_columns_are_made(own, tmp_path: Path):
    rows = table(through(tmp_path, own, made={"twice": "DT_I4"}))
    assert rows.num_rows == ROWS
    assert rows["twice"].type == pyarrow.int32()
    assert rows["twice"].to_pylist() == [2 * n for n in rows["n"].to_pylist()]


def test_columns_are_replaced_and_a_function_stays_a_function(tmp_path: Path):
    @fletching.component("Tests.Upper", title="Upper", properties={"Mark": "!"})
    def upper(batch, component):
        return {"name": [name.upper() + component.properties["mark"] for _, name in batch.rows()]}

    package = through(tmp_path, upper, made={}, replaced=("name",))
    assert package.pipeline(r"Package\Flow").properties("Own")["Mark"] == "!"
    assert table(package)["name"][7].as_py() == "NAME 7!"
    assert callable(upper)


def test_rows_are_rejected_and_dropped(tmp_path: Path):
    @fletching.component("Tests.Pick")
    def pick(batch, component):
        numbers = [n for n, _ in batch.rows()]
        return fletching.Applied(
            {"text": [str(n) for n in numbers]},
            route=[0 if n % 2 else None for n in numbers],
            failures=[fletching.Rejected(row, "seven is not liked", "n") for row, n in enumerate(numbers) if n == 7],
        )

    package = through(tmp_path, pick, made={"text": "DT_WSTR,10"})
    message = failure(package)
    assert "seven is not liked" in message
    package.pipeline(r"Package\Flow").on_error("Own", "IgnoreFailure")
    assert table(package).num_rows == ROWS // 2


def test_an_exception_says_its_type_and_line(tmp_path: Path):
    @fletching.component("Tests.Broken")
    def broken(batch, component):
        return {"text": 1 / 0}

    line = broken.__code__.co_firstlineno + 2
    message = failure(through(tmp_path, broken, made={"text": "DT_WSTR,10"}))
    assert r"Package\Flow\Own" in message
    assert f"ZeroDivisionError: division by zero ({__file__}, line {line}, in broken)" in message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": [1]}, "values of Int64 where Utf8View is wanted"),
        ({"other": ["a"]}, "other: no columns that it makes or may replace; there are: text"),
        ({}, "no values for text, which it makes"),
        ({"text": "abc"}, "str is no column"),
        ({"text": ["a"]}, "1 rows"),
        (5, "int is no column"),
        ([[object()]], "object has no type of Arrow"),
    ],
)
def test_what_does_not_fit_is_an_error(given, said: str, tmp_path: Path):
    @fletching.component("Tests.Given")
    def own(batch, component):
        return given

    assert said in failure(through(tmp_path, own, made={"text": "DT_WSTR,10"}))


def test_problems_are_findings(tmp_path: Path):
    @fletching.component("Tests.Checked", check=lambda component: [f"{component.name} is not liked", "nor is this"])
    def own(batch, component):
        raise AssertionError("nothing runs")

    package = through(tmp_path, own, made={"text": "DT_WSTR,10"})
    found = [finding.message for finding in package.validate()]
    assert "Own is not liked" in found and "nor is this" in found
    package.save(tmp_path / "Checked.dtsx")
    [report] = fletching.Application.check(tmp_path / "Checked.dtsx", extensions=[own])
    assert any("not liked" in finding.message for finding in report.findings)
    [report] = fletching.Application.check(tmp_path / "Checked.dtsx")
    assert any("Tests.Checked" in finding.message for finding in report.findings)


def test_other_threads_of_python_go_on(tmp_path: Path):
    ticks: list[int] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.001):
            ticks.append(1)

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        assert through(tmp_path, with_pyarrow, made={"twice": "DT_I4"}).execute(**SMALL).success
    finally:
        stop.set()
        ticking.join()
    assert ticks


# Sources.

MADE = {"n": "DT_I4", "text": "DT_WSTR,10"}
WANTED = [{"n": n, "text": f"text {n}"} for n in range(6)]


@fletching.source("Tests.Source")
def generator(component):
    for at in (0, 3):
        yield {"n": [at, at + 1, at + 2], "text": [f"text {at + more}" for more in range(3)]}


@fletching.source("Tests.Source")
def arrow_table(component):
    return pyarrow.Table.from_pylist(WANTED)


@fletching.source("Tests.Source")
def arrow_stream(component):
    return pyarrow.Table.from_pylist(WANTED).to_reader(max_chunksize=2)


@fletching.source("Tests.Source")
def data_frames(component):
    yield polars.DataFrame(WANTED[:1])
    # Columns go by name.
    yield polars.DataFrame(WANTED[1:]).select("text", "n")


@pytest.mark.parametrize("own", [generator, arrow_table, arrow_stream, data_frames])
def test_a_source(own, tmp_path: Path):
    rows = table(from_source(tmp_path, own, MADE))
    assert rows.to_pylist() == WANTED


def test_values_of_all_types(tmp_path: Path):
    values = {
        "b": (True, "DT_BOOL"),
        "i": (2**40, "DT_I8"),
        "f": (1.5, "DT_R8"),
        "d": (Decimal("12.340"), "DT_NUMERIC,10,3"),
        "day": (datetime.date(2024, 2, 29), "DT_DBDATE"),
        "at": (datetime.datetime(2024, 2, 29, 13, 0, 5), "DT_DBTIMESTAMP"),
        "bytes": (b"\x00\x01", "DT_BYTES,4"),
    }

    @fletching.source("Tests.All")
    def everything(component):
        yield {name: [value, None] for name, (value, _) in values.items()}

    rows = table(from_source(tmp_path, everything, {name: kind for name, (_, kind) in values.items()})).to_pylist()
    assert rows[0] == {name: value for name, (value, _) in values.items()}
    assert set(rows[1].values()) == {None}


def test_a_source_that_fails_midway_and_one_that_is_left(tmp_path: Path):
    closed = threading.Event()

    @fletching.source("Tests.Endless")
    def endless(component):
        try:
            for at in range(10**9):
                yield {"n": [at] * 1000}
        finally:
            closed.set()

    package = from_source(tmp_path, endless, {"n": "DT_I4"})
    reader = package.reader("Rows")
    next(reader)
    reader.close()
    assert closed.wait(5)

    @fletching.source("Tests.Fails")
    def fails(component):
        yield {"n": [1]}
        raise LookupError("no more")

    assert "LookupError: no more" in failure(from_source(tmp_path, fails, {"n": "DT_I4"}))


INTERRUPTED = """
import sys, time
import fletching

@fletching.source("Tests.Slow")
def slow(component):
    print("begins", flush=True)
    while not component.canceled:
        time.sleep(0.05)
    print("canceled", flush=True)
    yield {"n": [1]}

try:
    fletching.Application.load(sys.argv[1], extensions=[slow]).execute()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_a_source(tmp_path: Path):
    @fletching.source("Tests.Slow")
    def slow(component):
        yield {"n": [1]}

    from_source(tmp_path, slow, {"n": "DT_I4"}).save(tmp_path / "Slow.dtsx")
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "Slow.dtsx")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "begins\n"
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        told, _ = child.communicate(timeout=10)
    finally:
        child.kill()
    assert "canceled" in told and "interrupted" in told
    assert time.monotonic() - sent < 4


# Asynchronous ones, and destinations.


@fletching.asynchronous("Tests.Sum")
class Sum:
    """One row with the sum."""

    def __init__(self, component):
        self.total = 0

    def push(self, input, batch):
        self.total += sum(n for n, _ in batch.rows())

    def finish(self):
        return {"total": [self.total]}


def test_an_asynchronous_component(tmp_path: Path):
    package = through(tmp_path, Sum, made={"total": "DT_I8"})
    assert table(package).to_pylist() == [{"total": ROWS * (ROWS - 1) // 2}]


class Written:
    """A destination that keeps what it was told."""

    told: list[str] = []

    def __init__(self, component):
        self.told.append("open")

    def write(self, batch):
        self.told.append(batch.num_rows)

    def commit(self):
        self.told.append("commit")

    def rollback(self):
        self.told.append("rollback")


def into_destination(folder: Path, own: object) -> fletching.Package:
    package = numbers_package(folder)
    package.use_extensions([own])
    flow = package.pipeline(r"Package\Flow")
    flow.add(own.__fletching__.ids[0], "Own").connect("Both", "Own", output="Multicast Output 1").use_all_columns("Own")
    return package


def test_a_destination(tmp_path: Path):
    class Kept(Written):
        told = []

    fletching.destination("Tests.Kept")(Kept)
    assert into_destination(tmp_path, Kept).execute(**SMALL).success
    assert Kept.told[0] == "open" and Kept.told[-1] == "commit" and "rollback" not in Kept.told
    assert sum(Kept.told[1:-1]) == ROWS

    class Fails(Written):
        told = []

        def write(self, batch):
            raise OSError(28, "No space left on device")

    fletching.destination("Tests.Fails")(Fails)
    assert "No space left" in failure(into_destination(tmp_path, Fails))
    assert Fails.told == ["open", "rollback"]


# Registration.


def test_registration_is_explicit():
    extensions = fletching.Extensions(with_pyarrow, Sum)
    assert extensions.ids == ["Tests.Twice", "Tests.Sum"]
    with pytest.raises(fletching.SettingError, match="class id `Tests.Twice` .* is taken"):
        extensions.add(with_polars)
    with pytest.raises(TypeError, match="no class of objects: decorate it"):
        extensions.add(print)
    with pytest.raises(TypeError, match="an id is wanted"):
        fletching.component()(print)
    with pytest.raises(fletching.LoadError, match="there is no such file"):
        fletching.load_plugin("nowhere.so")
    more = fletching.Extensions(extensions, generator)
    assert more.ids == ["Tests.Twice", "Tests.Sum", "Tests.Source"]
