#!/usr/bin/python3 -I
"""Gate: passes on what it is given, byte for byte, once a date has come; before it, nothing.

    released.py --after 2027-01-01T00:00:00Z

The clock is that of the host that enforces; a labelled program can't set it.
"""
import argparse
import datetime
import shutil
import sys


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--after", required=True)
    text = parser.parse_args().after
    try:
        after = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        print("released: expected --after YYYY-MM-DDThh:mm:ssZ", file=sys.stderr)
        return 2
    if datetime.datetime.now(datetime.timezone.utc) < after:
        print(f"released: not before {text}", file=sys.stderr)
        return 1
    shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
