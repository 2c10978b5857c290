#!/usr/bin/env python3
"""Writes the packages of the ETL suite beside this file: `python3 benches/etl/make_packages.py`."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))

from package_writer import DATE, I4, I8, UI8, Column, Package, numeric, string, text, wide  # noqa: E402

MONEY = numeric(15, 2)
LINEITEM = [
    ("l_orderkey", I8),
    ("l_partkey", I4),
    ("l_suppkey", I4),
    ("l_linenumber", I4),
    ("l_quantity", MONEY),
    ("l_extendedprice", MONEY),
    ("l_discount", MONEY),
    ("l_tax", MONEY),
    ("l_returnflag", string(1)),
    ("l_linestatus", string(1)),
    ("l_shipdate", DATE),
    ("l_commitdate", DATE),
    ("l_receiptdate", DATE),
    ("l_shipinstruct", string(25)),
    ("l_shipmode", string(10)),
    ("l_comment", string(44)),
]
ORDERS = [
    ("o_orderkey", I8),
    ("o_custkey", I4),
    ("o_orderstatus", string(1)),
    ("o_totalprice", MONEY),
    ("o_orderdate", DATE),
    ("o_orderpriority", string(15)),
    ("o_clerk", string(15)),
    ("o_shippriority", I4),
    ("o_comment", string(79)),
]


def columns(named):
    return [Column(name, kind, fast_parse=kind.name in ("i4", "i8", "dbDate")) for name, kind in named]


def piped(package, name, file, named):
    """A file of the suite: `|` between columns, LF after rows, no names, no qualifier."""
    return package.flat_file(name, f"C:\\data\\{file}", columns(named), delimiter="|", row_end="\n", names=False)


def comma(package, name, file, named, qualified=()):
    made = [Column(one, kind, qualified=one in qualified) for one, kind in named]
    qualifier = '"' if qualified else "<none>"
    return package.flat_file(name, f"C:\\out\\{file}", made, row_end="\n", qualifier=qualifier)


def named(output):
    return [(column.name, column.type) for column in output.columns]


def load(name, file):
    """E0, E1: a file into another; the run re-points the destination at a Parquet file."""
    package = Package(name)
    source = piped(package, "lineitem", file, LINEITEM)
    target = comma(package, "out", "out.csv", LINEITEM)
    flow = package.data_flow("Load")
    rows, _ = flow.source("Read", source)
    flow.destination("Write", target, rows)
    return package


def transform():
    package = Package("E2")
    source = piped(package, "lineitem", "lineitem.csv", LINEITEM)
    flow = package.data_flow("Transform and split")
    rows, _ = flow.source("Read", source)
    net = "[l_extendedprice] * (1 - [l_discount])"
    rows, _ = flow.derived_column(
        "Compute",
        rows,
        [
            ("net", numeric(38, 4), net),
            ("gross", numeric(38, 6), f"({net}) * (1 + [l_tax])"),
            ("mode", string(10), "(DT_STR,10,1252)LOWER(TRIM([l_shipmode]))"),
            ("instr", string(7), "(DT_STR,7,1252)UPPER(SUBSTRING([l_shipinstruct],1,7))"),
            ("ship_year", I4, "YEAR([l_shipdate])"),
            ("ship_month", I4, "MONTH([l_shipdate])"),
            ("days", I4, 'DATEDIFF("day",[l_shipdate],[l_receiptdate])'),
            ("comment_nn", string(44), '(DT_STR,44,1252)([l_comment] == "" ? "n/a" : [l_comment])'),
        ],
    )
    written = ["l_orderkey", "l_linenumber", "l_quantity", "net", "gross", "mode", "instr"]
    written += ["ship_year", "ship_month", "days", "comment_nn"]
    cases = [("returned", '[l_returnflag] == "R"'), ("big", "[l_quantity] >= 30")]
    for output, file in zip(flow.conditional_split("Split", rows, cases, "rest"), ("ret", "big", "rest")):
        kinds = [(name, rows.column(name).type) for name in written]
        flow.destination(f"Write {file}", comma(package, file, f"{file}.csv", kinds, ("comment_nn",)), output)
    return package


def aggregate():
    package = Package("E4")
    source = piped(package, "lineitem", "lineitem.csv", LINEITEM)
    flow = package.data_flow("Aggregate")
    keys = ["l_returnflag", "l_linestatus", "l_shipmode"]
    only = keys + ["l_shipdate", "l_quantity", "l_extendedprice", "l_discount", "l_partkey"]
    rows, _ = flow.source("Read", source, only=only)
    rows, _ = flow.derived_column("Year", rows, [("y", I4, "YEAR([l_shipdate])")])
    grouped = flow.aggregate(
        "Group",
        rows,
        [(key, rows.column(key).type, key, 0) for key in keys]
        + [
            ("y", I4, "y", 0),
            ("q", numeric(38, 2), "l_quantity", 4),
            ("p", numeric(38, 2), "l_extendedprice", 4),
            ("a", numeric(38, 6), "l_discount", 5),
            ("n", UI8, "", 2),
            ("dp", UI8, "l_partkey", 3),
        ],
    )
    flow.destination("Write", comma(package, "out", "out.csv", named(grouped)), grouped)
    return package


def sort():
    package = Package("E5")
    source = piped(package, "lineitem", "lineitem.csv", LINEITEM)
    flow = package.data_flow("Sort")
    rows, _ = flow.source("Read", source)
    ordered = flow.sort("Order", rows, ["l_shipmode", "l_shipdate", "-l_extendedprice"])
    flow.destination("Write", comma(package, "out", "out.csv", LINEITEM, ("l_comment",)), ordered)
    return package


def merge_join():
    package = Package("E6")
    lines = piped(package, "lineitem", "lineitem.csv", LINEITEM)
    orders = piped(package, "orders", "orders.csv", ORDERS)
    flow = package.data_flow("Join")
    right_columns = ["l_linenumber", "l_extendedprice", "l_shipdate", "l_comment"]
    left, _ = flow.source("Read orders", orders, sorted_by=["o_orderkey"], only=["o_orderkey", "o_custkey", "o_orderdate"])
    right, _ = flow.source("Read lines", lines, sorted_by=["l_orderkey"], only=["l_orderkey"] + right_columns)
    joined = flow.merge_join("Join", left, right, 2, ["o_orderkey", "o_custkey", "o_orderdate"], right_columns)
    flow.destination("Write", comma(package, "out", "out.csv", named(joined), ("l_comment",)), joined)
    return package


def dirty():
    package = Package("E9")
    raw = [("raw_" + name[2:], string(60)) for name, _ in LINEITEM]
    source = piped(package, "dirty", "dirty.csv", raw)
    flow = package.data_flow("Clean")
    rows, _ = flow.source("Read", source)
    good, bad = flow.data_conversion(
        "Convert",
        rows,
        [(name, kind, "raw_" + name[2:], kind.name in ("i4", "i8", "dbDate")) for name, kind in LINEITEM],
        "RedirectRow",
    )
    target = comma(package, "good", "good.csv", LINEITEM)
    flow.destination("Write good", target, good)
    rejected = comma(package, "bad", "bad.csv", raw + [("ErrorCode", I4), ("ErrorColumn", I4)])
    flow.destination("Write bad", rejected, bad)
    return package


def database(name, types, make):
    """E8s, E8p: a file into a table. `types`: those of the table's columns of money and days where they are not ours."""
    package = Package(name)
    source = piped(package, "lineitem", "lineitem.csv", LINEITEM)
    login = "Data Source=.;Initial Catalog=Warehouse;Provider=MSOLEDBSQL.1;Integrated Security=SSPI;Auto Translate=False;"
    server = package.ole_db("Warehouse", login)
    if make:
        declared = ", ".join(f"{name} {types(kind)}" for name, kind in LINEITEM)
        package.execute_sql("Make table", server, f"CREATE TABLE lineitem ({declared})")
    flow = package.data_flow("Load")
    rows, _ = flow.source("Read", source)
    table = "[dbo].[lineitem]" if make else "[dbo].[lineitem_load]"
    flow.ole_db_destination("Write", server, table, rows, [(column, kind, column) for column, kind in LINEITEM])
    return package


