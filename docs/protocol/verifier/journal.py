"""Journals, from docs/protocol/journal.md: names, keys, statements, entries, the
tree, checkpoints, key schedules, proofs, evidence, records."""

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta

import crypto


class Refused(Exception):
    """Believe none of it. code is one of journal.md section 12."""

    def __init__(self, code, detail, index=None):
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.index = code, detail, index


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


_cache = {}


def _once(f, *args):
    """Remembers what a signature check said: files of one batch share most of theirs."""
    k = (f, *args)
    if k not in _cache:
        if len(_cache) > 200_000:
            _cache.clear()
        _cache[k] = f(*args)
    return _cache[k]


# --- JSON --------------------------------------------------------------------

class Number(str):
    """A JSON number as it was written."""


def _object(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name stands twice")
    return out


def _constant(name):
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_constant)


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def parse_json(data, code, levels, what):
    """One JSON value; strict as section 4 asks."""
    try:
        if isinstance(data, bytes):
            data = data.decode("utf-8")
        value = _decoder.decode(data.strip(" \t\r\n"))
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # an escaped half of a surrogate pair is no character
        if depth(value) > levels:
            raise ValueError("nested too deeply")
    except (ValueError, RecursionError) as e:
        raise Refused(code, f"{what} is not JSON: {e}")
    return value


def need(ok, code, detail):
    if not ok:
        raise Refused(code, detail)


def member(obj, name, kind, code):
    need(isinstance(obj, dict) and type(obj.get(name)) is kind, code, f"{name} is missing or of another form")
    return obj[name]


def integer(value, most, code, what):
    need(type(value) is Number and re.fullmatch(r"0|[1-9][0-9]{0,18}", value) and int(value) <= most, code, f"{what} is no whole number in range")
    return int(value)


def decode64(text, size, code, what, strict=False):
    need(type(text) is str and re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text), code, f"{what} is not base64")
    data = base64.b64decode(text)
    need(size in (None, len(data)) and (not strict or b64(data) == text), code, f"{what} is not {size} bytes in base64")
    return data


def hash_of(value, code, what):
    return decode64(value, 32, code, what, strict=True)


def plain_name(text, least, most):
    return type(text) is str and least <= len(text) <= most and not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)


_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-](\d\d):(\d\d))", re.ASCII)


def instant(text, code, what):
    """RFC 3339 as journal.md reads it, as (seconds, nanoseconds) since 1970."""
    m = _TIME.fullmatch(text) if type(text) is str and len(text) <= 35 else None
    need(m, code, f"{what} is no RFC 3339 time")
    year, month, day, hour, minute, second = (int(m[i]) for i in range(1, 7))
    try:
        t = datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise Refused(code, f"{what} is no time of any calendar")
    if m[8] != "Z":
        oh, om = int(m[9]), int(m[10])
        need(oh < 24 and om < 60, code, f"{what} has an offset of no zone")
        t -= timedelta(minutes=(60 * oh + om) * (1 if m[8][0] == "+" else -1))
    need(datetime(2000, 1, 1) <= t < datetime(2201, 1, 1), code, f"{what} lies outside the years 2000 to 2200")
    return int((t - datetime(1970, 1, 1)).total_seconds()), int((m[7] or "0").ljust(9, "0"))


# --- names and keys ------------------------------------------------------------

def is_id(text):
    return type(text) is str and re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII) is not None


def is_origin(text):
    return type(text) is str and text.startswith("entente/") and is_id(text[8:])


def party_id(text):
    return sha256(b"entente/party/v1\n", text.encode()).hex()


def unit_id(text):
    return sha256(b"entente/unit/v1\n", text.encode()).hex()


def origin_of(unit, party, epoch):
    return "entente/" + sha256(b"entente/origin/v1\n", unit.encode(), b"\n", party.encode(), b"\n", str(epoch).encode()).hex()


def statement_hash(text):
    return sha256(b"entente/statement/v1\n", text.encode())


def commitment(salt, compressed):
    return sha256(b"entente/payload/v1\n", salt, compressed)


class Key:
    def __init__(self, value, code="bad-identity"):
        self.ed = decode64(member(value, "ed25519", str, code), 32, "weak-key", "an Ed25519 key")
        self.pq = decode64(member(value, "mldsa44", str, code), 1312, "weak-key", "an ML-DSA-44 key")
        for why in (_once(crypto.ed25519_weak, self.ed), _once(crypto.mldsa44_weak, self.pq)):
            need(why is None, "weak-key", f"a key is refused: {why}")
        self.id = b64(sha256(b"entente/key/v1\n", self.ed, self.pq))

    def __eq__(self, other):
        return isinstance(other, Key) and self.id == other.id

    def __hash__(self):
        return hash(self.id)

    def verify(self, domain, message, ed, pq):
        return all(self.halves(domain, message, ed, pq))

    def halves(self, domain, message, ed, pq):
        m = b"entente/signature/v1\n" + domain.encode() + b"\n" + message
        return len(ed) == 64 and _once(crypto.ed25519_verify, self.ed, m, ed), len(pq) == 2420 and _once(crypto.mldsa44_verify, self.pq, m, pq)


# --- statements ------------------------------------------------------------------

