"""Parquet files: one table, whose cells keep their types; exact decimals stay exact."""

import io
from collections.abc import Iterator, Sequence
from datetime import date, time
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from state.errors import SourceError
from tools.documents.extracted import Reading, squeeze
from tools.documents.tables import bounded
from tools.documents.xlsx import cell_text, reading_of
from tools.extras import install

_BATCH = 1000


def read(data: bytes, uri: str) -> Reading:
    """The rows as passages. Raises SourceError if the bytes are no parquet, or its package is not installed."""
    name = PurePosixPath(uri).name
    return reading_of({PurePosixPath(uri).stem: [[cell_text(value) for value in row] for row in rows_of(data)]}, name)


def rows_of(data: bytes) -> Iterator[Sequence[Any]]:
    """The names of the columns, then row by row their values as Python has them. Raises as `read`."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        remedy = install("parquet")
        raise SourceError("parquet files are read by pyarrow, which is not installed", remedy=remedy) from error
    try:
        file = ParquetFile(io.BytesIO(data))
        yield from bounded([file.schema_arrow.names])
        for batch in file.iter_batches(batch_size=_BATCH, use_threads=False):
            yield from zip(*(map(_python, column.to_pylist()) for column in batch.columns), strict=True)
    except ArrowException as error:
        raise SourceError(f"the parquet is broken: {squeeze(str(error))[:200]}") from error


def _python(value: Any) -> Any:
    """The value as a cell: without types of pandas, which pyarrow gives for nanoseconds; lists and objects as text."""
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime(warn=False)
    return value if value is None or isinstance(value, bool | int | float | Decimal | str | date | time) else str(value)
