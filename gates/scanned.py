#!/usr/bin/python3 -I
"""Gate: passes on what a scanner has nothing against, byte for byte.

    scanned.py SCANNER [ARGUMENTS...]

The scanner gets the whole input on its standard input and says with exit code 0 that it may go on; whatever else it
does, nothing goes on. What it prints goes nowhere.
Not covered: which scanner that is. It is a program of the base, or one of the gate's files.
"""
import subprocess
import sys


def main():
    data = sys.stdin.buffer.read()
    try:
        done = subprocess.run(sys.argv[1:], input=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except (OSError, IndexError, ValueError):
        print("scanned: the scanner could not be started", file=sys.stderr)
        return 2
    if done.returncode != 0:
        print("scanned: the scanner has something against it", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