class Statement:
    def __init__(self, value, kind, code):
        self.text = member(value, "text", str, code)
        need(len(self.text.encode()) <= 32 << 10, code, "a statement of more than 32 KiB")
        self.signatures = []
        listed = member(value, "signatures", list, code)
        need(len(listed) <= 4, code, "more than 4 signatures")
        for s in listed:
            self.signatures.append((b64(hash_of(member(s, "key", str, code), code, "a key id")),
                                    decode64(s.get("ed25519", ""), None, code, "an Ed25519 signature"),  # one of another length verifies under no key
                                    decode64(s.get("mldsa44", ""), None, code, "an ML-DSA-44 signature")))
        self.body = parse_json(self.text, code, 8, "a statement")
        need(isinstance(self.body, dict) and self.body.get("statement") == kind, code, f"no statement of kind {kind}")
        self.body = {k: v for k, v in self.body.items() if v is not None}  # null means absent
        self.kind = kind

    def lacks(self, key):
        """bad-signature or half-signature if the key did not sign with both halves; else None."""
        for of, ed, pq in self.signatures:
            if of == key.id:
                halves = key.halves("statement/" + self.kind, self.text.encode(), ed, pq)
                return None if all(halves) else "half-signature" if any(halves) else "bad-signature"
        return "bad-signature"

    def signed_by(self, key, code):
        of_key = [s for s in self.signatures if s[0] == key.id]
        need(of_key, code, f"the {self.kind} is not signed by the key that has to")
        need(key.verify("statement/" + self.kind, self.text.encode(), of_key[0][1], of_key[0][2]), "bad-signature", f"a signature of the {self.kind} does not verify")


class Identity:
    def __init__(self, value):
        c = "bad-identity"
        self.statement = Statement(value, "identity", c)
        b = self.statement.body
        self.version = integer(b.get("version"), 1 << 20, c, "version")
        need(self.version >= 1, c, "version 0")
        self.name = b.get("name")
        need(plain_name(self.name, 1, 200), c, "name")
        need(("previous" in b) == (self.version > 1), c, "previous stands in every version but 1")
        self.previous = hash_of(b["previous"], c, "previous") if "previous" in b else None
        self.org, self.node = Key(b.get("org"), c), Key(b.get("node"), c)
        need(self.org != self.node, c, "org and node are one key")
        self.created, self.expires = instant(b.get("created"), c, "created"), instant(b.get("expires"), c, "expires")
        need(self.expires > self.created, c, "it expires before it begins")
        courier = b.get("courier", "")
        need(courier == "" or type(courier) is str and len(courier) <= 4000 and re.fullmatch(r"age1[a-z0-9]*", courier), c, "courier")
        tls = b.get("tls", [])
        need(isinstance(tls, list) and len(tls) <= 16, c, "tls")
        for h in tls:
            hash_of(h, c, "a TLS hash")
        addresses = b.get("addresses", [])
        need(isinstance(addresses, list) and len(addresses) <= 16 and all(plain_name(a, 0, 200) for a in addresses), c, "addresses")

    def continues(self, before):
        """Checks this version against the one before it in a chain; None for the first."""
        c = "bad-identity"
        if before is None:
            need(self.version == 1, c, "a chain starts with version 1")
            self.statement.signed_by(self.org, c)
            return
        need(self.version > before.version, c, "versions do not increase")
        if self.version == before.version + 1:
            need(self.previous == statement_hash(before.statement.text), c, "previous is another version")
        else:
            need(self.org == before.org, c, "a version that changed the organisation key is left out")
        need(self.created >= before.created, c, "created decreases")
        self.statement.signed_by(before.org, c)
        if self.org != before.org:
            self.statement.signed_by(self.org, c)


def chain_of(values):
    need(isinstance(values, list) and 1 <= len(values) <= 1000, "bad-identity", "no identity chain")
    chain = []
    for v in values:
        i = Identity(v)
        i.continues(chain[-1] if chain else None)
        chain.append(i)
    return chain


class Certificate:
    def __init__(self, value):
        c = "bad-certificate"
        self.statement = Statement(value, "certificate", c)
        b = self.statement.body
        self.unit, self.party = b.get("unit"), b.get("party")
        need(is_id(self.unit) and is_id(self.party), c, "unit or party")
        self.epoch = integer(b.get("epoch"), 1 << 20, c, "epoch")
        self.origin = b.get("origin")
        need(self.origin == origin_of(self.unit, self.party, self.epoch), c, "the origin does not follow from unit, party and epoch")
        self.key = Key(b.get("key"), c)
        self.replaces = b64(hash_of(b["replaces"], c, "replaces")) if "replaces" in b else None
        self.predecessor = None
        if "predecessor" in b:
            p = b["predecessor"]
            need(isinstance(p, dict) and p.get("origin") == origin_of(self.unit, self.party, self.epoch - 1), c, "the predecessor is another journal")
            self.predecessor = (p["origin"], head_of(p.get("head"), c))
        need(self.replaces is None or self.predecessor is None, c, "it replaces a key and has a predecessor")
        need(self.predecessor is None or self.epoch > 0, c, "epoch 0 has no predecessor")
        need(self.predecessor is not None or self.replaces is not None or self.epoch == 0, c, "a successor names its predecessor")

    def signed(self, identity, at):
        """Signed by who may: the organisation key, or the node key where that suffices."""
        by = {s[0] for s in self.statement.signatures}
        if self.predecessor is None and identity.node.id in by and identity.org.id not in by:
            need(at <= identity.expires, "bad-certificate", "the identity had expired")
            self.statement.signed_by(identity.node, "bad-certificate")
        else:
            self.statement.signed_by(identity.org, "bad-certificate")


