#!/usr/bin/python3 -I
"""Gate: only the rows of people who are on a list.

    consented.py --person COLUMN --list FILE

The list has one person a line; empty lines and lines that begin with # say nothing. It is one of the gate's files, so
another list is another gate, to which the owner grants anew. A row whose person is not there is left out, silently.
"""
import argparse
import csv
import io
import sys


def fail(text):
    print(f"consented: {text}", file=sys.stderr)
    return 1


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--person", required=True)
    parser.add_argument("--list", required=True)
    options = parser.parse_args()
    with open(options.list, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    people = {line for line in lines if line and not line.startswith("#")}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        head = next(rows, [])
        if head.count(options.person) != 1:
            return fail(f"expected one column {options.person!r}")
        at = head.index(options.person)
        writer.writerow(head)
        for row in rows:
            if len(row) != len(head):
                return fail(f"line {rows.line_num}: expected {len(head)} fields, found {len(row)}")
            if row[at].strip() in people:
                writer.writerow(row)
    except UnicodeDecodeError:
        return fail("expected UTF-8")
    except csv.Error as error:
        return fail(f"line {rows.line_num}: {error}")
    sys.stdout.buffer.write(out.getvalue().encode())
    return 0


if __name__ == "__main__":
    csv.field_size_limit(1 << 30)
    sys.exit(main())
