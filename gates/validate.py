#!/usr/bin/python3 -I
"""Gate: passes on JSON that follows a JSON Schema, as it came, byte for byte.

    validate.py --schema FILE

The schema is one of the gate's files. A reference to another document is refused: nothing is fetched. Errors say where,
by position and never by content.
Needs Debian's python3-jsonschema, which is base.
"""
import argparse
import json
import sys

try:
    import jsonschema
except ImportError:
    print("validate: expected python3-jsonschema, found none; `apt-get install python3-jsonschema`", file=sys.stderr)
    sys.exit(2)


def once(pairs):
    """The receiver might take the other of two fields of one name."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def no_constant(_):
    raise ValueError


def outside(node):
    """Does it refer to another document?"""
    if isinstance(node, dict):
        return any(
            (name in ("$ref", "$dynamicRef") and not str(value).startswith("#")) or outside(value)
            for name, value in node.items()
        )
    return isinstance(node, list) and any(outside(value) for value in node)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--schema", required=True)
    options = parser.parse_args()
    with open(options.schema, encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    if outside(schema):
        print("validate: the schema refers to another document", file=sys.stderr)
        return 2
    data = sys.stdin.buffer.read()
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=no_constant)
    except (ValueError, RecursionError):
        print("validate: expected JSON, each field once, found something else", file=sys.stderr)
        return 1
    fault = next(kind(schema).iter_errors(value), None)
    if fault is not None:
        print(f"validate: the schema forbids it ({fault.validator})", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