def check_compromise(body, party, identity):
    c = "bad-certificate"
    s = Statement(body.get("statement"), "compromise", c)
    b = s.body
    need(b.get("party") == party and b.get("key") == body.get("key") and b.get("origin") == body.get("origin") and is_origin(b.get("origin")), c, "the notice says something else")
    need(head_of(b.get("good"), c) == head_of(body.get("good"), c), c, "the notice names another head")
    instant(b.get("created"), c, "created")
    s.signed_by(identity.org, c)


def head_of(value, code):
    need(isinstance(value, dict), code, "a head is missing")
    return integer(value.get("size"), 2**53 - 1, code, "size"), hash_of(value.get("root"), code, "root")


def check_founding(text, code="bad-entry"):
    need(type(text) is str and len(text.encode()) <= 4096, code, "the founding document")
    b = parse_json(text, code, 32, "the founding document")
    need(isinstance(b, dict) and b.get("v") == "1" and type(b["v"]) is Number and plain_name(b.get("name"), 1, 200) and is_id(b.get("founder")), code, "the founding document")
    decode64(b.get("nonce"), 32, code, "nonce")
    instant(b.get("created"), code, "created")
    return b


# --- entries ---------------------------------------------------------------------

_KIND = re.compile(r"[a-z][a-z0-9.-]{0,63}", re.ASCII)


class Entry:
    def __init__(self, raw):
        c = "bad-entry"
        need(len(raw) <= 65535, "oversize", "an entry of more than 65,535 bytes")
        self.raw = raw
        self.leaf = sha256(b"\0", raw)
        e = parse_json(raw, c, 32, "an entry")
        need(isinstance(e, dict), c, "not an object")
        self.fields = e
        need(type(e.get("v")) is Number and e["v"] == "1", c, "v is not 1")
        self.kind = e.get("kind")
        need(type(self.kind) is str and _KIND.fullmatch(self.kind) and self._unescaped("kind", self.kind), c, "kind")
        self.at = instant(e.get("at"), c, "at")
        self._by(e.get("by"))
        self.unit, self.author = e.get("unit"), e.get("author")
        need(is_id(self.unit) and is_id(self.author), c, "unit or author")
        self.epoch, self.index = integer(e.get("epoch"), 1 << 20, c, "epoch"), integer(e.get("index"), 2**53 - 1, c, "index")
        seen = e.get("seen")
        need(isinstance(seen, dict) and len(seen) <= 1024 and all(is_origin(o) for o in seen), c, "seen")
        self.seen = {o: head_of(h, c) for o, h in seen.items()}
        if "release" in e:
            need(isinstance(e["release"], list) and len(e["release"]) <= 16, c, "release")
            for by in e["release"]:
                self._by(by)
        self.body = e.get("body")
        need("body" not in e or isinstance(self.body, dict), c, "body is no object")
        if self.body is not None:
            self.body = {k: v for k, v in self.body.items() if v is not None}  # null means absent
        self.payload = None
        if "payload" in e:
            p = e["payload"]
            need(isinstance(p, dict), c, "payload")
            size = integer(p.get("size"), 16 << 20, c, "the payload's size")
            need(size >= 1 and type(p.get("type")) is str and _KIND.fullmatch(p["type"]), c, "payload")
            self.payload = (hash_of(p.get("commitment"), c, "commitment"), size, p["type"])

    def _unescaped(self, name, value):
        return re.search(rb'"' + name.encode() + rb'"\s*:\s*"' + re.escape(value.encode()) + rb'"', self.raw) is not None

    @staticmethod
    def _by(by):
        need(isinstance(by, dict) and all(plain_name(by.get(n, ""), 0, 200) for n in ("agency", "role")), "bad-entry", "by or release")

    @property
    def origin(self):
        return origin_of(self.unit, self.author, self.epoch)

    def receipt(self):
        b, c = self.body, "bad-entry"
        need(isinstance(b, dict) and is_origin(b.get("origin")), c, "a receipt without an origin")
        head = head_of(b, c)
        need(head[0] >= 1, c, "a receipt for nothing")
        missing = b.get("missing", [])
        need(isinstance(missing, list) and len(missing) <= 1024, c, "missing")
        for m in missing:
            hash_of(m, c, "a commitment")
        return b["origin"], head

    def check_body(self):
        """The bodies that this layer defines, as far as they can be judged alone."""
        b, c = self.body, "bad-entry"
        if self.kind in ("genesis", "receipt", "identity", "rotate", "compromise", "witness", "evidence", "destroyed"):
            need(isinstance(b, dict), c, f"a {self.kind} without a body")
        if self.kind == "receipt":
            self.receipt()
        elif self.kind == "witness":
            checkpoint_text(member(b, "checkpoint", str, c).encode(), c, lines_too=False)
        elif self.kind == "evidence":
            need(b.get("code") in ("fork", "rollback", "rewritten") and is_origin(b.get("origin")), c, "evidence")
            member(b, "a", str, c), member(b, "b", str, c)
            for h in b.get("proof") or []:
                hash_of(h, c, "a proof")
        elif self.kind == "destroyed":
            hashes = member(b, "commitments", list, c)
            need(1 <= len(hashes) <= 1024 and plain_name(b.get("reason", ""), 0, 200), c, "destroyed")
            for h in hashes:
                hash_of(h, c, "a commitment")


