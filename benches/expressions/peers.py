#!/usr/bin/env python3
"""The expressions of `expressions.tsv` by another engine: `peers.py FILE duckdb|polars|datafusion [NAME]`, on one thread.

Rows are in the engine's own memory before it is timed. It may produce the values in any of its ways, whole or into an
aggregate; the fastest counts. Prints what `expression/benches/expressions.rs` prints: the expression, seconds of the
best and of the median round, how many values are not NULL, their sum; and the way. `serve` for NAME reads names from its input:
`warm` and a name finds the two fastest ways, the name alone runs a round of both, `check` and a name gives the sum.
`plan` and a name shows what the engine made of each way.
"""

import os
import pathlib
import re
import statistics
import sys
import time

os.environ["POLARS_MAX_THREADS"] = "1"

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.compute as pc  # noqa: E402

ROUNDS = 5
ROUND_SECONDS = 0.2


class DuckDb:
    def __init__(self):
        import duckdb

        self.connection = duckdb.connect(config={"threads": 1})

    def load(self, table):
        self.connection.register("rows", table)
        self.connection.execute("CREATE OR REPLACE TABLE t AS SELECT * FROM rows")
        self.connection.unregister("rows")

    def queries(self, sql):
        kind = self.connection.execute(f"SELECT {sql} AS r FROM t LIMIT 0").description[0][1]
        consumed = {"VARCHAR": f"max(strlen({sql}))", "BOOLEAN": f"count_if({sql})"}.get(str(kind), f"max({sql})")
        return f"SELECT {sql} AS r FROM t", f"SELECT {consumed} AS r FROM t"

    def ways(self, sql):
        values, aggregate = self.queries(sql)
        return {
            "discarded": lambda: self.connection.execute(f"EXPLAIN ANALYZE {values}").fetchall(),
            "aggregate": lambda: self.connection.execute(aggregate).fetchall(),
            "arrow": lambda: drain(self.connection.sql(values).to_arrow_reader(122_880)),
            "table": lambda: self.connection.execute(f"CREATE OR REPLACE TEMP TABLE made AS {values}"),
        }

    def plans(self, sql):
        return [self.connection.execute(f"EXPLAIN {query}").fetchall()[0][1] for query in self.queries(sql)]

    def values(self, sql):
        return self.connection.sql(self.queries(sql)[0]).to_arrow_table()


class Polars:
    def __init__(self):
        import polars

        self.polars = polars

    def load(self, table):
        self.frame = self.polars.from_arrow(table).rechunk()

    def queries(self, text):
        made = eval(text, {"pl": self.polars, "c": self.polars.col})
        kind = self.frame.lazy().select(made).collect_schema().dtypes()[0]
        consumed = made.str.len_bytes().max() if kind == self.polars.String else made.max()
        if kind == self.polars.Boolean:
            consumed = made.sum()
        return [self.frame.lazy().select(r=one) for one in (made, consumed)]

    def ways(self, text):
        values, aggregate = self.queries(text)
        return {
            "eager": lambda: values.collect(),
            "streaming": lambda: values.collect(engine="streaming"),
            "eager aggregate": lambda: aggregate.collect(),
            "streaming aggregate": lambda: aggregate.collect(engine="streaming"),
        }

    def plans(self, text):
        return [query.explain() for query in self.queries(text)]

    def values(self, text):
        return self.queries(text)[0].collect().to_arrow()


class DataFusion:
    def load(self, table):
        import datafusion

        config = datafusion.SessionConfig().with_target_partitions(1).with_batch_size(8192)
        self.context = datafusion.SessionContext(config)
        self.context.register_record_batches("t", [table.to_batches()])

    def queries(self, sql):
        kind = self.context.sql(f"SELECT {sql} AS r FROM t").schema().field(0).type
        text = pa.types.is_string(kind) or pa.types.is_string_view(kind) or pa.types.is_large_string(kind)
        consumed = f"max(octet_length({sql}))" if text else f"max({sql})"
        return f"SELECT {sql} AS r FROM t", f"SELECT {consumed} AS r FROM t"

    def ways(self, sql):
        values, aggregate = self.queries(sql)
        return {
            "discarded": lambda: self.context.sql(f"EXPLAIN ANALYZE {values}").collect(),
            "aggregate": lambda: self.context.sql(aggregate).collect(),
            "collected": lambda: self.context.sql(values).collect(),
        }

    def plans(self, sql):
        return [str(self.context.sql(query).execution_plan()) for query in self.queries(sql)]

    def values(self, sql):
        return self.context.sql(self.queries(sql)[0]).to_arrow_table()


ENGINES = {"duckdb": DuckDb, "polars": Polars, "datafusion": DataFusion}


