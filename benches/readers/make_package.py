#!/usr/bin/env python3
"""Writes the package of the reader benchmark beside this file: `python3 benches/readers/make_package.py`."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))

from package_writer import I4, Column, Package, wide  # noqa: E402


def main():
    package = Package("Rows")
    columns = [Column("id", I4, fast_parse=True), Column("amount", I4, fast_parse=True), Column("label", wide(12))]
    source = package.flat_file("rows", "C:\\data\\rows.csv", columns, row_end="\n", names=False)
    flow = package.data_flow("Read")
    rows, _ = flow.source("Rows file", source)
    flow.data_reader("Rows", rows)
    package.write(HERE / "Rows.dtsx")


main()
