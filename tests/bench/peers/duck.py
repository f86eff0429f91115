# SPDX-License-Identifier: MIT
"""DuckDB as kstream's peer: filter the trades of a file of JSON lines, on one thread, columns given; JSON lines to stdout.

usage: duck.py PACKAGES FILE | duck.py PACKAGES --version"""
import sys

sys.path.insert(0, sys.argv[1])
import duckdb  # noqa: E402

COLUMNS = (
    "{ts: 'BIGINT', symbol: 'VARCHAR', price: 'DOUBLE', qty: 'BIGINT', side: 'VARCHAR', venue: 'VARCHAR', id: 'VARCHAR', note: 'VARCHAR'}"
)

if sys.argv[2] == "--version":
    print("DuckDB", duckdb.__version__)
    sys.exit()
db = duckdb.connect()
db.execute("SET threads = 1")
path = sys.argv[2].replace("'", "''")
db.execute(
    f"COPY (SELECT * FROM read_json('{path}', format = 'newline_delimited', columns = {COLUMNS}) WHERE price > 500)"
    " TO '/dev/stdout' (FORMAT json)"
)
