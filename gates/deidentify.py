#!/usr/bin/python3 -I
"""Gate: takes out of a table (CSV or a JSON array of objects) what tells who somebody is.

    deidentify.py [--format csv|json] [--keep A,B] [--drop C] [--hash D] [--decade E] [--key FILE]

--keep     columns that go on as they are
--drop     columns that do not
--hash     columns that become a keyed hash (HMAC-SHA-256, 128 bits): the same value has the same hash, and nobody
           without the key can try values. The key is one of the gate's files, so another key is another gate
--decade   columns with numbers, rounded down to tens: 47 becomes 40-49

Guarantee: a column that is not named stops the gate, as does a row with more or fewer fields than the head; then
nothing is written. Errors name columns and line numbers, never a value.
Not covered: what can be told from the columns that are kept. CSV is RFC 4180; UTF-8.
"""
import argparse
import csv
import hashlib
import hmac
import io
import json
import sys

MIN_KEY = 16


class Refused(Exception):
    pass


def names(text):
    return text.split(",") if text else []


def rules_of(options):
    """What to do with each column."""
    rules = {}
    for what in ("keep", "drop", "hash", "decade"):
        for name in names(getattr(options, what)):
            if name in rules:
                raise Refused(f"column {name!r} is named twice")
            rules[name] = what
    return rules


def changed(what, value, key, where):
    if what == "keep":
        return value
    if what == "hash":
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]
    if value in ("", None):
        return value
    try:
        low = int(float(value) // 10) * 10
    except (ValueError, TypeError, OverflowError):
        raise Refused(f"{where}: expected a number, found none") from None
    return f"{low}-{low + 9}"


def requirement(head, rules):
    unknown = [name for name in head if name not in rules]
    if unknown:
        raise Refused(f"{len(unknown)} columns are not named by the gate: say for each whether it is kept or dropped")
    if len(set(head)) != len(head):
        raise Refused("two columns have the same name")


def from_csv(text, rules, key):
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(rows, [])
        requirement(head, rules)
        kept = [at for at, name in enumerate(head) if rules[name] != "drop"]
        yield [head[at] for at in kept]
        for row in rows:
            where = f"line {rows.line_num}"
            if len(row) != len(head):
                raise Refused(f"{where}: expected {len(head)} fields, found {len(row)}")
            yield [changed(rules[head[at]], row[at], key, where) for at in kept]
    except csv.Error as error:
        raise Refused(f"line {rows.line_num}: {error}") from None


def once(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Refused("an object has a field twice")
    return dict(pairs)


def from_json(text, rules, key):
    try:
        table = json.loads(text, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError):
        raise Refused("expected JSON, found something else") from None
    if not isinstance(table, list) or not all(isinstance(row, dict) for row in table):
        raise Refused("expected an array of objects")
    for at, row in enumerate(table, 1):
        requirement(list(row), rules)
        yield {
            name: changed(rules[name], value, key, f"object {at}")
            for name, value in row.items()
            if rules[name] != "drop"
        }


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--format", choices=["csv", "json"], default="csv")
    for what in ("keep", "drop", "hash", "decade", "key"):
        parser.add_argument(f"--{what}", default="")
    options = parser.parse_args()
    key = b""
    try:
        rules = rules_of(options)
        if "hash" in rules.values():
            if not options.key:
                raise Refused("--hash needs --key FILE")
            with open(options.key, "rb") as file:
                key = file.read()
            if len(key) < MIN_KEY:
                raise Refused(f"the key has fewer than {MIN_KEY} bytes")
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Refused("expected UTF-8") from None
        out = io.StringIO(newline="")
        if options.format == "csv":
            csv.writer(out, lineterminator="\r\n").writerows(list(from_csv(text, rules, key)))
        else:
            json.dump(list(from_json(text, rules, key)), out)
            out.write("\n")
    except Refused as error:
        print(f"deidentify: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(out.getvalue().encode())
    return 0


if __name__ == "__main__":
    csv.field_size_limit(1 << 30)
    sys.exit(main())