# --- tree and checkpoints --------------------------------------------------------

def node(left, right):
    return sha256(b"\1", left, right)


class Tree:
    """The right edge of an RFC 6962 tree, and its roots on the way."""

    def __init__(self):
        self.size, self.edge, self.roots = 0, [], {0: sha256()}

    def add(self, leaf):
        n, h = self.size, leaf
        while n & 1:
            h = node(self.edge.pop(), h)
            n >>= 1
        self.edge.append(h)
        self.size += 1
        self.roots[self.size] = self.root()

    def root(self):
        if not self.edge:
            return sha256()
        h = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            h = node(left, h)
        return h


def inclusion(leaf, index, size, path, root):
    """RFC 9162 section 2.1.3.2 (the same proof as RFC 6962's)."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistency(first, second, path, first_root, second_root):
    """RFC 9162 section 2.1.4.2, for 0 < first < second."""
    path = list(path)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


def checkpoint_text(signed, code="bad-signature", lines_too=True):
    """The text of a signed checkpoint and its signature lines: (origin, size, root, text, lines)."""
    need(len(signed) <= 64 << 10, "oversize", "a checkpoint of more than 64 KiB")
    try:
        whole = signed.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(code, "a checkpoint is no UTF-8")
    text, sep, rest = whole.partition("\n\n")
    lines = text.split("\n")
    need(sep and len(lines) == 3 and is_origin(lines[0]), code, "no checkpoint of a journal")
    size = integer(Number(lines[1]), 2**53 - 1, code, "size")
    root = hash_of(lines[2], code, "root")
    if not lines_too:
        return lines[0], size, root, (text + "\n").encode(), []
    need(rest.endswith("\n") or rest == "", code, "the last line does not end")
    sigs = []
    for line in rest.split("\n")[:-1]:
        m = re.fullmatch("\u2014 ([^ +]+) ((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)", line)
        need(m, code, "a line that is no signature")
        data = base64.b64decode(m[2])
        need(len(data) > 4, code, "a signature without a signature")
        sigs.append((m[1], data[:4], data[4:], line))
    return lines[0], size, root, (text + "\n").encode(), sigs


def key_hash(name, kind, key):
    return sha256(name.encode(), b"\n", bytes([kind]), key)[:4]


def open_checkpoint(signed, keys, code="bad-signature"):
    """Verifies a checkpoint under a key schedule; gives (origin, size, root) and the kept form."""
    origin, size, root, text, sigs = checkpoint_text(signed, code)
    need(origin == keys.origin, "wrong-origin", "a checkpoint of another journal")
    kept = text + b"\n"
    found = missing = 0
    lines = []
    for key in keys.at(size):
        for kind, public in ((1, key.ed), (6, key.pq)):
            mine = [s for s in sigs if s[0] == origin and s[1] == key_hash(origin, kind, public)]
            if not mine:
                missing += 1
                continue
            sig = mine[0][2]
            if kind == 1:
                good = _once(crypto.ed25519_verify, public, text, sig)
            else:
                name = bytes([len(origin)]) + origin.encode()
                message = b"subtree/v1\n\0" + name + sig[:8] + name + bytes(8) + size.to_bytes(8, "big") + root
                good = len(sig) == 8 + 2420 and _once(crypto.mldsa44_verify, public, message, sig[8:])
            need(good, "bad-signature", "a signature of the journal's key does not verify")
            found += 1
            lines.append(mine[0][3])
    need(found, "bad-signature", "no signature of the journal's key")
    need(not missing, "half-signature", "a required signature is missing")
    return (origin, size, root), kept + "".join(s + "\n" for s in lines).encode()


class Keyring:
    """Which keys have to sign at which size."""

    def __init__(self, origin, first):
        self.origin, self.keys = origin, [(0, first)]

    @classmethod
    def parse(cls, value):
        c = "bad-certificate"
        need(isinstance(value, dict) and is_origin(value.get("origin")), c, "a key schedule")
        keys = member(value, "keys", list, c)
        need(keys, c, "a key schedule without keys")
        out = cls(value["origin"], None)
        out.keys = [(integer(member(k, "from", Number, c), 2**53 - 1, c, "from"), Key(member(k, "key", dict, c), c)) for k in keys]
        froms = [f for f, _ in out.keys]
        need(froms[0] == 0 and all(a < b for a, b in zip(froms, froms[1:])), c, "a key schedule that is not ascending")
        need(len({k for _, k in out.keys}) == len(out.keys), c, "a key comes back")
        return out

    def at(self, size):
        last = max(i for i, (start, _) in enumerate(self.keys) if start <= size)
        if last > 0 and self.keys[last][0] == size:
            return [self.keys[last - 1][1], self.keys[last][1]]
        return [self.keys[last][1]]

    def rotate(self, index, key):
        self.keys.append((index + 1, key))


# --- a journal, entry by entry -----------------------------------------------------

class Journal:
    """What a mirror that begins empty checks (section 6), without storage."""

    def __init__(self, unit=None, party=None, origin=None):
        self.unit, self.party, self.origin, self.epoch = unit, party, origin, None
        self.tree, self.keys, self.chain, self.certificate = Tree(), None, [], None
        self.last_at, self.seen, self.rotated = None, {}, False
        self.entries, self.kept = [], 0

    def add(self, raw):
        """Takes the next entry, or raises Refused."""
        e = Entry(raw)
        first = self.tree.size == 0
        if not first:
            need(e.unit == self.unit, "wrong-unit", "an entry of another unit")
            need(e.author == self.party, "wrong-author", "an entry of another author")
            need(e.epoch == self.epoch, "wrong-origin", "an entry of another epoch")
        need(e.index == self.tree.size, "wrong-index", "not the index whose turn it is")
        need((e.kind == "genesis") == first, "bad-entry", "a genesis stands first and only there")
        e.check_body()
        origin = e.origin
        need(origin not in e.seen, "bad-seen", "seen names its own journal")
        if first:
            self._genesis(e)
        else:
            need(e.at >= self.last_at, "back-dated", "at lies before the predecessor's")
        for o, (size, root) in self.seen.items():
            now = e.seen.get(o)
            need(now and (now[0] > size or now[0] == size and now[1] == root), "bad-seen", "seen decreases")
        if e.kind == "receipt":
            o, (size, root) = e.receipt()
            now = e.seen.get(o)
            need(now and (now[0] > size or now[0] == size and now[1] == root), "bad-seen", "seen does not cover the receipt")
        if e.kind == "identity":
            i = Identity(e.body.get("signed"))
            i.continues(self.chain[-1])
            self.chain.append(i)
        elif e.kind == "rotate":
            self._rotate(e)
        elif e.kind == "compromise":
            check_compromise(e.body, self.party, self.chain[-1])
        self.last_at, self.seen = e.at, e.seen
        self.tree.add(e.leaf)
        self.entries.append(e)
        return e

    def _genesis(self, e):
        b = e.body
        self.chain = chain_of(b.get("identities"))
        need(party_id(self.chain[0].statement.text) == e.author, "bad-identity", "the identities are another party's")
        check_founding(b.get("founding"))
        need(unit_id(b["founding"]) == e.unit, "wrong-unit", "the founding document is another unit's")
        cert = Certificate(b.get("certificate"))
        need((cert.unit, cert.party, cert.epoch) == (e.unit, e.author, e.epoch), "bad-certificate", "the certificate is for another journal")
        need(cert.replaces is None, "bad-certificate", "a first key replaces none")
        cert.signed(self.chain[-1], e.at)
        need(self.unit in (None, e.unit), "wrong-unit", "a journal of another unit")
        need(self.party in (None, e.author), "wrong-author", "a journal of another party")
        need(self.origin in (None, e.origin), "wrong-origin", "another journal")
        self.unit, self.party, self.epoch, self.origin = e.unit, e.author, e.epoch, e.origin
        self.founding, self.certificate, self.keys = b["founding"], cert, Keyring(e.origin, cert.key)

    def _rotate(self, e):
        key, cert = Key(e.body.get("key"), "bad-certificate"), Certificate(e.body.get("certificate"))
        need(cert.origin == self.origin and cert.predecessor is None, "bad-certificate", "the certificate is for another journal")
        need(cert.key == key and cert.replaces == self.keys.keys[-1][1].id, "bad-certificate", "the certificate replaces another key")
        need(all(key != k for _, k in self.keys.keys), "bad-certificate", "a key comes back")
        cert.signed(self.chain[-1], e.at)
        self.keys.rotate(e.index, key)
        self.rotated = True

    def checkpoint(self, signed):
        """Takes the checkpoint over everything so far."""
        need(self.tree.size > self.kept, "damaged", "a checkpoint that covers nothing new")
        origin, size, root, _, _ = checkpoint_text(signed)
        need(origin == self.origin, "wrong-origin", "a checkpoint of another journal")
        need(size == self.tree.size, "damaged", "a checkpoint of another size than the entries before it")
        _, kept = open_checkpoint(signed, self.keys)
        need(root == self.tree.root(), "bad-root", "the root is another than that of the entries")
        need(kept == signed, "damaged", "bytes beyond what journals keep")
        self.kept, self.rotated = size, False


# --- evidence (section 8) ------------------------------------------------------------

def _any(schedules, signed):
    last = None
    for k in schedules:
        try:
            return open_checkpoint(signed, k)[0]
        except Refused as e:
            last = e
    raise last


def verify_contradiction(value, schedules):
    """Raises Refused unless value proves that the holder of the keys contradicted itself."""
    c = "bad-root"
    need(isinstance(value, dict) and is_origin(value.get("origin")), c, "no contradiction")
    schedules = [k for k in schedules if k.origin == value["origin"]]
    need(schedules, "wrong-origin", "the keys of another journal")
    a = _any(schedules, member(value, "a", str, c).encode())
    b = _any(schedules, member(value, "b", str, c).encode())
    if a[1] == b[1]:
        need(a[2] != b[2], c, "the two heads are one")
        return
    need(a[1] < b[1], c, "a is the larger")
    root = hash_of(value.get("root"), c, "root")
    need(root != a[2], c, "the root is that of a")
    proof = [hash_of(h, c, "proof") for h in value.get("proof") or []]
    if a[1] == 0:
        raise Refused(c, "an empty journal contradicts nothing")
    need(consistency(a[1], b[1], proof, root, b[2]), c, "the proof does not hold")


def verify_equivocation(value, chain):
    """Raises Refused unless value has two statements of which the party of this identity chain may sign one. Gives a certificate's unit."""
    c = "bad-identity"
    need(isinstance(value, dict) and chain and value.get("party") == party_id(chain[0].statement.text), c, "the identity of another party")
    a, b = member(value, "a", dict, c), member(value, "b", dict, c)
    need(a.get("text") != b.get("text"), c, "the two statements are one")
    body = parse_json(member(a, "text", str, c), c, 8, "a statement")
    kind = body.get("statement") if isinstance(body, dict) else None
    if kind == "identity":
        a, b = Identity(a), Identity(b)
        need(a.version == b.version > 1, c, "not of one version")
        first = statement_hash(chain[0].statement.text)
        need(a.version > 2 or a.previous == b.previous == first, c, "an identity of another party")
        need(any(i.version < a.version and all(s.statement.lacks(key) is None for s in (a, b) for key in (i.org, s.org)) for i in chain),
             "bad-signature", "no organisation key that the party had before signed both")
        return None
    need(kind == "certificate", c, "statements that do not exclude each other")
    a, b = Certificate(a), Certificate(b)
    for cert in (a, b):
        need(cert.party == value["party"], "bad-certificate", "a certificate of another party")
        need(any(certificate_lacks(cert, i) is None for i in chain), "bad-signature", "the party did not sign it")
    need(a.origin == b.origin and a.replaces == b.replaces, "bad-certificate", "for different places")
    need(a.key != b.key, "bad-certificate", "the two keys are one")
    return a.unit


