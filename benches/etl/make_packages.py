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


PACKAGES = {
    "E0": lambda: load("E0", "tiny.csv"),
    "E1": lambda: load("E1", "lineitem.csv"),
    "E2": transform,
    "E4": aggregate,
    "E5": sort,
    "E6": merge_join,
    "E9": dirty,
}

if __name__ == "__main__":
    for name, make in PACKAGES.items():
        make().write(HERE / f"{name}.dtsx")
