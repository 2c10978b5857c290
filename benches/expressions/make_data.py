#!/usr/bin/env python3
"""Writes the rows of the expression suite: `make_data.py FILE [ROWS]`, 10 million unless told otherwise.

An Arrow file in batches of 8,192 rows, the same bytes each time. Each field says its SSIS type, as Fletching's own do.
"""

import sys

import numpy as np
import pyarrow as pa

BATCH = 8192
NULLS = 0.1
WORDS = (
    "carefully final deposits quickly bold requests sleep furiously even ideas the among special packages silent pinto "
    "beans blithely regular accounts express theodolites haggle after slyly ironic foxes use across unusual platelets"
).split()
SYLLABLES = "an ber car del el fer gor hol in jo ka lor mar nor os per que ros son tor ul ver wen yas zel".split()
ACCENTS = str.maketrans({"a": "á", "e": "é", "o": "ö", "u": "ü"})
REGIONS = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]

FIELDS = [
    ("quantity", pa.int32(), "DT_I4"),
    ("units", pa.int32(), "DT_I4"),
    ("base", pa.int32(), "DT_I4"),  # NULLs
    ("key", pa.int64(), "DT_I8"),
    ("amount", pa.float64(), "DT_R8"),
    ("factor", pa.float64(), "DT_R8"),  # NULLs
    ("price", pa.decimal128(12, 2), "DT_NUMERIC,12,2"),
    ("discount", pa.decimal128(12, 2), "DT_NUMERIC,12,2"),
    ("tax", pa.decimal128(12, 2), "DT_NUMERIC,12,2"),
    ("cost", pa.decimal128(12, 2), "DT_NUMERIC,12,2"),  # NULLs
    ("active", pa.bool_(), "DT_BOOL"),  # NULLs
    ("order_date", pa.date32(), "DT_DBDATE"),
    ("ship_date", pa.date32(), "DT_DBDATE"),  # NULLs
    ("created", pa.timestamp("us"), "DT_DBTIMESTAMP"),
    ("code", pa.string_view(), "DT_WSTR,12"),  # trailing blanks, all of it in its view
    ("first_name", pa.string_view(), "DT_WSTR,40"),  # one in thirty is not ASCII
    ("last_name", pa.string_view(), "DT_WSTR,40"),  # the same, and NULLs
    ("comment", pa.string_view(), "DT_WSTR,80"),
    ("region", pa.string_view(), "DT_WSTR,20"),  # NULLs
    ("number_text", pa.string_view(), "DT_WSTR,10"),
    ("date_text", pa.string_view(), "DT_WSTR,10"),
]


def names(random, count):
    """Of 5 to 20 characters."""
    found = []
    while len(found) < count:
        name = "".join(random.choice(SYLLABLES, random.integers(2, 7))).capitalize()
        if 5 <= len(name) <= 20:
            found.append(name.translate(ACCENTS) if random.random() < 1 / 30 else name)
    return pa.array(found)


def comments(random, count):
    """Of 30 to 60 characters: words between blanks and hyphens."""
    found = []
    while len(found) < count:
        words = random.choice(WORDS, random.integers(5, 9))
        text = "".join(word + "- "[int(blank)] for word, blank in zip(words, random.random(9) < 0.6))[:-1]
        if 30 <= len(text) <= 60:
            found.append(text)
    return pa.array(found)


def decimals(cents, mask=None):
    """Unscaled 64-bit numbers as decimal128(12, 2)."""
    words = np.empty((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    nulls = None if mask is None else pa.array(~mask).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(12, 2), len(cents), [nulls, pa.py_buffer(words)])


def batch(random, rows, texts, schema):
    def integers(low, high):
        return random.integers(low, high, rows)

    def picked(values, mask=None):
        return values.take(pa.array(integers(0, len(values)), mask=mask))

    def some():
        return random.random(rows) < NULLS

    days = integers(8035, 19000)
    return pa.record_batch(
        [
            column.cast(field.type)
            for column, field in zip(
                [
                    pa.array(integers(1, 51)),
                    pa.array(integers(1, 10_001)),
                    pa.array(integers(0, 1_000_001), mask=some()),
                    pa.array(integers(1, 10_000_000_001)),
                    pa.array(np.round(random.random(rows) * 10_000, 2)),
                    pa.array(random.random(rows) * 2, mask=some()),
                    decimals(integers(100, 10_000_000)),
                    decimals(integers(0, 11)),
                    decimals(integers(0, 9)),
                    decimals(integers(100, 10_000_000), some()),
                    pa.array(random.random(rows) < 0.5, mask=some()),
                    pa.array(days.astype(np.int32), pa.date32()),
                    pa.array((days + integers(1, 121)).astype(np.int32), pa.date32(), mask=some()),
                    pa.array(integers(694_224_000, 1_641_600_000) * 1_000_000, pa.timestamp("us")),
                    picked(texts["code"]),
                    picked(texts["name"]),
                    picked(texts["name"], some()),
                    picked(texts["comment"]),
                    picked(texts["region"], some()),
                    pa.array(integers(0, 10_000_000)).cast(pa.string()),
                    pa.array(days.astype(np.int32), pa.date32()).cast(pa.string()),
                ],
                schema,
            )
        ],
        schema=schema,
    )


def main():
    path = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    random = np.random.default_rng(20080)
    schema = pa.schema(
        [pa.field(name, arrow, metadata={"ssis.type": ssis}) for name, arrow, ssis in FIELDS]
    )
    codes = [
        f"{''.join(random.choice(list('abcdefgh'), 2))}-{number:04}".ljust(int(random.integers(7, 13)))
        for number in range(5000)
    ]
    texts = {
        "code": pa.array(codes),
        "name": names(random, 20_000),
        "comment": comments(random, 200_000),
        "region": pa.array(REGIONS),
    }
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for start in range(0, rows, BATCH):
            writer.write_batch(batch(random, min(BATCH, rows - start), texts, schema))


if __name__ == "__main__":
    main()
