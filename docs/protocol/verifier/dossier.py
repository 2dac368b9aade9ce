"""Dossiers, from docs/protocol/dossier.md: does a file hold, and what does it prove?

Left out, because the standard library of Python 3.11 has no zstd: what the content
of payloads shows (`bad-payload` other than a wrong size, `text-mismatch`, `miscounted`, accord
texts that are `absent`), and the fold of state.md, which is a report and never decides whether a dossier holds.
"""

import re

import journal as J
from journal import Refused, need

MAGIC = b"entente/dossier/v1\n"
ENTRY, CHECKPOINT, MANIFEST, TEXT, HEADER, PAYLOAD, PROOF, END, PAGE = 1, 2, 16, 17, 18, 19, 20, 21, 22
LIMITS = {ENTRY: 65535, CHECKPOINT: 64 << 10, MANIFEST: 4 << 20, TEXT: 144 + (16 << 20), HEADER: 1024, PAYLOAD: 144 + (16 << 20), PROOF: 4 << 20, END: 80, PAGE: 8 << 20}
NAMES = {ENTRY: "entry", CHECKPOINT: "checkpoint", MANIFEST: "manifest", TEXT: "accord text", HEADER: "journal header",
         PAYLOAD: "payload", PROOF: "proof", END: "end", PAGE: "page"}


class Damage(Exception):
    """The first thing that does not hold."""

    def __init__(self, part, detail, ref=None, code=""):
        super().__init__(f"{part}: {detail}")
        self.part, self.detail, self.ref, self.code = part, detail, ref, code


# --- the one form of JSON ----------------------------------------------------------

_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def string(s):
    return '"' + "".join(_SHORT.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in s) + '"'


def form(value, shape):
    """Writes a parsed value in the members and the order that shape gives; fails if it has others."""
    if shape == "string":
        need(type(value) is str, "form", "no string")
        return string(value)
    if shape == "number":
        need(type(value) is J.Number, "form", "no number")
        return str(int(value)) if re.fullmatch(r"\d{1,19}", value) else need(False, "form", "no whole number")
    if isinstance(shape, list):
        need(isinstance(value, list), "form", "no list")
        return "[" + ",".join(form(v, shape[0]) for v in value) + "]"
    if "*" in shape:
        need(isinstance(value, dict), "form", "no map")
        return "{" + ",".join(string(k) + ":" + form(value[k], shape["*"]) for k in sorted(value, key=lambda k: k.encode())) + "}"
    need(isinstance(value, dict), "form", "no object")
    names = {k.rstrip("?") for k in shape}
    need(set(value) <= names, "form", "an unknown member")
    out = []
    for name, inner in shape.items():
        bare = name.rstrip("?")
        if bare not in value:
            need(name.endswith("?"), "form", f"{bare} is missing")
            continue
        need(not name.endswith("?") or value[bare] != [], "form", f"{bare} is empty and not absent")
        out.append(string(bare) + ":" + form(value[bare], inner))
    return "{" + ",".join(out) + "}"


REF = {"origin": "string", "index": "number"}
HEAD = {"size": "number", "root": "string"}
KEY = {"ed25519": "string", "mldsa44": "string"}
LEAF = {"index": "number", "raw": "string", "proof": ["string"]}
SIGNED = {"text": "string", "signatures": [{"key": "string", "ed25519": "string", "mldsa44": "string"}]}
SHAPES = {
    MANIFEST: {"v": "number", "unit": "string", "founding": "string", "created": "string", "purpose": "string", "note": "string", "about": [REF],
               "parties": [{"party": "string", "name": "string"}], "cut": {"*": HEAD}, "texts": [REF]},
    HEADER: {"origin": "string", "party": "string", "epoch": "number", "size": "number"},
    PROOF: {"contradiction?": {"code": "string", "origin": "string", "a": "string", "b": "string", "proof?": ["string"], "root?": "string"},
            "violation?": {"code": "string", "origin": "string", "checkpoint": "string", "before?": LEAF, "told?": LEAF, "entry": LEAF,
                           "first?": LEAF, "since?": {"size": "number", "entries?": ["string"], "proof": ["string"]}},
            "statements?": {"party": "string", "a": SIGNED, "b": SIGNED},
            "keyring?": {"origin": "string", "keys": [{"from": "number", "key": KEY}]},
            "certificates?": [SIGNED], "identities?": [SIGNED]},
}