LOGIN = "Data Source=.;Initial Catalog=Dimensions;Provider=MSOLEDBSQL.1;Integrated Security=SSPI;Auto Translate=False;"
# Of a dimension: the arriving key, the query, its columns, and those that are copied.
DIMENSIONS = {
    "part": (
        "l_partkey",
        "SELECT part_key, part_sk, brand FROM dim_part",
        [("part_key", I4, "DT_I4"), ("part_sk", I4, "DT_I4"), ("brand", wide(10), "DT_WSTR")],
    ),
    "supplier": (
        "l_suppkey",
        "SELECT supp_key, supp_sk, nationkey FROM dim_supplier",
        [("supp_key", I4, "DT_I4"), ("supp_sk", I4, "DT_I4"), ("nationkey", I4, "DT_I4")],
    ),
    "orders": (
        "l_orderkey",
        "SELECT order_key, order_sk, orderdate FROM dim_orders",
        [("order_key", I8, "DT_I8"), ("order_sk", I8, "DT_I8"), ("orderdate", DATE, "DT_DBDATE")],
    ),
}


def looked_up(flow, server, dimension, rows, cache=0):
    key, query, reference = DIMENSIONS[dimension]
    copied = [name for name, _, _ in reference[1:]]
    return flow.lookup(f"Find {dimension}", server, query, reference, rows, [(key, reference[0][0])], copied, cache)


