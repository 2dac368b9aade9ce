#!/usr/bin/env python3
"""An independent verifier of Entente's files, written from docs/protocol alone.

    python3 verify.py FILE...              dossiers (NAME.entente) and journals (NAME.records)
    python3 verify.py --trust PARTY FILE   each trusted party has to have a journal in the dossier, or a proof that brings its identity
    python3 verify.py --batch < LIST       one JSON object per line in, one per line out (for tests)

Exit code 0 if everything holds, 5 if something does not. It needs Python 3.11 and
nothing else. It is slow and plain on purpose: a second opinion, and a reference for
whoever implements the formats.
"""

import base64
import json
import sys

import crypto
import dossier
import journal


def records(data, unit=None, party=None, origin=None):
    try:
        j = journal.verify_records(data, unit, party, origin)
    except journal.Refused as e:
        return {"ok": False, "code": e.code, "index": e.index, "detail": e.detail}
    return {"ok": True, "origin": j.origin, "head": {"size": j.tree.size, "root": journal.b64(j.tree.root())}}


def attempt(f, *args):
    try:
        f(*args)
        return {"ok": True}
    except journal.Refused as e:
        return {"ok": False, "code": e.code, "detail": e.detail}


def one(task):
    """A line of --batch: "kind", then "file" or "data" (base64) and what the kind asks for."""
    if "file" in task:
        with open(task["file"], "rb") as f:
            data = f.read()
    else:
        data = base64.b64decode(task.get("data", ""))

    def keys():
        return journal.Keyring.parse(journal.parse_json(task["keys"], "bad-certificate", 32, "the keys"))

    def evidence(check):
        check(journal.parse_json(data, "bad-root", 32, "the evidence"), [keys()] if "keys" in task else [])

    match task["kind"]:
        case "dossier":
            return dossier.verify(data, task.get("trust", ()))
        case "records":
            return records(data, task.get("unit"), task.get("party"), task.get("origin"))
        case "entry":
            return attempt(journal.Entry, data)
        case "checkpoint":
            return attempt(lambda: journal.open_checkpoint(data, keys()))
        case "proof":
            return attempt(lambda: journal.verify_proof(base64.b64decode(task["entry"]), data, keys()))
        case "contradiction":
            return attempt(evidence, journal.verify_contradiction)
        case "violation":
            return attempt(evidence, journal.verify_violation)
        case "chain":
            return attempt(lambda: journal.chain_of(journal.parse_json(data, "bad-identity", 64, "a chain")))
        case "key":
            return attempt(lambda: journal.Key({"ed25519": journal.b64(data[:32]), "mldsa44": journal.b64(data[32:])}))
        case "ed25519":  # key, signature, message
            return {"ok": crypto.ed25519_verify(data[:32], data[96:], data[32:96])}
        case "mldsa44":
            return {"ok": crypto.mldsa44_verify(data[:1312], data[3732:], data[1312:3732])}
    raise ValueError("unknown kind " + task["kind"])


def main(args):
    if args == ["--batch"]:
        for line in sys.stdin:
            print(json.dumps(one(json.loads(line))))
        return 0
    trust, files = [], []
    while args:
        a = args.pop(0)
        trust.append(args.pop(0)) if a == "--trust" else files.append(a)
    if not files:
        print(__doc__.strip())
        return 2
    good = True
    for name in files:
        with open(name, "rb") as f:
            data = f.read()
        kind = dossier.verify(data, trust) if data.startswith(dossier.MAGIC[:8]) or name.endswith(".entente") else records(data)
        good = good and kind["ok"] and kind.get("trusted", True)
        print(name, json.dumps(kind, indent=1, ensure_ascii=True))
    return 0 if good else 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
