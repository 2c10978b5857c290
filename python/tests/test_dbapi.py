"""DataReader destinations in the shape of DB-API 2.0."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import fletching
from conftest import READER, ROOT, ROWS, numbers_package, sleeper

REPORT = f'/FILE "{ROOT / "examples/report/Report.dtsx"}"'


def chosen(folder: Path) -> str:
    """A saved package that takes a parameter; its connection string."""
    package = numbers_package(folder, "Rows")
    package.add_variable("DtsClient::Least", 0)
    flow = package.pipeline(r"Package\Flow")
    flow.add("Microsoft.ConditionalSplit", "Some").add_copy("Both", "To some").connect("Both", "Some", output="To some")
    flow.split("Some", "Greater", "[n] >= @[DtsClient::Least]").add(READER, "Chosen")
    flow.connect("Some", "Chosen", output="Greater").use_all_columns("Chosen")
    package.save(folder / "Numbers.dtsx")
    return f'/F "{folder / "Numbers.dtsx"}"'


def test_the_module():
    assert fletching.apilevel == "2.0"
    assert fletching.threadsafety in (0, 1, 2, 3)
    assert fletching.paramstyle == "named"
    assert issubclass(fletching.Warning, Exception)
    for name in ("InterfaceError", "DatabaseError"):
        assert issubclass(getattr(fletching, name), fletching.Error)
    for name in ("DataError", "OperationalError", "IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError"):
        assert issubclass(getattr(fletching, name), fletching.DatabaseError)
        assert getattr(fletching.Connection, name) is getattr(fletching, name)


def test_rows_of_a_cursor():
    with fletching.connect(REPORT) as connection, connection.cursor() as cursor:
        assert cursor.description is None and cursor.rowcount == -1
        assert cursor.execute("Totals by region") is cursor
        assert [column[0] for column in cursor.description] == ["region", "month", "orders", "total", "largest"]
        assert cursor.description[0][1] is str and cursor.description[0][3] == 10
        assert cursor.description[3][1] is Decimal and cursor.description[3][4:6] == (38, 2)
        first = cursor.fetchone()
        assert first[0] == "East" and isinstance(first[3], Decimal)
        assert len(cursor.fetchmany()) == 1
        assert len(cursor.fetchmany(5)) == 5
        assert len(list(cursor)) == 41
        assert cursor.fetchone() is None and cursor.fetchall() == []
        assert cursor.rowcount == 48
        table = cursor.execute("Totals by region").fetch_arrow_table()
        assert table.num_rows == cursor.rowcount == 48
        assert cursor.fetchall() == []


def test_parameters_set_variables(tmp_path: Path):
    cursor = fletching.connect(chosen(tmp_path)).cursor()
    assert len(cursor.execute("Chosen", {"Least": ROWS - 10}).fetchall()) == 10
    assert len(cursor.execute("Chosen", {"@Least": str(ROWS - 3)}).fetchall()) == 3
    with pytest.raises(fletching.ProgrammingError):
        cursor.execute("Chosen", {"Least": "many"})
    with pytest.raises(fletching.ProgrammingError):
        cursor.execute("Chosen", {"Nobody": 1})
    with pytest.raises(fletching.ProgrammingError):
        cursor.execute("Chosen", [1])


def test_set_of_the_connection_string(tmp_path: Path):
    connection = fletching.connect(chosen(tmp_path) + rf" /SET \Package.Variables[DtsClient::Least].Value;{ROWS - 7}")
    assert len(connection.cursor().execute("Chosen").fetchall()) == 7


@pytest.mark.parametrize("text", ["", "/ISSERVER x", "/NOTHING", REPORT + " /SUM", "/DTS x"])
def test_connection_strings_that_are_none(text: str):
    with pytest.raises(fletching.InterfaceError):
        fletching.connect(text)


def test_what_is_closed(tmp_path: Path):
    connection = fletching.connect(REPORT)
    cursor = connection.cursor()
    with pytest.raises(fletching.ProgrammingError):
        cursor.fetchone()
    cursor.execute("Totals by region")
    connection.commit()
    with pytest.raises(fletching.NotSupportedError):
        connection.rollback()
    connection.close()
    for attempt in (cursor.fetchone, lambda: cursor.execute("Totals by region"), connection.cursor, connection.commit):
        with pytest.raises(fletching.InterfaceError):
            attempt()


def test_closing_a_cursor_cancels(tmp_path: Path):
    package = numbers_package(tmp_path, "Rows")
    sleeper(package, after=r"Package\Flow")
    package.save(tmp_path / "Slow.dtsx")
    cursor = fletching.connect(f'/F "{tmp_path / "Slow.dtsx"}"').cursor().execute("Rows")
    assert cursor.fetchone() == (0, "name 0")
    reader = cursor.fetch_record_batch()
    cursor.close()
    assert reader.result().result == "canceled"


def test_a_destination_that_is_not_there():
    with pytest.raises(fletching.ProgrammingError, match="Totals by region"):
        fletching.connect(REPORT).cursor().execute("Nobody")
    with pytest.raises(fletching.NotSupportedError):
        fletching.connect(REPORT).cursor().executemany("Totals by region", [{}])
