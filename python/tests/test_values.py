"""Values of each SSIS type as those of Python."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest

import fletching
from conftest import READER

GUID = "{6F9619FF-8B86-D011-B42D-00C04FC964FF}"

#: Expression, and what comes of it.
VALUES: dict[str, tuple[str, Any]] = {
    "i1": ("(DT_I1)-8", -8),
    "i2": ("(DT_I2)-300", -300),
    "i4": ("-70000", -70000),
    "i8": ("9000000000L", 9_000_000_000),
    "ui1": ("(DT_UI1)200", 200),
    "ui2": ("(DT_UI2)60000", 60000),
    "ui4": ("(DT_UI4)4000000000L", 4_000_000_000),
    "ui8": ("(DT_UI8)\"18446744073709551615\"", 2**64 - 1),
    "r4": ("(DT_R4)0.5", 0.5),
    "r8": ("(DT_R8)0.1", 0.1),
    "cy": ("(DT_CY)1.25", Decimal("1.2500")),
    "numeric": ("(DT_NUMERIC,9,2)1234.5", Decimal("1234.50")),
    "decimal": ("(DT_DECIMAL,3)1.5", Decimal("1.500")),
    "bool": ("TRUE", True),
    "wstr": ('"Grüße 漢字"', "Grüße 漢字"),
    "str": ('(DT_STR,10,1252)"Grüße"', "Grüße"),
    "guid": (f'(DT_GUID)"{GUID}"', uuid.UUID(GUID)),
    "dbdate": ('(DT_DBDATE)"2024-02-29"', date(2024, 2, 29)),
    "dbtime": ('(DT_DBTIME)"12:34:56"', time(12, 34, 56)),
    "dbtime2": ('(DT_DBTIME2,6)"12:34:56.123456"', time(12, 34, 56, 123456)),
    "dbtimestamp": ('(DT_DBTIMESTAMP)"2024-02-29 01:02:03"', datetime(2024, 2, 29, 1, 2, 3)),
    "dbtimestamp2": ('(DT_DBTIMESTAMP2,6)"2024-02-29 01:02:03.123456"', datetime(2024, 2, 29, 1, 2, 3, 123456)),
    "offset": (
        '(DT_DBTIMESTAMPOFFSET,3)"2024-02-29 01:02:03.004 +02:00"',
        datetime(2024, 2, 29, 1, 2, 3, 4000, timezone(timedelta(hours=2))),
    ),
    "null": ("NULL(DT_I4)", None),
}


def derived(folder: Path, columns: dict[str, str]) -> fletching.Package:
    (folder / "one.csv").write_text("n\r\n1\r\n", newline="")
    package = fletching.Package.create("Values", folder)
    package.add_flat_file("In", "one.csv", {"n": "DT_I4"})
    flow = package.pipeline(package.add_executable("Microsoft.Pipeline", "Flow"))
    flow.add("Microsoft.FlatFileSource", "Read").use_connection("Read", "In").read_metadata("Read")
    flow.add("Microsoft.DerivedColumn", "Make").connect("Read", "Make")
    for name, expression in columns.items():
        flow.derive("Make", name, expression)
    flow.add(READER, "Rows").connect("Make", "Rows").use_all_columns("Rows")
    return package


def test_every_type(tmp_path: Path):
    package = derived(tmp_path, {name: expression for name, (expression, _) in VALUES.items()})
    [batch] = package.reader("Rows")
    row = dict(zip(batch.schema.names, batch.rows()[0]))
    for name, (_, wanted) in VALUES.items():
        assert row[name] == wanted, name
        assert type(row[name]) is type(wanted), name
    assert row["offset"].utcoffset() == timedelta(hours=2)
    # What pyarrow makes of the same batch.
    [other] = pyarrow.record_batch(batch).to_pylist()
    for name in VALUES.keys() - {"offset", "guid"}:
        assert other[name] == row[name], name


def test_parts_of_a_microsecond_are_not_cut_off(tmp_path: Path):
    package = derived(tmp_path, {"t": '(DT_DBTIME2,7)"12:34:56.1234567"'})
    [batch] = package.reader("Rows")
    with pytest.raises(fletching.DataError, match="column `t`"):
        batch.rows()
    assert pyarrow.table(package.reader("Rows")).num_rows == 1
