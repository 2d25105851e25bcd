"""Reads an Arrow file with every library a person may open it with; prints each one's cells by column as JSON."""

import json
import sys

import duckdb
import pandas
import polars
import pyarrow.ipc

path = sys.argv[1]


def by_pandas():
    frame = pandas.read_feather(path)
    return {name: [None if pandas.isna(v) else v for v in frame[name]] for name in frame.columns}


def by_pyarrow():
    with pyarrow.ipc.open_file(path) as file:
        return file.read_all().to_pydict()


def by_polars():
    return polars.read_ipc(path).to_dict(as_series=False)


def by_duckdb():
    with pyarrow.ipc.open_file(path) as file:
        part = file.read_all()
    found = duckdb.sql("SELECT * FROM part")
    rows = found.fetchall()
    return {name: [row[i] for row in rows] for i, name in enumerate(found.columns)}


readers = {"pandas": by_pandas, "pyarrow": by_pyarrow, "polars": by_polars, "duckdb": by_duckdb}
print(json.dumps({name: read() for name, read in readers.items()}))
