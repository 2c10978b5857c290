"""What we write, read by programs of others: `pydtsx-parser`, from PyPI, knows SSIS's files and nothing of us."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydtsx_parser.dispatcher import parse_dtsx
from pydtsx_parser.extractors.pipeline import extract_pipeline

import fletching
from conftest import READER


DTS = "{www.microsoft.com/SqlServer/Dts}"


@pytest.fixture
def loading(tmp_path: Path) -> tuple[fletching.Package, dict]:
    """Rows go from one table to another and to a reader, in a container behind a task."""
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.executescript(
            "create table orders (id int, name varchar(20), price numeric(9,2));"
            "insert into orders values (1, 'Bolt', 2.5), (2, 'Nut', 1), (3, null, 7.25);"
            "create table copies (id int, name varchar(20), price numeric(9,2), label varchar(30))"
        )
    package = fletching.Package.create("Loading", tmp_path)
    string = "Provider=SQLNCLI11;Data Source=.;Initial Catalog=shop;Integrated Security=SSPI;"
    package.add_connection_manager("OLEDB", "Shop", ConnectionString=string)
    package.add_parameter("Least", 2)
    package.add_variable("Rows", 0)
    box = package.add_executable("STOCK:SEQUENCE", "Box")
    first = package.add_executable("Microsoft.ExpressionTask", "First", container=box)
    package.set_task_property(first, "Expression", "@[User::Rows] = 1")
    task = package.add_executable("Microsoft.Pipeline", "Load", container=box)
    package.add_precedence_constraint(first, task)
    shop = {"connections": {"Shop": f"sqlite:{tmp_path / 'shop.db'}"}}
    flow = package.pipeline(task)
    (
        flow.add("Microsoft.OLEDBSource", "Orders")
        .use_connection("Orders", "Shop")
        .set("Orders", "AccessMode", 2)
        .set("Orders", "SqlCommand", "select id, name, price from orders")
        .read_metadata("Orders", **shop)
        .add("Microsoft.DerivedColumn", "Label")
        .connect("Orders", "Label")
        .derive("Label", "label", '(DT_WSTR,30)([name] + "!")')
        .add("Microsoft.Multicast", "Both")
        .connect("Label", "Both")
        .add_copy("Both", "Again")
        .add("Microsoft.OLEDBDestination", "Copies")
        .connect("Both", "Copies")
        .use_connection("Copies", "Shop")
        .set("Copies", "OpenRowset", "copies")
        .read_metadata("Copies", **shop)
        .add(READER, "Out")
        .connect("Both", "Out", output="Again")
        .use_all_columns("Out")
    )
    assert flow.map_by_name("Copies") == 4
    return package, shop


def test_tables_are_read_and_loaded(loading, tmp_path: Path):
    package, shop = loading
    with package.reader("Out", **shop) as reader:
        rows = [row for batch in reader for row in batch.rows()]
        assert reader.wait().rows["Copies"] == 3
    assert [row[0] for row in rows] == [1, 2, 3]
    with sqlite3.connect(tmp_path / "shop.db") as database:
        copies = database.execute("select id, name, label from copies order by id").fetchall()
    assert copies == [(1, "Bolt", "Bolt!"), (2, "Nut", "Nut!"), (3, None, None)]


def test_what_we_write_is_read_by_others(loading, tmp_path: Path):
    package, _ = loading
    file = tmp_path / "Loading.dtsx"
    package.save(file)
    content = parse_dtsx(str(file))
    assert content["package_attributes"]["object_name"] == "Loading"
    assert [one["object_name"] for one in content["connection_managers"]] == ["Shop"]
    assert not content["completeness_summary"]["skipped_items"]
    [box] = content["executables"]
    assert {one["object_name"] for one in box["child_executables"]} == {"First", "Load"}

    tasks = ElementTree.parse(file).iter(f"{DTS}Executable")
    [task] = [one for one in tasks if one.get(f"{DTS}ObjectName") == "Load"]
    flow = extract_pipeline(task)
    components = {one["name"]: one for one in flow["components"]}
    assert set(components) == {"Orders", "Label", "Both", "Copies", "Out"}
    assert components["Orders"]["component_class_id"] == "Microsoft.OLEDBSource"
    assert len(flow["paths"]) == 4
    # Sources come first: the paths lead from output to input, as the reader understands them.
    order = flow["topological_order"]
    assert order[0].endswith("Orders") and order[1].endswith("Label")