class Opening:
    """What the beginning of a journal shows by itself: whose it is, and which key signs it."""

    def __init__(self, entry, origin):
        b = entry.body
        need(entry.kind == "genesis" and isinstance(b, dict), "bad-entry", "the beginning is no genesis")
        need(type(b.get("founding", "")) is str and len(b.get("founding", "").encode()) <= 4096, "bad-entry", "the founding document")
        self.entry, self.chain = entry, chain_of(b.get("identities"))
        self.party = party_id(self.chain[0].statement.text)
        self.certificate = Certificate(b.get("certificate"))
        code = certificate_lacks(self.certificate, self.chain[-1])
        need(code is None, code, "the party did not certify the key")
        need(self.certificate.party == self.party and self.certificate.origin == origin, "bad-certificate", "the certificate is for another journal")
        self.keys = Keyring(origin, self.certificate.key)

    def broken(self):
        """The code of the rule that this genesis breaks although its key is its party's; or None."""
        e, cert = self.entry, self.certificate
        try:
            need(e.unit == cert.unit, "wrong-unit", "")
            need(e.author == self.party, "wrong-author", "")
            need(e.epoch == cert.epoch, "wrong-origin", "")
            need(e.index == 0, "gap", "")
            check_founding(e.body.get("founding"))
            need(unit_id(e.body["founding"]) == e.unit, "wrong-unit", "")
            need(e.at <= self.chain[-1].expires or cert.statement.lacks(self.chain[-1].org) is None, "bad-identity", "")
            need(cert.replaces is None, "bad-certificate", "")
            need(e.origin not in e.seen, "bad-seen", "")
        except Refused as r:
            return r.code
        return None


