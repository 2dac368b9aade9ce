package observable

import "strings"

func newHash(t Type, text string) (Value, error) {
	if t == SSDeep {
		if !ssdeepShape(text) {
			return Value{}, invalid(t, text, "blocksize:hash:hash is wanted")
		}
		return Value{SSDeep, text}, nil
	}
	want := hashDigits(t)
	if len(text) != want || !allHex(text) {
		return Value{}, invalid(t, text, "the wrong number of hexadecimal digits")
	}
	return Value{t, strings.ToLower(text)}, nil
}

// newFingerprint makes what tells a TLS client or a certificate from others.
func newFingerprint(t Type, text string) (Value, error) {
	switch t {
	case JA3:
		if len(text) != 32 || !allHex(text) {
			return Value{}, invalid(t, text, "32 hexadecimal digits are wanted")
		}
	case JA4:
		if len(text) > 200 || strings.IndexByte(text, '_') < 1 {
			return Value{}, invalid(t, text, "parts joined by _ are wanted")
		}
		for i := 0; i < len(text); i++ {
			if c := text[i]; !letter(c) && !digit(c) && c != '_' && c != ',' && c != '-' {
				return Value{}, invalid(t, text, "a character that no JA4 has")
			}
		}
	case Serial:
		// RFC 5280 §4.1.2.2: at most 20 bytes; some authorities write more.
		if text = strings.ReplaceAll(text, ":", ""); text == "" || len(text) > 128 || !allHex(text) {
			return Value{}, invalid(t, text, "hexadecimal digits are wanted")
		}
		if text = strings.TrimLeft(text, "0"); text == "" {
			text = "0"
		}
	}
	return Value{t, strings.ToLower(text)}, nil
}

func hashDigits(t Type) int {
	switch t {
	case MD5:
		return 32
	case SHA1:
		return 40
	case SHA256:
		return 64
	case SHA512:
		return 128
	}
	return 0
}

// hashOfLength tells a hash by its number of digits.
func hashOfLength(n int) (Type, bool) {
	for _, t := range [...]Type{MD5, SHA1, SHA256, SHA512} {
		if hashDigits(t) == n {
			return t, true
		}
	}
	return "", false
}

// HashType gives the type for the name of a hash algorithm as STIX writes it
// ("SHA-256") or as others do ("sha256", "SHA_256").
func HashType(algorithm string) (Type, bool) {
	if len(algorithm) > 16 {
		return "", false
	}
	var buf [16]byte
	n := 0
	for i := 0; i < len(algorithm); i++ {
		c := algorithm[i]
		if c == '-' || c == '_' {
			continue
		}
		if c-'A' <= 25 {
			c |= 0x20
		}
		buf[n] = c
		n++
	}
	switch string(buf[:n]) {
	case "md5":
		return MD5, true
	case "sha1":
		return SHA1, true
	case "sha256":
		return SHA256, true
	case "sha512":
		return SHA512, true
	case "ssdeep":
		return SSDeep, true
	}
	return "", false
}

func hexDigit(c byte) bool { return digit(c) || c-'a' <= 5 || c-'A' <= 5 }

func allHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

// ssdeepShape checks "blocksize:hash:hash".
func ssdeepShape(s string) bool {
	size, rest, ok := strings.Cut(s, ":")
	one, two, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || size == "" || len(size) > 12 || len(s) > 200 || one == "" {
		return false
	}
	for i := 0; i < len(size); i++ {
		if !digit(size[i]) {
			return false
		}
	}
	for _, part := range [...]string{one, two} {
		for i := 0; i < len(part); i++ {
			if c := part[i]; !letter(c) && !digit(c) && c != '+' && c != '/' {
				return false
			}
		}
	}
	return true
}
