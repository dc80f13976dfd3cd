"""What is a log of millions? Writes so many records into a database that nobody has open, with their sums. Standard input is JSON:
the database, how many records, over how many days, clients, models by provider, and the upper bounds of the latency buckets."""

import json
import sqlite3
import sys
import time

HOUR_MS = 3_600_000
SUMS = ["prompt", "cached", "cache_write_5m", "cache_write_1h", "completion", "reasoning", "audio_in", "audio_out", "image_in",
        "image_out", "calls", "cost_nano", "total_ms"]

RECORDS = """
INSERT INTO records (id, at_ms, client, team, endpoint, dialect, requested_model, provider, model, key_id, status, error, stream,
  prompt, cached, cache_write_5m, cache_write_1h, completion, reasoning, audio_in, audio_out, image_in, image_out, calls, estimated,
  cost_nano, price_id, first_byte_ms, total_ms, attempts, bytes_in, bytes_out, dropped, added, stale, ended)
WITH RECURSIVE turn(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM turn WHERE n < :records - 1)
SELECT printf('%013x-%08x', :begin + n * :every, n), :begin + CAST(n * :every AS INTEGER), clients.name, clients.team,
  '/v1/chat/completions', 'openai_chat', models.model, models.provider, models.model, '', CASE WHEN n % 97 = 0 THEN 503 ELSE 200 END,
  CASE WHEN n % 97 = 0 THEN 'upstream_status' ELSE '' END, n % 2, 200 + n % 1900, n % 200, 0, 0, 20 + n % 380, 0, 0, 0, 0, 0, 0, 0,
  1000 * (n % 4000), '', 100 + n % 800, bounds.bound, 1, 800, 1600, '', '', 0, 'done'
FROM turn JOIN clients ON clients.at = (n * 31) % :clients JOIN models ON models.at = (n / 7) % :models
  JOIN bounds ON bounds.bucket = 6 + (n * 7) % 9
"""


def table(cursor, name, columns, rows):
    cursor.execute(f"CREATE TEMP TABLE {name} (at INTEGER PRIMARY KEY, {columns})")
    cursor.executemany(f"INSERT INTO {name} VALUES (?{', ?' * (columns.count(',') + 1)})", [(at, *row) for at, row in enumerate(rows)])


def by_hour(cursor):
    by = f"at_ms - at_ms % {HOUR_MS}, client, team, provider, model"
    sums = ", ".join(f"SUM({name})" for name in SUMS)
    cursor.execute(f"INSERT INTO rollups (hour_ms, client, team, provider, model, requests, failed, {', '.join(SUMS)}) "
                   f"SELECT {by}, COUNT(*), SUM(error <> ''), {sums} FROM records GROUP BY 1, 2, 3, 4, 5")
    cursor.execute("INSERT INTO latency (hour_ms, client, team, provider, model, bucket, requests) "
                   f"SELECT {by}, bounds.at, COUNT(*) FROM records JOIN bounds ON bound = total_ms GROUP BY 1, 2, 3, 4, 5, 6")


def by_day(cursor):
    by = f"hour_ms - hour_ms % {24 * HOUR_MS}, client, team, provider, model"
    sums = ["requests", "failed", *SUMS]
    cursor.execute(f"INSERT INTO rollups_daily (hour_ms, client, team, provider, model, {', '.join(sums)}) "
                   f"SELECT {by}, {', '.join(f'SUM({name})' for name in sums)} FROM rollups GROUP BY 1, 2, 3, 4, 5")
    cursor.execute("INSERT INTO latency_daily (hour_ms, client, team, provider, model, bucket, requests) "
                   f"SELECT {by}, bucket, SUM(requests) FROM latency GROUP BY 1, 2, 3, 4, 5, 6")


def main():
    said = json.load(sys.stdin)
    database = sqlite3.connect(said["database"])
    cursor = database.cursor()
    # Nothing is lost with it: what is half written is begun anew.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    table(cursor, "clients", "name, team", [(client, client.split("-")[0]) for client in said["clients"]])
    table(cursor, "models", "provider, model", [(model["provider"], model["model"]) for model in said["models"]])
    table(cursor, "bounds", "bound", [(bound,) for bound in said["bounds"]])
    cursor.execute("CREATE INDEX temp.bounds_by_bound ON bounds (bound)")
    span = said["days"] * 24 * HOUR_MS
    shape = {"records": said["records"], "begin": int(time.time() * 1000) - span, "every": span / said["records"],
             "clients": len(said["clients"]), "models": len(said["models"])}
    cursor.execute(RECORDS.replace("bounds.bucket", "bounds.at"), shape)
    by_hour(cursor)
    by_day(cursor)
    database.commit()
    cursor.execute("PRAGMA journal_mode = WAL")
    print(*[cursor.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in ("records", "rollups", "latency")])


main()