def certificate_lacks(cert, identity):
    """bad-signature or half-signature if neither key that may signed the certificate; else None."""
    org = cert.statement.lacks(identity.org)
    if org is None or cert.predecessor is not None:
        return org
    node_ = cert.statement.lacks(identity.node)
    return None if node_ is None else org if org == "half-signature" else node_


def opening_of(value, leaf):
    """What of a violation shows whose journal it is: None where it brings no beginning."""
    if value.get("first") is not None and leaf(value["entry"])[0] != 0:
        index, raw, _ = leaf(value["first"])
        need(index == 0, "bad-root", "the beginning is not entry 0")
        o = Opening(Entry(raw), value["origin"])
        Journal().add(raw)
        return o
    index, raw, _ = leaf(value.get("entry"))
    if index != 0:
        return None
    try:
        e = Entry(raw)
    except Refused:
        return None
    return Opening(e, value["origin"])


class Ground:
    """Identities and keys as the first entries of a journal tell them."""

    def __init__(self, journal, size):
        self.origin, self.unit, self.party, self.epoch = journal.origin, journal.unit, journal.party, journal.epoch
        later = sum(e.kind == "identity" for e in journal.entries[size:])
        self.chain = journal.chain[:len(journal.chain) - later]
        self.keys = Keyring(journal.origin, None)
        self.keys.keys = [k for k in journal.keys.keys if k[0] <= size]
        self.tree = Tree()
        for e in journal.entries[:size]:
            self.tree.add(e.leaf)

    def broken(self, e):
        """The code of the rule that an identity, rotation or notice breaks here; or None, and then it counts."""
        try:
            getattr(self, "_" + e.kind)(e)
        except Refused as r:
            if r.code in ("bad-signature", "half-signature") or r.code == "bad-identity" and e.kind != "compromise":
                return r.code
            return {"identity": "bad-identity", "rotate": "bad-certificate", "compromise": "bad-entry"}[e.kind]
        return None

    def _signed(self, statement, key):
        code = statement.lacks(key)
        need(code is None, code, "a key that has to did not sign")

    def _identity(self, e):
        c, before = "bad-identity", self.chain[-1]
        i = Identity(e.body.get("signed"))
        need(len(self.chain) < 1000, c, "too many versions")
        need(i.version > before.version and i.created >= before.created, c, "it does not continue the last one")
        if i.version == before.version + 1:
            need(i.previous == statement_hash(before.statement.text), c, "previous is another version")
        elif i.org != before.org:
            self._signed(i.statement, i.org)
            raise Refused(c, "a version that changed the organisation key is left out")
        self._signed(i.statement, before.org)
        if i.org != before.org:
            self._signed(i.statement, i.org)
        self.chain = self.chain + [i]

    def _rotate(self, e):
        c = "bad-certificate"
        cert, now = Certificate(e.body.get("certificate")), self.chain[-1]
        code = certificate_lacks(cert, now)
        need(code is None, code, "neither the node nor the organisation key certified it")
        need(cert.origin == self.origin, c, "the certificate is for another journal")
        need(e.at <= now.expires or cert.statement.lacks(now.org) is None, "bad-identity", "the identity had expired")
        key = Key(e.body.get("key"), c)
        need(cert.key == key and cert.replaces == self.keys.keys[-1][1].id, c, "the certificate replaces another key")
        need(all(key != k for _, k in self.keys.keys), c, "a key comes back")
        self.keys.rotate(e.index, key)

    def _compromise(self, e):
        c, b = "bad-entry", e.body
        s = Statement(b.get("statement"), "compromise", c)
        n = s.body
        need(n.get("party") == self.party and is_origin(n.get("origin")), c, "the notice is about another party")
        instant(n.get("created"), c, "created")
        good = head_of(n.get("good"), c)
        self._signed(s, self.chain[-1].org)
        need(n.get("key") == b.get("key") and n["origin"] == b.get("origin") and good == head_of(b.get("good"), c), c, "the body says something else")


