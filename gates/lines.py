#!/usr/bin/python3 -I
"""Gate: passes on lines of JSON that follow a schema, each as soon as it is there and byte for byte; others are left out.

    lines.py --schema FILE

For streams, such as commands to actuators: `out` has an integrity that `in` lacks, so what comes out is vouched for. One wrong line
does not end the stream; its number is said, never its content, and the exit code is 1 at the end.

The schema is one of the gate's files, and a small part of JSON Schema: type, properties, required, additionalProperties (false
or a schema), enum, const, minimum, maximum, maxLength, items, maxItems, and title and description, which say nothing. Another
keyword is refused, since a limit that is not checked is worse than none.
"""
import argparse
import json
import sys

MAX_LINE = 64 * 1024
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: TYPES["number"](v) and v == int(v),
}


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_name_list(value):
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def is_type(value):
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


KEYWORDS = {
    "title": lambda v: isinstance(v, str),
    "description": lambda v: isinstance(v, str),
    "type": is_type,
    "properties": lambda v: isinstance(v, dict),
    "required": is_name_list,
    "additionalProperties": lambda v: v is False or isinstance(v, dict),
    "enum": lambda v: isinstance(v, list) and bool(v),
    "const": lambda v: True,
    "minimum": TYPES["number"],
    "maximum": TYPES["number"],
    "maxLength": is_count,
    "items": lambda v: isinstance(v, dict),
    "maxItems": is_count,
}


def once(pairs):
    """The receiver might take the other of two fields of one name, or another value for these."""
    if len({name for name, _ in pairs}) != len(pairs) or any(name == "__proto__" or "\0" in name for name, _ in pairs):
        raise ValueError
    return dict(pairs)


def no_constant(_):
    raise ValueError


def finite(text):
    value = float(text)
    if value - value != 0:
        raise ValueError
    return value


def parse(text):
    return json.loads(text, object_pairs_hook=once, parse_constant=no_constant, parse_float=finite)


def fault_in(schema):
    """The first keyword that is none of ours or makes no sense; None: there is none."""
    if not isinstance(schema, dict):
        return "a schema that is no object"
    for name, value in schema.items():
        if name not in KEYWORDS or not KEYWORDS[name](value):
            return name
    inner = list(schema.get("properties", {}).values())
    inner += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    return next((fault for fault in map(fault_in, inner) if fault is not None), None)


def same(a, b):
    """As JSON has it: true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return a == b


def follows(schema, value):
    types = schema.get("type", [])
    if types and not any(TYPES[name](value) for name in ([types] if isinstance(types, str) else types)):
        return False
    if "const" in schema and not same(schema["const"], value):
        return False
    if "enum" in schema and not any(same(one, value) for one in schema["enum"]):
        return False
    if TYPES["number"](value):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if isinstance(value, str):
        return len(value) <= schema.get("maxLength", len(value))
    if isinstance(value, list):
        items = schema.get("items", {})
        return len(value) <= schema.get("maxItems", len(value)) and all(follows(items, one) for one in value)
    return not isinstance(value, dict) or members_follow(schema, value)


def members_follow(schema, value):
    if any(name not in value for name in schema.get("required", [])):
        return False
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, one in value.items():
        rule = known.get(name, others)
        if rule is False or not follows(rule, one):
            return False
    return True


def passes(schema, line):
    if len(line) > MAX_LINE or not line.endswith(b"\n"):
        return False
    try:
        text = line.decode("utf-8")
        text.encode("utf-8")
        value = parse(text)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair can't be
        return follows(schema, value)
    except (ValueError, RecursionError, OverflowError):
        return False


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--schema", required=True)
    with open(parser.parse_args().schema, encoding="utf-8") as file:
        schema = parse(file.read())
    fault = fault_in(schema)
    if fault is not None:
        print(f"lines: the schema has something that is not checked here: {fault}", file=sys.stderr)
        return 2
    number, left_out = 0, 0
    while line := sys.stdin.buffer.readline(MAX_LINE + 1):
        number += 1
        whole = line
        while not whole.endswith(b"\n") and (whole := sys.stdin.buffer.readline(MAX_LINE)):
            line = b"\0" * (MAX_LINE + 1)  # too long: the rest of it belongs to it
        if passes(schema, line):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        else:
            left_out += 1
            print(f"lines: line {number} is left out", file=sys.stderr, flush=True)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
