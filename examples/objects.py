"""Objects of one's own in Python: the component, the source and the task that examples/plugin has in Rust.

    scripts/test-python build
    target/python/venv/bin/python examples/objects.py
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pyarrow
import pyarrow.compute as pc

import fletching

HERE = Path(__file__).parent


@fletching.component("Contoso.Ssis.Mask", title="Mask", properties={"Keep": 4})
def mask(batch, component):
    """Stars for all but the last characters of the columns that the package lets it write."""
    keep = int(component.properties["Keep"])
    table = pyarrow.record_batch(batch)
    masked, failures = {}, []
    for column in component.inputs[0].columns:
        if not column.replaced:
            continue
        texts = table[column.name].cast(pyarrow.string())
        lengths = pc.utf8_length(texts)
        for row in pc.indices_nonzero(pc.fill_null(pc.less(lengths, keep), False)).to_pylist():
            failures.append(fletching.Rejected(row, f"a text of {lengths[row]} characters; {keep} are kept", column.name))
        stars = pc.binary_repeat("*", pc.max_element_wise(pc.subtract(lengths, keep), 0))
        masked[column.name] = pc.binary_join_element_wise(stars, pc.utf8_slice_codeunits(texts, -keep), "")
    return fletching.Applied(masked, failures=failures)


def calendar_problems(component):
    for name in ("From", "Days"):
        if not component.properties.get(name, "").lstrip("-").isdigit():
            yield f"`{name}` is `{component.properties.get(name, '')}`: a whole number is wanted"


@fletching.source("Contoso.Ssis.Calendar", title="Calendar", check=calendar_problems)
def calendar(component):
    """A row for each day."""
    first = datetime.date(1970, 1, 1) + datetime.timedelta(days=int(component.properties["From"]))
    days = [first + datetime.timedelta(days=at) for at in range(int(component.properties["Days"]))]
    for at in range(0, len(days), 100):
        some = days[at : at + 100]
        yield {"day": some, "weekday": [day.isoweekday() for day in some]}


@fletching.task("Contoso.Ssis.Announce", title="Announce")
def announce(task, host):
    """Says how many rows there were."""
    text = f"{host[task.properties['Count']]} rows were masked"
    host.information(text)
    host[task.properties["Note"]] = text


def main() -> int:
    package = fletching.Application.load(HERE / "plugin/Plugin.dtsx", extensions=[mask, calendar, announce])
    result = package.execute(events=lambda event: print(event.message) if "masked" in event.message else None)
    if not result.success:
        print(result)
        return 1
    for expected in sorted((HERE / "plugin/expected").iterdir()):
        if (HERE / "plugin/out" / expected.name).read_bytes() != expected.read_bytes():
            print(f"{expected.name} is not as it should be")
            return 1
    print("as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