def verify_violation(value, schedules, journal=None):
    """Raises Refused unless value proves that the holder of the keys broke a rule of section 4.
    journal is what is known of the journal, where the proof builds on it."""
    c = "bad-root"
    need(isinstance(value, dict) and is_origin(value.get("origin")), c, "no violation")
    given, schedules = schedules, [k for k in schedules if k.origin == value["origin"]]

    def leaf(v):
        need(isinstance(v, dict), c, "a leaf is missing")
        v = {"index": Number("0"), "raw": "", **{k: x for k, x in v.items() if x is not None}}  # what is absent is empty
        index = integer(v["index"], 2**53 - 1, c, "index")
        text = member(v, "raw", str, c)
        need(re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text), c, "raw is not base64")
        return index, base64.b64decode(text), [hash_of(h, c, "proof") for h in v.get("proof") or []]

    def included(index, raw, path):
        need(inclusion(sha256(b"\0", raw), index, size, path, root), c, "a leaf is not in the tree")

    opening = opening_of(value, leaf)
    if opening is not None and not given:
        schedules = [opening.keys]
    need(schedules, "wrong-origin", "the keys of another journal")
    need(opening is None or all(k.keys[0][1] == opening.keys.keys[0][1] for k in schedules), c, "it begins with another key than the journal")
    if opening is not None:
        schedules = schedules + [opening.keys]
    _, size, root = _any(schedules, member(value, "checkpoint", str, c).encode())
    index, raw, path = leaf(value.get("entry"))
    included(index, raw, path)
    if value.get("first") is not None:
        included(*leaf(value["first"]))
    before = leaf(value["before"]) if "before" in value else None
    told = leaf(value["told"]) if value.get("told") is not None else None
    try:
        Entry(raw)
    except Refused as r:  # what is no entry at all breaks the rule by itself
        need(r.code == value.get("code"), c, f"the rule broken is {r.code}")
        return
    if index == 0:
        found = opening.broken()
        need(found is not None and found == value.get("code"), c, f"the rule broken is {found}")
        return
    need(before is not None, c, "the predecessor is missing")
    at, old, path = before
    included(at, old, path)
    need(at == index - 1, c, "the leaves are no neighbours")
    before = Entry(old)
    need(before.origin == value["origin"] and before.index == at, c, "the predecessor is no entry of this journal")
    found = broken_rule(raw, index, before)
    if found is None and value.get("since") is not None:
        found = broken_since(value, Entry(raw), journal, opening, leaf, size, root)
    elif found is None and Entry(raw).kind == "identity":
        if told is not None:
            at, old, path = told
            need(at < index, c, "told does not come before the entry")
            included(at, old, path)
            told = Entry(old)
            need(told.origin == value["origin"] and told.index == at, c, "told is no entry of this journal")
        found = broken_identity(Entry(raw), told)
    need(found is not None and found == value.get("code"), c, f"the rule broken is {found}")


