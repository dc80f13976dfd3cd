"""What had been asked before the suite began? Writes two months of requests into a database that nobody has open, for pictures
that show a gateway at work. Standard input is JSON: the database, clients, models, and the upper bounds of the latency buckets."""

import json
import math
import random
import sqlite3
import sys
import time

HOUR_MS = 3_600_000
DAYS = 60
# Of these days each request has a row of its own; of those before only the sums are kept.
DAYS_OF_RECORDS = 3
SUMS = ["requests", "failed", "prompt", "cached", "cache_write_5m", "cache_write_1h", "completion", "reasoning", "audio_in",
        "audio_out", "image_in", "image_out", "calls", "cost_nano", "total_ms"]
NAMES = ["client", "team", "provider", "model"]


def requests(said, now, chance):
    """One after another: more by day than by night, fewer at the end of a week, a bad hour now and then."""
    for hour in range(-24 * DAYS, 0):
        begin = now + hour * HOUR_MS
        of_day = time.gmtime(begin / 1000)
        tide = 0.35 + 0.65 * max(0, math.sin(math.pi * (of_day.tm_hour - 5) / 16))
        tide *= 0.45 if of_day.tm_wday > 4 else 1
        tide *= 1 + 0.5 * (hour + 24 * DAYS) / (24 * DAYS)
        bad = 0.09 if chance.random() < 0.03 else 0.006
        for client in said["clients"]:
            for _ in range(int(chance.gauss(client["weight"], client["weight"] / 5) * tide)):
                model = chance.choices(said["models"], [client["uses"].get(model["model"], 0) for model in said["models"]])[0]
                yield one(begin + chance.randrange(HOUR_MS), client, model, chance.random() < bad, chance)


def one(at_ms, client, model, failed, chance):
    prompt = int(chance.lognormvariate(7.0, 0.8))
    cached = int(prompt * chance.choice([0, 0, 0.4, 0.8]))
    completion = 0 if failed else int(chance.lognormvariate(5.4, 0.7))
    first = int(chance.lognormvariate(math.log(model["first_ms"]), 0.35))
    price = model["price"]
    cost = 0 if failed else int(1000 * ((prompt - cached) * price[0] + cached * price[0] / 10 + completion * price[1]))
    return {
        "id": "%013x-%s" % (at_ms, "%08x" % chance.getrandbits(32)), "at_ms": at_ms, "client": client["id"], "team": client["team"],
        "endpoint": "/v1/chat/completions", "dialect": "openai_chat", "requested_model": client.get("asks") or model["model"],
        "provider": model["provider"], "model": model["model"], "key_id": "", "status": chance.choice([429, 500, 503]) if failed else 200,
        "error": "upstream_status" if failed else "", "stream": int(chance.random() < 0.7), "prompt": prompt, "cached": cached,
        "cache_write_5m": 0, "cache_write_1h": 0, "completion": completion, "reasoning": 0, "audio_in": 0, "audio_out": 0,
        "image_in": 0, "image_out": 0, "calls": 0, "estimated": 0, "cost_nano": cost, "price_id": "", "first_byte_ms": first,
        "total_ms": first + int(completion * model["token_ms"]), "attempts": 2 if failed else 1, "bytes_in": prompt * 4,
        "bytes_out": completion * 5, "dropped": "", "added": "", "stale": 0, "ended": "done",
    }


def put(cursor, table, rows):
    rows = list(rows)
    names = list(rows[0])
    places = ", ".join("?" * len(names))
    cursor.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", [list(row.values()) for row in rows])


def summed(rows, bounds, span):
    sums, latency = {}, {}
    for row in rows:
        key = (row["at_ms"] - row["at_ms"] % span, *(row[name] for name in NAMES))
        found = sums.setdefault(key, dict.fromkeys(SUMS, 0))
        for name in SUMS:
            found[name] += {"requests": 1, "failed": int(row["error"] != "")}.get(name, row.get(name, 0))
        bucket = next((at for at, bound in enumerate(bounds) if row["total_ms"] <= bound), len(bounds))
        latency[(*key, bucket)] = latency.get((*key, bucket), 0) + 1
    names = ["hour_ms", *NAMES]
    totals = (dict(zip(names, key)) | found for key, found in sums.items())
    buckets = (dict(zip([*names, "bucket"], key)) | {"requests": count} for key, count in latency.items())
    return totals, buckets


def main():
    said = json.load(sys.stdin)
    now = int(time.time() * 1000)
    now -= now % HOUR_MS
    rows = list(requests(said, now, random.Random(7)))
    database = sqlite3.connect(said["database"])
    cursor = database.cursor()
    put(cursor, "records", (row for row in rows if row["at_ms"] > now - DAYS_OF_RECORDS * 24 * HOUR_MS))
    for span, tables in ((HOUR_MS, ["rollups", "latency"]), (24 * HOUR_MS, ["rollups_daily", "latency_daily"])):
        for table, sums in zip(tables, summed(rows, said["bounds"], span)):
            cursor.execute(f"DELETE FROM {table}")
            put(cursor, table, sums)
    database.commit()
    print(len(rows))


main()
