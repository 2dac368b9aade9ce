"""Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204), verification only.

Written for being read: the steps are those of the standards, in their order and
with their names. Nothing here is constant-time, and nothing here needs to be:
only public values are handled.
"""

import hashlib

# --- Ed25519 ---------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
SMALL_Y = {  # y of the points of small order, sign bit cleared
    0, 1, P - 1,
    int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
}


def _add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    A = (y1 - x1) * (y2 - x2) % P
    B = (y1 + x1) * (y2 + x2) % P
    C = 2 * t1 * t2 * D % P
    Z = 2 * z1 * z2 % P
    E, F, G, H = B - A, Z - C, Z + C, B + A
    return E * F % P, G * H % P, F * G % P, E * H % P


def _mul(n, point):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = _add(out, point)
        point = _add(point, point)
        n >>= 1
    return out


def _decompress(b):
    y = int.from_bytes(b, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    y %= P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == (-u) % P:
        x = x * SQRT_M1 % P
    elif v * x * x % P != u:
        return None
    if x & 1 != sign:
        x = -x % P
    return x, y, 1, x * y % P


def _compress(point):
    x, y, z, _ = point
    inv = pow(z, P - 2, P)
    x, y = x * inv % P, y * inv % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_weak(key):
    """Reports why a key is refused (journal.md section 2), or None."""
    if len(key) != 32:
        return "length"
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    if y >= P:
        return "not canonical"
    if y in SMALL_Y:
        return "of small order"
    if _decompress(key) is None:
        return "no point of the curve"
    return None


def ed25519_verify(key, message, sig):
    if len(key) != 32 or len(sig) != 64:
        return False
    s = int.from_bytes(sig[32:], "little")
    if s >= L:
        return False
    a = _decompress(key)
    if a is None:
        return False
    k = int.from_bytes(hashlib.sha512(sig[:32] + key + message).digest(), "little") % L
    x, y, z, t = a
    r = _add(_mul(s, _BASE), _mul(k, (-x % P, y, z, -t % P)))
    return _compress(r) == sig[:32]


# --- ML-DSA-44 -------------------------------------------------------------

Q, DROP, TAU, GAMMA1, GAMMA2, K, LL, BETA, OMEGA = 8380417, 13, 39, 1 << 17, 95232, 4, 4, 78, 80
_ZETAS = [pow(1753, int(f"{i:08b}"[::-1], 2), Q) for i in range(256)]
_INV256 = pow(256, Q - 2, Q)


def _ntt(w):
    w, m, n = list(w), 0, 128
    while n:
        for start in range(0, 256, 2 * n):
            m += 1
            z = _ZETAS[m]
            for j in range(start, start + n):
                t = z * w[j + n] % Q
                w[j + n] = (w[j] - t) % Q
                w[j] = (w[j] + t) % Q
        n >>= 1
    return w


def _intt(w):
    w, m, n = list(w), 256, 1
    while n < 256:
        for start in range(0, 256, 2 * n):
            m -= 1
            z = -_ZETAS[m]
            for j in range(start, start + n):
                t = w[j]
                w[j] = (t + w[j + n]) % Q
                w[j + n] = z * (t - w[j + n]) % Q
        n <<= 1
    return [x * _INV256 % Q for x in w]


def _expand_a(rho):  # algorithms 30 and 32
    out = []
    for r in range(K):
        row = []
        for s in range(LL):
            stream, poly, at = hashlib.shake_128(rho + bytes([s, r])).digest(1344), [], 0
            while len(poly) < 256:
                if at + 3 > len(stream):
                    stream = hashlib.shake_128(rho + bytes([s, r])).digest(2 * len(stream))
                z = stream[at] | stream[at + 1] << 8 | (stream[at + 2] & 0x7F) << 16
                at += 3
                if z < Q:
                    poly.append(z)
            row.append(poly)
        out.append(row)
    return out


def _unpack(b, bits, count=256):  # SimpleBitUnpack, algorithm 18
    n = int.from_bytes(b, "little")
    return [n >> bits * i & (1 << bits) - 1 for i in range(count)]


def _sample_in_ball(seed):  # algorithm 29
    size = 272
    stream = hashlib.shake_256(seed).digest(size)
    signs, at, c = int.from_bytes(stream[:8], "little"), 8, [0] * 256
    for i in range(256 - TAU, 256):
        while True:
            if at == len(stream):
                size *= 2
                stream = hashlib.shake_256(seed).digest(size)
            j = stream[at]
            at += 1
            if j <= i:
                break
        c[i] = c[j]
        c[j] = Q - 1 if signs & 1 else 1
        signs >>= 1
    return c


def _unpack_hint(b):  # HintBitUnpack, algorithm 21; None if malformed
    h, index = [[0] * 256 for _ in range(K)], 0
    for i in range(K):
        end = b[OMEGA + i]
        if end < index or end > OMEGA:
            return None
        first = index
        while index < end:
            if index > first and b[index - 1] >= b[index]:
                return None
            h[i][b[index]] = 1
            index += 1
    if any(b[index:OMEGA]):
        return None
    return h


def _use_hint(h, r):  # algorithms 36 and 40; gamma2 = (q - 1) / 88
    low = r % (2 * GAMMA2)
    if low > GAMMA2:
        low -= 2 * GAMMA2
    if r - low == Q - 1:
        high, low = 0, low - 1
    else:
        high = (r - low) // (2 * GAMMA2)
    if not h:
        return high
    return (high + 1) % 44 if low > 0 else (high - 1) % 44


_keys = {}


def _public(key):
    if key not in _keys:
        rho, t1 = key[:32], [_unpack(key[32 + 320 * i:352 + 320 * i], 10) for i in range(K)]
        _keys[key] = (_expand_a(rho), [_ntt([x << DROP for x in p]) for p in t1], hashlib.shake_256(key).digest(64))
    return _keys[key]


def mldsa44_weak(key):
    """Reports why a key is refused (journal.md section 2), or None."""
    if len(key) != 1312:
        return "length"
    extreme = sum(x in (0, 1023) for i in range(K) for x in _unpack(key[32 + 320 * i:352 + 320 * i], 10))
    return "t is close to zero" if extreme > 512 else None


def mldsa44_verify(key, message, sig, context=b""):
    """ML-DSA.Verify (algorithm 3) and ML-DSA.Verify_internal (algorithm 8)."""
    if len(key) != 1312 or len(sig) != 2420 or len(context) > 255:
        return False
    c_tilde, hint = sig[:32], _unpack_hint(sig[2336:])
    if hint is None:
        return False
    z = [[GAMMA1 - x for x in _unpack(sig[32 + 576 * i:608 + 576 * i], 18)] for i in range(LL)]
    if any(abs(x) >= GAMMA1 - BETA for p in z for x in p):
        return False
    a, t1, tr = _public(key)
    mu = hashlib.shake_256(tr + bytes([0, len(context)]) + context + message).digest(64)
    c, zn = _ntt(_sample_in_ball(c_tilde)), [_ntt(p) for p in z]
    w1 = bytearray()
    for i in range(K):
        acc = [-x * y for x, y in zip(c, t1[i])]
        for j in range(LL):
            acc = [s + x * y for s, x, y in zip(acc, a[i][j], zn[j])]
        w = _intt([x % Q for x in acc])
        packed = 0
        for n, (bit, r) in enumerate(zip(hint[i], w)):
            packed |= _use_hint(bit, r) << 6 * n
        w1 += packed.to_bytes(192, "little")
    return hashlib.shake_256(mu + bytes(w1)).digest(32) == c_tilde