def broken_since(value, e, journal, opening, leaf, size, root):
    """The code of the rule that an identity, rotation or notice breaks after all that stands before it; or None."""
    c, since = "bad-root", {"size": Number("0"), **{k: x for k, x in value["since"].items() if x is not None}}
    need(e.kind in ("identity", "rotate", "compromise"), c, "the entry breaks no rule")
    start = integer(since["size"], 2**53 - 1, c, "size")
    entries = []
    for text in since.get("entries", []):
        need(type(text) is str and re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text), c, "an entry is not base64")
        entries.append(base64.b64decode(text))
    at = integer(member(value["entry"], "index", Number, c), 2**53 - 1, c, "index")
    need(1 <= start <= at and len(entries) == at - start and sum(map(len, entries)) <= 2 << 20, c, "what stands before is not complete")
    if value.get("first") is not None:
        need(start == 1, c, "what stands before has to begin with entry 1")
        begun = Journal()
        begun.add(leaf(value["first"])[1])
        ground = Ground(begun, 1)
    else:
        need(journal is not None and journal.origin == value["origin"] and start <= journal.tree.size, c, "the beginning of the journal is not here")
        ground = Ground(journal, start)
    for raw in entries:
        x = Entry(raw)
        need(x.origin == value["origin"] and x.index == ground.tree.size, c, "what stands before is not of this journal")
        if x.kind in ("identity", "rotate"):
            need(ground.broken(x) is None, c, "an entry before breaks a rule already")
        ground.tree.add(x.leaf)
    path = [hash_of(h, c, "proof") for h in since.get("proof") or []]
    mine = ground.tree.root()
    need(consistency(at, size, path, mine, root), c, "what stands before is not what was signed")
    open_checkpoint(value["checkpoint"].encode(), ground.keys)
    return ground.broken(e)


def broken_rule(raw, index, before):
    """The code of the rule of section 4 that an entry breaks, seen from its predecessor; or None."""
    try:
        e = Entry(raw)
        need(e.unit == before.unit, "wrong-unit", "")
        need(e.author == before.author, "wrong-author", "")
        need(e.epoch == before.epoch, "wrong-origin", "")
        need(e.index == index, "wrong-index", "")
        need(e.kind != "genesis", "bad-entry", "")
        e.check_body()
        need(e.at >= before.at, "back-dated", "")
        need(e.origin not in e.seen, "bad-seen", "")
        for claims in (before.seen, dict([e.receipt()]) if e.kind == "receipt" else {}):
            for o, (size, root) in claims.items():
                now = e.seen.get(o)
                need(now and (now[0] > size or now[0] == size and now[1] == root), "bad-seen", "")
    except Refused as r:
        return r.code
    return None


def broken_identity(e, told):
    """The code of the rule that an identity entry breaks by itself or seen from an entry that told an identity before; or None."""
    c = "bad-identity"
    own = Identity(e.body.get("signed"))
    must = [own.org]
    if told is not None:
        need(told.kind == ("genesis" if told.index == 0 else "identity") and isinstance(told.body, dict), c, "told tells no identity")
        if told.index == 0:
            listed = member(told.body, "identities", list, c)
            need(1 <= len(listed) <= 1000, c, "a genesis without identities")
            before = Identity(listed[-1])
        else:
            before = Identity(told.body.get("signed"))
        if own.version <= before.version or own.created < before.created:
            return c
        if own.version == before.version + 1:
            if own.previous != statement_hash(before.statement.text):
                return c
            must = [before.org, own.org]
    for key in must:
        code = own.statement.lacks(key)
        if code:
            return code
    return None


def verify_proof(raw, proof, keys):
    """Section 7: an entry, a C2SP tlog-proof and the key schedule."""
    c = "bad-root"
    try:
        head, sep, checkpoint = proof.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise Refused(c, "a proof is no UTF-8")
    lines = head.split("\n")
    need(sep and len(lines) >= 2 and lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("index "), c, "no proof")
    index = integer(Number(lines[1][6:]), 2**53 - 1, c, "index")
    path = [hash_of(h, c, "path") for h in lines[2:]]
    need(len(path) <= 63, c, "a path of more than 63 hashes")
    (origin, size, root), kept = open_checkpoint(checkpoint.encode(), keys)
    need(kept == checkpoint.encode(), c, "bytes beyond what journals keep")
    e = Entry(raw)
    need(e.origin == origin and e.index == index, "wrong-index", "the proof is another entry's")
    need(inclusion(e.leaf, index, size, path, root), c, "the path does not lead to the root")
    return index


# --- records (section 11) ----------------------------------------------------------

def read_record(data, at):
    """(kind, content, next), content None where the hash differs; None for a short one."""
    if at + 37 > len(data):
        return None
    kind, length = data[at], int.from_bytes(data[at + 1:at + 5], "big")
    if kind == 0 or length > 32 << 20:
        return kind, None, None, b""
    content = data[at + 37:at + 37 + length]
    if len(content) < length:
        return None
    good = sha256(content) == data[at + 5:at + 37]
    return kind, content if good else None, at + 37 + length, content


def verify_records(data, unit=None, party=None, origin=None):
    """Verifies a stream of records as a journal. Gives the journal; Refused.index names the entry."""
    j, at, open_entries = Journal(unit, party, origin), 0, 0
    while at < len(data):
        r = read_record(data, at)
        if r is None or r[1] is None:
            raise Refused("damaged", "a record is short or damaged", j.tree.size)
        kind, content, at, _ = r
        try:
            if kind == 1:
                need(not j.rotated, "half-signature", "a checkpoint has to follow each rotation")
                j.add(content)
            elif kind == 2:
                j.checkpoint(content)
            else:
                raise Refused("damaged", "a record of no kind that journals have")
        except Refused as e:
            e.index = j.tree.size - 1 if kind == 2 or j.rotated else j.tree.size
            e.index = max(e.index, 0)
            raise
    if j.tree.size == 0 or j.kept != j.tree.size:
        raise Refused("damaged", "no checkpoint at the end", j.kept)
    return j
