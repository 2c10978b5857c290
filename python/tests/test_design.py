"""Packages built object by object."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow
import pytest

import fletching
from conftest import READER, ROOT, ROWS


def test_the_example_built_by_calls_reads_the_same_rows(report: fletching.Package, tmp_path: Path):
    expected = pyarrow.table(report.reader("Totals by region"))
    package = fletching.Package.create("Report", tmp_path)
    package.add_flat_file(
        "Orders file",
        ROOT / "examples/report/data/orders.csv",
        {
            "order_id": "DT_I4",
            "ordered_on": "DT_DBDATE",
            "region": "DT_STR,10,1252",
            "product": "DT_STR,12,1252",
            "amount": "DT_NUMERIC,9,2",
        },
    )
    flow = package.pipeline(package.add_executable("Microsoft.Pipeline", "Report by region"))
    (
        flow.add("Microsoft.FlatFileSource", "Read orders")
        .use_connection("Read orders", "Orders file")
        .read_metadata("Read orders")
        .add("Microsoft.DerivedColumn", "Month")
        .connect("Read orders", "Month")
        .derive("Month", "month", "MONTH([ordered_on])")
        .add("Microsoft.Aggregate", "Totals")
        .connect("Month", "Totals")
        .aggregate("Totals", "region", "group by", "region")
        .aggregate("Totals", "month", "group by", "month")
        .aggregate("Totals", "orders", "count all")
        .aggregate("Totals", "total", "sum", "amount")
        .aggregate("Totals", "largest", "maximum", "amount")
        .add("Microsoft.Sort", "Order")
        .connect("Totals", "Order")
        .sort_by("Order", "region", "-total")
        .add(READER, "Totals by region")
        .connect("Order", "Totals by region")
        .use_all_columns("Totals by region")
    )
    assert flow.arriving("Order")["total"] == "DT_NUMERIC,38,2"
    assert flow.components["Order"] == "Microsoft.Sort"
    assert pyarrow.table(package.reader("Totals by region")).to_pylist() == expected.to_pylist()
    package.save(tmp_path / "Report.dtsx")
    again = fletching.Application.load(tmp_path / "Report.dtsx")
    assert again.root == package.root
    assert pyarrow.table(again.reader("Totals by region")).to_pylist() == expected.to_pylist()


def test_a_change_that_fails_leaves_the_package_as_it_was(numbers: fletching.Package):
    before = numbers.to_bytes()
    flow = numbers.pipeline(r"Package\Flow")
    attempts = [
        lambda: flow.add("Microsoft.Nothing", "X"),
        lambda: flow.add("Microsoft.Sort", "Read"),
        lambda: flow.connect("Read", "Nobody"),
        lambda: flow.set("Read", "Nothing", 1),
        lambda: flow.use_connection("Read", "Nobody"),
        lambda: flow.on_error("Read", "Perhaps"),
        lambda: flow.convert("Both", "n", "m", "DT_NOTHING"),
        lambda: numbers.add_flat_file("Other", "x.csv", {"a": "DT_I4", "b": "number"}),
        lambda: numbers.add_connection_manager("FLATFILE", "In"),
        lambda: numbers.add_variable("System::X", 1),
        lambda: numbers.add_variable("X", 1, data_type="Number"),
        lambda: numbers.add_executable("Microsoft.Pipeline", "Flow"),
        lambda: numbers.add_precedence_constraint(r"Package\Flow", r"Package\Flow"),
        lambda: numbers.remove_executable(r"Package\Nobody"),
        lambda: numbers.pipeline(r"Package\Nobody"),
    ]
    for attempt in attempts:
        with pytest.raises(fletching.DesignError) as raised:
            attempt()
        assert str(raised.value)
        assert numbers.to_bytes() == before
    with pytest.raises(fletching.DesignError) as raised:
        flow.add("Microsoft.Nothing", "X")
    assert "Microsoft.FlatFileSource" in str(raised.value)
    with pytest.raises(TypeError, match="give data_type"):
        numbers.add_variable("X", object())


def test_a_control_flow(tmp_path: Path):
    package = fletching.Package.create("Control", tmp_path)
    for name, value in [("N", 0), ("Seen", "none"), ("Large", 2**40), ("Yes", True), ("Ratio", 0.5)]:
        package.add_variable(name, value)
    assert {one.data_type for one in package.variables} == {"Int32", "String", "Int64", "Boolean", "Double"}
    box = package.add_executable("STOCK:SEQUENCE", "Box")
    first = package.add_executable("Microsoft.ExpressionTask", "First", container=box)
    package.set_task_property(first, "Expression", "@[User::N] = 2")
    paths = {}
    for name, expression in [("Then", "@[User::N] == 2"), ("Else", "@[User::N] != 2")]:
        paths[name] = package.add_executable("Microsoft.ExpressionTask", name, container=box)
        package.set_task_property(paths[name], "Expression", f'@[User::Seen] = "{name}"')
        package.add_precedence_constraint(first, paths[name], expression=expression)
    handler = package.add_event_handler("Package", "OnError")
    told = package.add_executable("Microsoft.ExpressionTask", "Told", container=handler)
    package.set_task_property(told, "Expression", '@[User::Seen] = "error"')
    result = package.execute().check()
    outcomes = {task.path: task.result for task in result.tasks}
    assert outcomes[paths["Then"]] == "success"
    assert outcomes[paths["Else"]] == "skipped"
    assert "on OnError:" in package.root.tree()
    package.remove_executable(box)
    package.remove_variable("User::Large")
    assert package.root.executables == []
    assert len(package.variables) == 4


def test_component_classes_are_told():
    assert "Microsoft.Lookup" in fletching.Application.component_classes()


def test_the_parts_of_a_data_flow(tmp_path: Path):
    """Conversion, replaced columns, redirected rows, a join, a lookup in a database, a file that is written."""
    people = tmp_path / "people.csv"
    people.write_text("id,name,age\r\n1,Ann,30\r\n2,Bob,old\r\n3,Cy,50\r\n", newline="")
    database = sqlite3.connect(tmp_path / "towns.db")
    database.executescript("create table towns (id int, town varchar(20)); insert into towns values (1, 'Rome'), (3, 'Oslo')")
    database.close()
    package = fletching.Package.create("Parts", tmp_path)
    package.add_flat_file("People", "people.csv", {"id": "DT_I8", "name": "DT_WSTR,20", "age": "DT_STR,5,1252"})
    out = {"id": "DT_I8", "name": "DT_WSTR,20", "town": "DT_WSTR,20"}
    package.add_flat_file("Out", tmp_path / "out.csv", out, ColumnNamesInFirstDataRow=True)
    package.add_connection_manager("OLEDB", "Towns", ConnectionString="Provider=SQLNCLI11;Data Source=x;Initial Catalog=y;")
    towns = {"connections": {"Towns": f"sqlite:{tmp_path / 'towns.db'}"}}
    flow = package.pipeline(package.add_executable("Microsoft.Pipeline", "Flow"))
    flow.add("Microsoft.FlatFileSource", "Read").use_connection("Read", "People").read_metadata("Read")
    flow.add("Microsoft.DataConvert", "Convert").connect("Read", "Convert")
    flow.convert("Convert", "age", "years", "DT_I4").on_error("Convert", "RedirectRow")
    flow.add("Microsoft.DerivedColumn", "Upper").connect("Convert", "Upper").replace_column("Upper", "name", "UPPER([name])")
    flow.add(READER, "Bad").connect("Convert", "Bad", output="Data Conversion Error Output").use_column("Bad", "name")
    flow.add("Microsoft.Lookup", "Town").connect("Upper", "Town").use_connection("Town", "Towns")
    flow.set("Town", "SqlCommand", "select id, town from towns")
    flow.look_up("Town", {"id": "id"}, ["town"], **towns)
    flow.add("Microsoft.FlatFileDestination", "Write").connect("Town", "Write").use_connection("Write", "Out")
    assert flow.read_metadata("Write").map_by_name("Write") == 3
    assert flow.properties("Town")["SqlCommand"] == "select id, town from towns"
    with package.reader("Bad", **towns) as bad:
        assert [row for batch in bad for row in batch.rows()] == [("Bob",)]
        assert bad.wait().rows["Write"] == 2
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "id,name,town" and sorted(lines[1:]) == ["1,ANN,Rome", "3,CY,Oslo"]
    flow.remove("Write")
    assert "Write" not in flow.components


def test_a_join(numbers: fletching.Package):
    flow = numbers.pipeline(r"Package\Flow")
    flow.add("Microsoft.MergeJoin", "Join")
    for side in ("Left", "Right"):
        flow.add_copy("Both", side).add("Microsoft.Sort", f"Sort {side}").connect("Both", f"Sort {side}", output=side)
        flow.sort_by(f"Sort {side}", "n").connect(f"Sort {side}", "Join")
    flow.join("Join", "inner", ["n"], {"name": "other"})
    flow.add(READER, "Joined").connect("Join", "Joined").use_all_columns("Joined")
    joined = pyarrow.table(numbers.reader("Joined"))
    assert joined.column_names == ["n", "other"] and joined.num_rows == ROWS
    assert joined.slice(7, 1).to_pylist() == [{"n": 7, "other": "name 7"}]
