"""Lines for the example, from the kernel's own log: `make-lines.py COUNT > lines.jsonl`.

Their content is real; every fifth is called critical (priority 2), as in the measurement that was published. Where the
kernel's log may not be read or is empty, sample.jsonl is taken.
"""
import json
import os
import subprocess
import sys

SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sample.jsonl")


def kernel_log():
    log = subprocess.run(["dmesg", "-r"], capture_output=True, text=True, errors="replace").stdout
    for line in log.split("\n"):
        head, bracket, text = line.partition("]")
        if bracket and head.startswith("<") and ">" in head and "[" in head:
            priority = int(head[1:head.index(">")]) % 8
            yield {"priority": priority, "timestamp": head[head.index("[") + 1:].strip(), "process": "kernel", "content": text.strip()[:4000]}


def main(count):
    lines = list(kernel_log())
    if not lines:
        with open(SAMPLE) as sample:
            lines = [json.loads(line) for line in sample if line.strip()]
    for i in range(count):
        line = {"host": "csn", **lines[i % len(lines)]}
        line["priority"] = 2 if i % 5 == 0 else 3 + line["priority"] % 5
        line["timestamp"] = f"{line['timestamp']}/{i}"[:64]
        print(json.dumps(line))


main(int(sys.argv[1]))
