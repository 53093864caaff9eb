#!/usr/bin/python3 -I
"""Gate: counts and sums over groups of a CSV table, none smaller than a minimum.

    aggregate.py --by COLUMN[,COLUMN] --person COLUMN --minimum K [--sum COLUMN]

A group is those rows that have the same values in the --by columns. Its size is the number of different persons in it,
so one person with many rows is one. A group of fewer than K persons is not shown.

Complementary disclosure: one hidden group could be had back from a total by subtraction. So no total is ever given,
and neither is the number of hidden groups. Who knows the total from elsewhere and sees all groups but one can still
subtract: then that one, if it was hidden, would be told. So where the hidden groups together have fewer than K
persons, the smallest shown group is hidden too.

Not covered: several runs with different --by over the same people (each definition is a gate of its own, which the
owner grants to or not), and sums in which one person's value outweighs all others.
"""
import argparse
import csv
import io
import sys


class Refused(Exception):
    pass


def number(text, line):
    try:
        value = float(text)
    except ValueError:
        raise Refused(f"line {line}: expected a number, found none") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise Refused(f"line {line}: expected a number, found none")
    return value


def groups_of(text, by, person, total):
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    groups = {}
    try:
        head = next(rows, [])
        if len(set(head)) != len(head):
            raise Refused("two columns have the same name")
        missing = [name for name in [*by, person, *([total] if total else [])] if name not in head]
        if missing:
            raise Refused(f"no column {missing[0]!r}")
        for row in rows:
            if len(row) != len(head):
                raise Refused(f"line {rows.line_num}: expected {len(head)} fields, found {len(row)}")
            fields = dict(zip(head, row))
            if not fields[person]:
                raise Refused(f"line {rows.line_num}: a row of nobody")
            people, sums = groups.setdefault(tuple(fields[name] for name in by), (set(), []))
            people.add(fields[person])
            if total:
                sums.append(number(fields[total], rows.line_num))
    except csv.Error as error:
        raise Refused(f"line {rows.line_num}: {error}") from None
    return groups


def shown(groups, minimum):
    large = {key: group for key, group in groups.items() if len(group[0]) >= minimum}
    hidden = set().union(*(people for key, (people, _) in groups.items() if key not in large))
    if hidden and len(hidden) < minimum and large:
        smallest = min(large, key=lambda key: (len(large[key][0]), key))
        del large[smallest]
    return large


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--by", required=True)
    parser.add_argument("--person", required=True)
    parser.add_argument("--minimum", type=int, required=True)
    parser.add_argument("--sum", default="")
    options = parser.parse_args()
    by = options.by.split(",")
    try:
        if options.minimum < 2:
            raise Refused("--minimum: expected at least 2")
        if options.person in by:
            raise Refused("--person is no group")
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Refused("expected UTF-8") from None
        groups = shown(groups_of(text, by, options.person, options.sum), options.minimum)
    except Refused as error:
        print(f"aggregate: {error}", file=sys.stderr)
        return 1
    out = csv.writer(sys.stdout, lineterminator="\r\n")
    out.writerow([*by, "persons", *([f"sum of {options.sum}"] if options.sum else [])])
    for key in sorted(groups):
        people, sums = groups[key]
        out.writerow([*key, len(people), *([f"{sum(sums):.10g}"] if options.sum else [])])
    return 0


if __name__ == "__main__":
    csv.field_size_limit(1 << 30)
    sys.exit(main())
