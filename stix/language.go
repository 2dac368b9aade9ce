package stix

// ValidLanguageTag reports whether s is a well-formed language tag (RFC 5646 §2.1),
// as in "de", "zh-Hans-CN" or "x-secret". Whether its parts are registered is not
// looked up: the registry changes, the specification of STIX does not.
func ValidLanguageTag(s string) bool { return languageTag(s) }

// maxLanguageTag bounds a tag; RFC 5646 §4.4.1 asks for room for 35 characters.
const maxLanguageTag = 100

func languageTag[S ~string | ~[]byte](s S) bool {
	if len(s) < 2 || len(s) > maxLanguageTag {
		return false
	}
	if grandfathered(s) {
		return true
	}
	i := 0
	// next gives the length of the next subtag, and what it consists of.
	next := func() (n int, letters, digitFirst bool) {
		letters = true
		for i+n < len(s) && s[i+n] != '-' {
			c := s[i+n]
			if isDigit(c) {
				letters = false
				digitFirst = digitFirst || n == 0
			} else if c|0x20 < 'a' || c|0x20 > 'z' {
				return -1, false, false
			}
			n++
		}
		if n == 0 || n > 8 || i+n == len(s)-1 { // too short, too long, or a hyphen at the end
			return -1, false, false
		}
		return n, letters, digitFirst
	}
	step := func(n int) { i += n + 1 }
	private := func() bool {
		for i < len(s) {
			n, _, _ := next()
			if n < 0 {
				return false
			}
			step(n)
		}
		return true
	}
	n, letters, _ := next()
	if n == 1 && s[0]|0x20 == 'x' {
		step(n)
		return i < len(s) && private()
	}
	if n < 2 || !letters {
		return false
	}
	step(n)
	// Extended languages come after a short one, then script, region, variants,
	// extensions and private use, each at most where it may stand.
	stage, extended := 0, 3
	if n > 3 {
		extended = 0
	}
	for i < len(s) {
		n, letters, digitFirst := next()
		switch {
		case n < 0:
			return false
		case n == 1:
			x := s[i]|0x20 == 'x'
			step(n)
			if x {
				return i < len(s) && private()
			}
			m, _, _ := next()
			if i >= len(s) || m < 2 {
				return false
			}
			step(m)
			stage = 4
		case stage == 4: // the rest of an extension
			step(n)
		case n == 3 && letters && stage == 0 && extended > 0:
			extended--
			step(n)
		case n == 4 && letters && stage == 0:
			stage = 1
			step(n)
		case (n == 2 && letters || n == 3 && digitFirst && allDigits(s[i:i+3])) && stage <= 1:
			stage = 2
			step(n)
		case (n >= 5 || n == 4 && digitFirst) && stage <= 3:
			stage = 3
			step(n)
		default:
			return false
		}
	}
	return true
}

func allDigits[S ~string | ~[]byte](s S) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// grandfathered knows the tags that RFC 5646 keeps although they do not fit its
// grammar.
func grandfathered[S ~string | ~[]byte](s S) bool {
	if len(s) < 5 || s[1] != '-' && s[2] != '-' && s[3] != '-' {
		return false
	}
	var b [16]byte
	if len(s) > len(b) {
		return false
	}
	for i := 0; i < len(s); i++ {
		b[i] = s[i]
		if b[i]-'A' < 26 {
			b[i] |= 0x20
		}
	}
	switch string(b[:len(s)]) {
	case "en-gb-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux", "i-mingo", "i-navajo", "i-pwn",
		"i-tao", "i-tay", "i-tsu", "sgn-be-fr", "sgn-be-nl", "sgn-ch-de":
		return true
	}
	return false
}
