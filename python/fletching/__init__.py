"""Runs SSIS packages, and reads their rows as Arrow.

```python
package = fletching.Application.load("Report.dtsx")
result = package.execute()
table = pyarrow.table(package.reader("Totals by region"))
```

- `Application`, `PackageStore`: find, load and check packages;
- `Package`, `Pipeline`: look at packages, make and change them, run them;
- `Reader`: the rows of a DataReader destination while the package runs, an Arrow stream;
- `connect`: the same in the shape of DB-API 2.0;
- `Result`, `Plan`: what a run left and what it will do, also for notebooks;
- `component`, `source`, `task` and others of `fletching.custom`: objects of your own, for packages that name them;
- `Error` and its subclasses, with `code`, `symbol` and `path`.
"""

from __future__ import annotations

from . import custom, errors
from ._native import VERSION as __version__
from ._native import RecordBatch, RunningPackage, Schema
from ._records import *  # noqa: F403
from ._records import __all__ as _records
from .application import Application, PackageStore
from .custom import *  # noqa: F403
from .dbapi import Connection, Cursor, apilevel, connect, paramstyle, threadsafety
from .errors import *  # noqa: F403
from .package import Package
from .pipeline import Pipeline
from .reader import Reader
from .results import Plan, Result

__all__ = [
    "Application",
    "Connection",
    "Cursor",
    "Package",
    "PackageStore",
    "Pipeline",
    "Plan",
    "Reader",
    "RecordBatch",
    "Result",
    "RunningPackage",
    "Schema",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
    "__version__",
    *_records,
    *custom.__all__,
    *errors.__all__,
]
