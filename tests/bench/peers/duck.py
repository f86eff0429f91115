# SPDX-License-Identifier: MIT
"""DuckDB as kstream's peer: filter the trades of a file of JSON lines by WHERE (price > 500), or (window) count, low, high and average of
the price per symbol and minute; or join orders with the payments of OTHER that are 10 s away at most; on one thread, columns given; JSON
lines to stdout.

usage: duck.py PACKAGES FILE [WHERE|window|join OTHER] | duck.py PACKAGES --version"""
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
where = sys.argv[3] if len(sys.argv) > 3 else "price > 500"


def read(path, columns=COLUMNS):
    path = path.replace("'", "''")
    return f"read_json('{path}', format = 'newline_delimited', columns = {columns})"


lines = read(sys.argv[2])
query = f"SELECT * FROM {lines} WHERE {where}"
if where == "window":
    query = (
        "SELECT symbol, ts // 60000 * 60000 AS ts, count(*) AS n, min(price) AS low, max(price) AS high, avg(price) AS avg"
        f" FROM {lines} GROUP BY 1, 2"
    )
if where == "join":
    orders, payments = (read(path, COLUMNS.replace("symbol", '"order"')) for path in (sys.argv[2], sys.argv[4]))
    query = (
        f'SELECT o."order", o.price, p.price AS paid FROM {orders} o JOIN {payments} p'
        ' ON o."order" = p."order" AND p.ts BETWEEN o.ts - 10000 AND o.ts + 10000'
    )
db.execute(f"COPY ({query}) TO '/dev/stdout' (FORMAT json)")
