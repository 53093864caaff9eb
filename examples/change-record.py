"""Changes one byte of a copied log: `change-record.py PROOF.json FOLDER`.

The proof (`csn audit prove N`) has the record as it was written. Wherever it stands in the folder's segments, its verdict becomes
"allowed". For trying what `csn audit verify` says to it.
"""
import base64
import glob
import json
import os
import sys

VERDICT = 2


def main(proof, folder):
    with open(proof) as file:
        record = base64.b64decode(json.load(file)["proofs"][0]["record"])
    changed = bytearray(record)
    changed[VERDICT] = 0
    if bytes(changed) == record:
        sys.exit("expected the record of a refusal, found one of an allowed flow")
    for name in glob.glob(os.path.join(folder, "*.csnlog")):
        with open(name, "r+b") as segment:
            at = segment.read().find(record)
            if at >= 0:
                segment.seek(at)
                segment.write(changed)
                return
    sys.exit("expected the record in one of the folder's segments, found it in none: they may be compressed")


main(*sys.argv[1:3])