def drain(batches):
    for _ in batches:
        pass


def seconds(way):
    """Of the processor, for all rows once."""
    before, runs = time.process_time(), 0
    while True:
        way()
        runs += 1
        passed = time.process_time() - before
        if passed >= ROUND_SECONDS:
            return passed / runs


def whole_sum(words):
    """The exact sum of 64-bit numbers."""
    return int((words >> 32).sum()) * 2**32 + int((words & 0xFFFF_FFFF).sum())


def sum_of(array):
    """As `sum_of` of `expression/benches/expressions.rs`, of an array without NULL."""
    kind = array.type
    if pa.types.is_floating(kind):
        return whole_sum(array.to_numpy(zero_copy_only=False).view(np.uint64))
    if pa.types.is_decimal(kind):
        array = pa.concat_arrays([array.cast(pa.decimal128(38, kind.scale))])
        words = np.frombuffer(array.buffers()[1], np.uint64)[array.offset * 2 : (array.offset + len(array)) * 2]
        return whole_sum(words[::2]) + whole_sum(words[1::2].view(np.int64)) * 2**64
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        array = array.cast(pa.timestamp("us"))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        array = pa.concat_arrays([array.cast(pa.large_string())])
        _, offsets, data = array.buffers()
        offsets = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
        if data is None:
            return 0
        data = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]].astype(np.int64)
        places = np.arange(len(data)) - np.repeat(offsets[:-1] - offsets[0], np.diff(offsets))
        return int((data * (2 * places + 1)).sum())
    return whole_sum(array.cast(pa.int64()).to_numpy(zero_copy_only=False))


def check(table):
    column = table.column(0)
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    total, scale, count = 0, getattr(column.type, "scale", 0), 0
    for start in range(0, len(column), 1_000_000):
        for chunk in column.slice(start, 1_000_000).chunks:
            chunk = chunk.filter(pc.is_valid(chunk)) if chunk.null_count else chunk
            count += len(chunk)
            total += sum_of(chunk) if len(chunk) else 0
    while scale > 0 and total % 10 == 0:
        total, scale = total // 10, scale - 1
    return f"{count}\t{total}e-{scale}"


class Suite:
    def __init__(self, path, name):
        self.engine = ENGINES[name]()
        self.file = pa.memory_map(path)
        text = pathlib.Path(__file__).with_name("expressions.tsv").read_text()
        rows = [line.split("\t") for line in text.splitlines()]
        at = rows[0].index(name)
        self.expressions = {row[0]: row[at] for row in rows[1:]}
        self.loaded = None

    def warm(self, name):
        """Loads the columns of an expression, and finds its two fastest ways."""
        table = pa.ipc.open_file(self.file)
        words = set(re.findall(r"\w+", self.expressions[name]))
        names = [column for column in table.schema.names if column in words]
        options = pa.ipc.IpcReadOptions(included_fields=[table.schema.get_field_index(name) for name in names])
        self.engine.load(pa.ipc.open_file(self.file, options=options).read_all())
        ways = self.engine.ways(self.expressions[name])
        # The first run pays for what is loaded lazily.
        next(iter(ways.values()))()
        tried = sorted((seconds(way), title) for title, way in ways.items())
        self.loaded, self.ways = name, {title: ways[title] for _, title in tried[:2]}

    def round(self, name):
        if self.loaded != name:
            self.warm(name)
        return {title: seconds(way) for title, way in self.ways.items()}

    def check(self, name):
        if self.loaded != name:
            self.warm(name)
        return check(self.engine.values(self.expressions[name]))

    def serve(self):
        for line in sys.stdin:
            command, _, name = line.strip().rpartition("\t")
            if command == "warm":
                self.warm(name)
                print("warm", flush=True)
            elif command == "check":
                print(self.check(name), flush=True)
            elif command == "plan":
                self.round(name)
                print("\n".join(self.engine.plans(self.expressions[name])), flush=True)
            else:
                print("\t".join(f"{way}\t{took:.6f}" for way, took in self.round(name).items()), flush=True)


def main():
    suite = Suite(*sys.argv[1:3])
    wanted = sys.argv[3] if len(sys.argv) > 3 else ""
    if wanted == "serve":
        suite.serve()
        return
    for name in suite.expressions:
        if wanted in name:
            rounds = [suite.round(name) for _ in range(ROUNDS)]
            best, median, way = min(
                (min(one[way] for one in rounds), statistics.median(one[way] for one in rounds), way) for way in rounds[0]
            )
            print(f"{name}\t{best:.4f}\t{median:.4f}\t{suite.check(name)}\t{way}", flush=True)


if __name__ == "__main__":
    main()
