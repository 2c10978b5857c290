#!/usr/bin/env python3
"""make_dimensions.py DATA_DIR: the dimensions of E3, L1 and L2 as a file of SQLite, from the Parquet files beside the data.

It wants duckdb in the interpreter. Keys are the primary keys of their tables, so that lookups without a cache find them.
"""

import pathlib
import sqlite3
import sys

import duckdb

TABLES = {
    "dim_part": "part_key INTEGER PRIMARY KEY, part_sk int NOT NULL, brand varchar(10) NOT NULL",
    "dim_supplier": "supp_key INTEGER PRIMARY KEY, supp_sk int NOT NULL, nationkey int NOT NULL",
    "dim_orders": "order_key INTEGER PRIMARY KEY, order_sk bigint NOT NULL, orderdate date NOT NULL",
}

folder = pathlib.Path(sys.argv[1])
file = folder / "dimensions.db"
file.unlink(missing_ok=True)
with sqlite3.connect(file) as database:
    for name, columns in TABLES.items():
        database.execute(f"CREATE TABLE {name} ({columns})")
        names = [column.split()[0] for column in columns.split(", ")]
        values = [f"{one}::varchar" if one == "orderdate" else one for one in names]
        rows = duckdb.execute(f"SELECT {', '.join(values)} FROM '{folder / name}.parquet'")
        markers = ", ".join("?" * len(names))
        while part := rows.fetchmany(100_000):
            database.executemany(f"INSERT INTO {name} VALUES ({markers})", part)