def lookups():
    """E3: the run re-points the facts at a Parquet file."""
    package = Package("E3")
    source = piped(package, "lineitem", "lineitem.csv", LINEITEM)
    server = package.ole_db("Dimensions", LOGIN)
    flow = package.data_flow("Find keys")
    wanted = ["l_orderkey", "l_partkey", "l_suppkey", "l_linenumber", "l_quantity", "l_extendedprice", "l_discount", "l_shipdate"]
    rows, _ = flow.source("Read", source, only=wanted)
    unknown = []
    for dimension in DIMENSIONS:
        rows, none = looked_up(flow, server, dimension, rows)
        none, _ = flow.derived_column(f"No {dimension}", none, [("failed", wide(10), f'"{dimension}"')])
        unknown.append(none)
    facts = ["order_sk", "l_linenumber", "part_sk", "supp_sk", "brand", "nationkey", "orderdate"]
    facts += ["l_quantity", "l_extendedprice", "l_discount", "l_shipdate"]
    kinds = [(name, rows.column(name).type) for name in facts]
    flow.destination("Write facts", comma(package, "fact", "fact.csv", kinds), rows)
    errors = flow.union_all("Unknown", *unknown)
    kinds = [(name, errors.column(name).type) for name in ["l_orderkey", "l_partkey", "l_suppkey", "l_linenumber", "failed"]]
    flow.destination("Write unknown", comma(package, "err", "err.csv", kinds), errors)
    return package


def lookup_of_cache(name, dimension, cache):
    """L1 and L2: the lines that find one dimension, by a partial cache or none; the others are counted apart."""
    package = Package(name)
    source = piped(package, "lineitem", "lineitem.csv" if cache == 1 else "tiny.csv", LINEITEM)
    server = package.ole_db("Dimensions", LOGIN)
    flow = package.data_flow("Find keys")
    rows, _ = flow.source("Read", source, only=["l_orderkey", "l_partkey", "l_suppkey", "l_linenumber"])
    match, none = looked_up(flow, server, dimension, rows, cache)
    for output, file in ((match, "found"), (none, "unknown")):
        flow.destination(f"Write {file}", comma(package, file, f"{file}.csv", named(output)), output)
    return package


def sqlite_type(kind):
    return {"i8": "bigint", "i4": "int", "numeric": "float", "dbDate": "date"}.get(kind.name, "varchar(44)")


PACKAGES = {
    "E0": lambda: load("E0", "tiny.csv"),
    "E1": lambda: load("E1", "lineitem.csv"),
    "E2": transform,
    "E3": lookups,
    "E4": aggregate,
    "E5": sort,
    "E6": merge_join,
    "E8s": lambda: database("E8s", sqlite_type, True),
    "E8p": lambda: database("E8p", None, False),
    "E9": dirty,
    "L1": lambda: lookup_of_cache("L1", "supplier", 1),
    "L2": lambda: lookup_of_cache("L2", "part", 2),
}

if __name__ == "__main__":
    for name, make in PACKAGES.items():
        make().write(HERE / f"{name}.dtsx")