def read_json(kind, content, ref=None):
    try:
        value = J.parse_json(content, "form", 32, NAMES[kind])
        need(form(value, SHAPES[kind]).encode() == content, "form", "not in the one form")
        return value
    except Refused as e:
        raise Damage(NAMES[kind], e.detail, ref)


class Dossier:
    def __init__(self, data):
        self.data, self.at = data, 0
        self.journals, self.texts, self.payloads, self.proofs, self.findings = {}, {}, [], [], []
        self.brought = set()  # parties whose identity a proof brings
        self.counts = dict.fromkeys(("journals", "entries", "checkpoints", "payloads", "proofs"), 0)

    # Reading: the next record, its framing checked. turn says what may stand here,
    # ref names the entry or checkpoint whose turn it is.
    def next(self, turn, ref=None):
        d, at = self.data, self.at
        kind = d[at] if at < len(d) else 0
        begin = d[at + 37:at + 47]  # a byte may have come or gone before it
        part = kind if kind in turn else None
        if part is None:
            for k in turn:
                if (k == ENTRY and (b"{" in begin[:2] or begin[:4] == b'"v":')) or (k == CHECKPOINT and b"ntente/" in begin):
                    part = k
            part = part or (END if END in turn else turn[0])

        def fail(detail):
            raise Damage(NAMES[part], detail, ref(part) if ref else None)

        if at + 37 > len(d):
            fail("the file ends early")
        length = int.from_bytes(d[at + 1:at + 5], "big")
        if kind not in turn:
            fail(f"a record of kind {kind} where none may stand")
        if length > LIMITS[kind]:
            fail("a record beyond its bound")
        content = d[at + 37:at + 37 + length]
        if len(content) < length:
            fail("the file ends early")
        if J.sha256(content) != d[at + 5:at + 37]:
            fail("the content is not what its hash says")
        self.at += 37 + length
        return kind, content

    def verify(self):
        d = self.data
        if d[:len(MAGIC)] != MAGIC:
            raise Damage("first line", "this is no dossier")
        self.at = len(MAGIC)
        self.manifest()
        for ref in self.listed:
            _, content = self.next([TEXT], lambda _: ref)
            self.sealed(content, TEXT, ref)
            self.counts["payloads"] += 1
        for origin in sorted(self.cut):
            self.journal(origin)
        self.rest()
        self.names()
        for value, ref in self.proofs:
            self.proof(value)
        if self.at != len(d):
            raise Damage("bytes after the end", "the file goes on")
        self.look()
        return self

    def manifest(self):
        m = read_json(MANIFEST, self.next([MANIFEST])[1])
        try:
            c = "form"
            need(m["v"] == "1", c, "a version that is not known")
            need(J.is_id(m["unit"]) and J.unit_id(m["founding"]) == m["unit"], c, "the founding document is another unit's")
            J.check_founding(m["founding"], c)
            need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", m["created"]), c, "created")
            J.instant(m["created"], c, "created")
            need(J.plain_name(m["purpose"], 0, 200), c, "purpose")
            need(len(m["note"]) <= 4096, c, "note")
            need(1 <= len(m["cut"]) <= 1024 and all(J.is_origin(o) for o in m["cut"]), c, "cut")
            self.cut = {o: J.head_of(h, c) for o, h in m["cut"].items()}
            need(all(1 <= size <= 10_000_000 for size, _ in self.cut.values()), c, "a journal of no entries, or of too many")
            need(sum(size for size, _ in self.cut.values()) <= 10_000_000, c, "too many entries")
            refs = [self.ref(r) for r in m["texts"]]
            need(len(refs) <= 16384 and all(a < b for a, b in zip(refs, refs[1:])), c, "texts are not ascending")
            need(len(m["about"]) <= 64, c, "about")
            for r in m["about"]:
                self.ref(r)
            parties = [p["party"] for p in m["parties"]]
            need(parties == sorted(set(parties)) and all(J.is_id(p) for p in parties), c, "parties are not ascending")
            need(all(J.plain_name(p["name"], 1, 200) for p in m["parties"]), c, "a party's name")
        except Refused as e:
            raise Damage("manifest", e.detail)
        self.m, self.unit, self.listed = m, m["unit"], refs

    def ref(self, r):
        need(r["origin"] in self.cut, "form", "an entry of no journal of the cut")
        index = J.integer(r["index"], 2**53 - 1, "form", "index")
        need(index < self.cut[r["origin"]][0], "form", "an entry beyond the cut")
        return r["origin"], index

    def sealed(self, content, kind, want):
        """A text or payload: origin, index, commitment, salt, bytes."""
        part = NAMES[kind]
        if kind == PAYLOAD:
            want = self.about(content)
        if len(content) < 145:
            raise Damage(part, "too short", want)
        ref = (content[:72].decode("latin-1"), int.from_bytes(content[72:80], "big"))
        if not J.is_origin(ref[0]) or (want is not None and ref != want):
            raise Damage(part, "it names another entry than the one whose turn it is", want)
        commitment, salt, data = content[80:112], content[112:144], content[144:]
        if J.commitment(salt, data) != commitment:
            raise Damage(part, "the bytes are not what the commitment says", ref)
        if kind == TEXT:
            self.texts[ref] = (commitment, len(data))
        return ref, commitment, len(data)

    def about(self, content):
        """Which entry's payload this is, as far as can be told: by its commitment, or else by the entry it names."""
        for shift in (0, 1, -1):  # a byte may have come or gone before it
            c = content[80 + shift:112 + shift]
            by = [(o, e.index) for o in sorted(self.journals) for e in self.journals[o].entries if e.payload and e.payload[0] == c and e.payload[2] != "accord"]
            if by:
                ref = self.named(content[max(shift, 0):])
                return ref if ref in by else by[0]
        for c in (content, content[1:], b"e" + content):
            ref = self.named(c)
            if ref and ref[0] in self.journals and ref[1] < self.journals[ref[0]].tree.size and self.journals[ref[0]].entries[ref[1]].payload:
                return ref
        return None

    @staticmethod
    def named(content):
        origin = content[:72].decode("latin-1")
        return (origin, int.from_bytes(content[72:80], "big")) if len(content) >= 80 and J.is_origin(origin) else None

    def journal(self, origin):
        here = (origin, None)
        h = read_json(HEADER, self.next([HEADER], lambda _: here)[1], here)
        try:
            size, root = self.cut[origin]
            need(h["origin"] == origin, "form", "not the journal whose turn it is")
            need(J.is_id(h["party"]) and J.origin_of(self.unit, h["party"], J.integer(h["epoch"], 1 << 20, "form", "epoch")) == origin, "form", "the origin does not follow")
            need(h["size"] == str(size), "form", "another size than the cut")
        except Refused as e:
            raise Damage("journal header", e.detail, here)
        j = J.Journal(self.unit, h["party"], origin)
        self.journals[origin] = j
        self.counts["journals"] += 1
        batch, n, taken = [], 0, 0
        while j.kept < size:
            turn = [ENTRY] if not batch else [CHECKPOINT] if n == size else [ENTRY, CHECKPOINT]
            kind, content = self.next(turn, lambda kind: (origin, n if kind == ENTRY else n - 1))
            if kind == ENTRY:
                taken += len(content)
                if len(batch) == 16384 or taken > 64 << 20:
                    raise Damage("entry", "too many entries without a checkpoint", (origin, n))
                batch.append(content)
                n += 1
                self.counts["entries"] += 1
                continue
            self.run(j, batch, content)
            batch, taken = [], 0
            self.counts["checkpoints"] += 1
        if j.tree.root() != root:
            raise Damage("manifest", "the head is another than that of the cut", (origin, None), "bad-root")

    def run(self, j, batch, checkpoint):
        """Entries and the checkpoint over them: verified as a whole, named as exactly as can be told."""
        first = j.tree.size
        for i, raw in enumerate(batch):
            try:
                if j.rotated:
                    need(J.Entry(raw).index == first + i, "wrong-index", "not the index whose turn it is")
                    raise Damage("entry", "a checkpoint has to follow each rotation", (j.origin, first + i - 1), "half-signature")
                j.add(raw)
            except Refused as r:
                raise Damage("entry", r.detail, (j.origin, first + i), r.code)
        last = (j.origin, first + len(batch) - 1)
        try:
            j.checkpoint(checkpoint)
        except Refused as r:
            try:
                size = J.checkpoint_text(checkpoint)[1]
            except Refused:
                size = 0
            if first < size < j.tree.size:  # it leaves entries over: the first of them
                raise Damage("entry", r.detail, (j.origin, size), r.code)
            # One entry whose root is not the signed one: that entry is what was changed.
            part = "entry" if len(batch) == 1 and r.detail.startswith("the root") else "checkpoint"
            raise Damage(part, r.detail, last, r.code)
        for e in j.entries[first:]:
            text = self.texts.get((j.origin, e.index))
            if text and not (e.payload and e.payload[0] == text[0] and e.payload[2] == "accord"):
                raise Damage("accord text", "the entry commits to something else", (j.origin, e.index))

    def rest(self):
        last, order = (), b""
        stage, d = [PAYLOAD, PROOF, PAGE, END], self.data
        while True:
            # Whatever its kind and length say now: a record that begins as a payload of an entry is that payload.
            entry = self.about(d[self.at + 37:self.at + 37 + 113])
            try:
                kind, content = self.next(stage)
                if kind in (PROOF, PAGE) and entry:
                    raise Damage("payload", "its kind was changed", entry)
            except Damage as e:
                if entry and PAYLOAD in stage:
                    e.part, e.ref = "payload", entry
                raise
            if kind == PAYLOAD:
                ref, commitment, size = self.sealed(content, PAYLOAD, None)
                j = self.journals.get(ref[0])
                if j is None or ref[1] >= j.tree.size or j.entries[ref[1]].payload is None or j.entries[ref[1]].payload[0] != commitment:
                    raise Damage("payload", "the entry commits to something else", ref)
                if ref <= last or ref in self.texts:
                    raise Damage("payload", "not the payload whose turn it is", ref)
                last = ref
                self.payloads.append((ref, size))
                self.counts["payloads"] += 1
            elif kind == PROOF:
                stage = [PROOF, PAGE, END]
                value = read_json(PROOF, content)
                if content <= order:
                    raise Damage("proof", "proofs are not ascending")
                order = content
                self.counts["proofs"] += 1
                if self.counts["proofs"] > 1024:
                    raise Damage("proof", "too many proofs")
                self.proofs.append((value, None))
            elif kind == PAGE:  # for people; nobody signed it
                stage = [END]
                try:
                    need(content.decode().startswith("<!DOCTYPE html>\n"), "form", "it does not begin as a page does")
                except (Refused, UnicodeDecodeError):
                    raise Damage("page", "not a page")
            else:
                before = self.at - 37 - len(content)
                want = b"".join(self.counts[k].to_bytes(8, "big") for k in ("journals", "entries", "checkpoints", "payloads", "proofs"))
                want += before.to_bytes(8, "big") + J.sha256(self.data[:before])
                if content != want:
                    raise Damage("end", "the counts or the hash of the whole do not hold")
                return

    def names(self):
        if {p["party"] for p in self.m["parties"]} != {j.party for j in self.journals.values()}:
            raise Damage("manifest", "the parties are not exactly the authors of the journals")
        for p in self.m["parties"]:
            bears = [i.name for j in self.journals.values() if j.party == p["party"] for i in j.chain]
            if p["name"] not in bears:
                raise Damage("manifest", "a name that the party never bore")

    def schedules(self, value):
        """The key schedules under which the heads of a proof may verify."""
        origin = (value.get("contradiction") or value.get("violation") or {}).get("origin")
        j = self.journals.get(origin)
        need(j is not None, "form", "a proof about no journal of the dossier")
        out = [j.keys]
        certificates = value.get("certificates", [])
        need(len(certificates) <= 64, "form", "too many certificates")
        if "keyring" in value:
            k = J.Keyring.parse(value["keyring"])
            need(k.origin == origin and k.keys[0][1] == j.keys.keys[0][1], "form", "a schedule that begins with another key")
            own = {key for _, key in j.keys.keys}
            identities = [i for x in self.journals.values() if x.party == j.party for i in x.chain]
            for c in certificates:
                c = J.Certificate(c)
                need(c.origin == origin, "form", "a certificate for another journal")
                for i in identities:
                    try:
                        by = i.node if any(s[0] == i.node.id for s in c.statement.signatures) else i.org
                        c.statement.signed_by(by, "bad-certificate")
                        own.add(c.key)
                        break
                    except Refused:
                        pass
                else:
                    raise Refused("bad-certificate", "a certificate that nobody signed")
            need(all(key in own for _, key in k.keys), "form", "a key that the party never certified")
            out.append(k)
        else:
            need(not certificates, "form", "certificates without a schedule")
        return j, out

    def begun(self, x):
        """A violation of a journal that is not in the dossier: it has to bring its beginning. Gives the party."""
        J.verify_violation(x, [])
        begin = x["entry"] if x["entry"]["index"] == "0" else x["first"]
        o = J.Opening(J.Entry(J.base64.b64decode(begin["raw"])), x["origin"])
        need(o.certificate.unit == self.unit, "form", "a journal of another unit")
        known = {i.version: i for j in self.journals.values() if j.party == o.party for i in j.chain}
        need(all(known.get(i.version, i).statement.text == i.statement.text for i in o.chain), "form", "an identity that disagrees")
        if known:
            merged = {**known, **{i.version: i for i in o.chain}}
            before, newest = None, o.chain[-1]
            for n in sorted(merged):
                merged[n].continues(before)
                before = merged[n]
                if n > newest.version and (o.certificate.predecessor is not None or merged[n].created <= o.entry.at):
                    newest = merged[n]
            code = J.certificate_lacks(o.certificate, newest)
            need(code is None, code, "a key that was replaced certified it")
        self.brought.add(o.party)
        return o.party

    def merged(self, *chains):
        """Several chains of one party's identities as one: they have to agree."""
        versions, before = {}, None
        for i in (i for chain in chains for i in chain):
            need(versions.setdefault(i.version, i).statement.text == i.statement.text, "bad-identity", "identities that disagree")
        out = [versions[n] for n in sorted(versions)]
        for i in out:
            i.continues(before)
            before = i
        return out

    def statements(self, value):
        """Two statements of a party of the dossier, or of one whose identities the proof brings."""
        party, brought = value["statements"]["party"], value.get("identities", [])
        need("keyring" not in value and "certificates" not in value, "form", "keys beside statements")
        need(len(brought) <= 32, "form", "too many identities")
        told = [j.chain for j in self.journals.values() if j.party == party]
        chain = self.merged(*told, J.chain_of(brought) if brought else [])
        unit = J.verify_equivocation(value["statements"], chain)
        need(unit in (None, self.unit), "form", "a journal of another unit")
        self.brought.add(party)
        self.find("proved", "two-statements", party)

    def proof(self, value):
        try:
            need(sum(k in value for k in ("contradiction", "violation", "statements")) == 1, "form", "one proof in each record")
            if "statements" in value:
                self.statements(value)
                return
            need("identities" not in value, "form", "identities beside another proof")
            x = value.get("violation")
            if x is not None and x["origin"] not in self.journals and "keyring" not in value:
                self.find("proved", x["code"], self.begun(x))
                return
            j, schedules = self.schedules(value)
            if "contradiction" in value:
                J.verify_contradiction(value["contradiction"], schedules)
                self.find("proved", value["contradiction"]["code"], j.party)
            else:
                J.verify_violation(value["violation"], schedules, j)
                self.find("proved", value["violation"]["code"], j.party)
        except Refused as e:
            about = (value.get("contradiction") or value.get("violation") or {}).get("origin")
            raise Damage("proof", e.detail, (about, None) if about in self.journals else None)

    # --- findings: what the parties did is no damage ---

    def find(self, weight, code, party, *refs):
        self.findings.append({"weight": weight, "code": code, "party": party, "refs": [f"{o}#{i}" for o, i in refs]})

    def look(self):
        parties, beyond = {}, {}
        for o, j in self.journals.items():
            parties.setdefault(j.party, []).append(j)
        for (ref, size) in self.payloads + [(r, n) for r, (_, n) in self.texts.items()]:
            j = self.journals[ref[0]]
            if j.entries[ref[1]].payload[1] != size:
                self.find("proved", "bad-payload", j.party, ref)
        for o, j in sorted(self.journals.items()):
            p = j.certificate.predecessor
            if p:
                if p[0] not in self.journals:
                    self.find("open", "absent", j.party, (o, 0))
                else:
                    self.compare(p[0], *p[1], lambda k: self.find("proved", "rewritten", j.party, (o, 0)), beyond, (o, 0))
            told = {}
            for e in j.entries:
                ref = (o, e.index)
                for about, (size, root) in list(e.seen.items()) + ([(lambda r: (r[0], r[1]))(e.receipt())] if e.kind == "receipt" else []):
                    if told.get(about) == (size, root):
                        continue
                    told[about] = (size, root)
                    if about in self.journals:
                        self.compare(about, size, root, lambda k: self.find("disputed", "bad-root", "", ref), beyond, ref)
                    else:
                        beyond.setdefault(("absent", about), ref)
                if e.kind == "evidence":
                    k = self.journals.get(e.body["origin"])
                    try:
                        need(k is not None, "form", "")
                        J.verify_contradiction(e.body, [k.keys])
                        self.find("proved", e.body["code"], k.party, ref)
                    except Refused:
                        if k is not None:
                            self.find("claimed", e.body["code"], k.party, ref)
                elif e.kind == "witness":
                    signed = e.body["checkpoint"].encode()
                    about, size, root, _, _ = J.checkpoint_text(signed, lines_too=False)
                    k = self.journals.get(about)
                    if k is None:
                        continue
                    try:
                        J.open_checkpoint(signed, k.keys)
                    except Refused:
                        self.find("claimed", "fork", k.party, ref)
                        continue
                    self.compare(about, size, root, lambda x: self.find("proved", "fork", k.party, ref), beyond, ref)
                elif e.kind == "compromise":
                    self.find("claimed", "compromise", j.party, ref)
        for (what, about), ref in beyond.items():
            j = self.journals.get(about)
            self.find("open", what, j.party if j else "", ref)

    def compare(self, about, size, root, differs, beyond, ref):
        j = self.journals[about]
        if size > j.tree.size:
            beyond.setdefault(("beyond-cut", about), ref)
        elif j.tree.roots[size] != root:
            differs(j)


def verify(data, trust=()):
    """Gives what `entente verify` gives: whether the file holds, the first damage, the findings."""
    d = Dossier(data)
    try:
        d.verify()
    except Damage as e:
        ref = None if e.ref is None else e.ref[0] if e.ref[1] is None else f"{e.ref[0]}#{e.ref[1]}"
        return {"ok": False, "part": e.part, "ref": ref, "detail": e.detail}
    have = {j.party for j in d.journals.values()} | d.brought
    return {"ok": True, "unit": d.unit, "trusted": all(p in have for p in trust), "counts": d.counts,
            "heads": {o: {"size": j.tree.size, "root": J.b64(j.tree.root())} for o, j in d.journals.items()}, "findings": d.findings}
