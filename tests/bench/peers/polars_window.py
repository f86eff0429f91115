# SPDX-License-Identifier: MIT
"""polars as kstream's peer: count, low, high and average of the price per symbol and minute of a file of JSON lines, on one thread, the
schema given; JSON lines to stdout.

usage: polars_window.py PACKAGES FILE | polars_window.py PACKAGES --version"""
import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"
sys.path.insert(0, sys.argv[1])
import polars as pl  # noqa: E402

SCHEMA = {"ts": pl.Int64, "symbol": pl.String, "price": pl.Float64, "qty": pl.Int64, "side": pl.String, "venue": pl.String, "id": pl.String, "note": pl.String}

if sys.argv[2] == "--version":
    print("polars", pl.__version__)
    sys.exit()
price = pl.col("price")
(
    pl.scan_ndjson(sys.argv[2], schema=SCHEMA)
    .group_by("symbol", pl.col("ts") // 60_000 * 60_000)
    .agg(n=pl.len(), low=price.min(), high=price.max(), avg=price.mean())
    .collect()
    .write_ndjson(sys.stdout.buffer)
)
