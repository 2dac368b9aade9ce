package taxii

import (
	"strings"
)

// MediaType is the media type of every TAXII 2.1 message, with the version that the standard has servers state.
const MediaType = "application/taxii+json;version=2.1"

const (
	maxAcceptBytes = 4 << 10 // of all Accept lines together
	maxAcceptItems = 64
)

// acceptsTAXII tells whether a response in [MediaType] is acceptable to the client (RFC 9110, section 12.5.1): of the
// media ranges that cover it, the most specific decides, and it covers it with a q above zero. A request without an
// Accept header takes anything. Items that cannot be read are skipped.
func acceptsTAXII(lines []string) bool {
	if len(lines) == 0 {
		return true
	}
	best, accepted := -1, false
	for item := range listItems(lines) {
		mediaRange, params := cutParam(item)
		rank := -1
		switch strings.ToLower(mediaRange) {
		case "*/*":
			rank = 0
		case "application/*":
			rank = 1
		case "application/taxii+json":
			rank = 2
		default:
			continue
		}
		positive := true
		for params != "" && rank >= 0 {
			var param string
			param, params = cutParam(params)
			name, value, _ := strings.Cut(param, "=")
			value = unquote(strings.TrimSpace(value))
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "":
			case "q":
				var ok bool
				if positive, ok = qPositive(value); !ok {
					rank = -1
				}
				params = "" // what follows q extends the header, not the range
			case "version":
				if rank == 2 && value == "2.1" {
					rank = 3
				} else {
					rank = -1
				}
			case "charset":
				if !strings.EqualFold(value, "utf-8") {
					rank = -1
				}
			default:
				rank = -1 // a representation with a parameter that ours does not have
			}
		}
		switch {
		case rank > best:
			best, accepted = rank, positive
		case rank == best && rank >= 0:
			accepted = accepted || positive
		}
	}
	return accepted
}

// acceptsGzip tells whether the client takes a gzip body (RFC 9110, section 12.5.3).
func acceptsGzip(lines []string) bool {
	best, accepted := -1, false
	for item := range listItems(lines) {
		coding, params := cutParam(item)
		rank := -1
		switch strings.ToLower(coding) {
		case "*":
			rank = 0
		case "gzip", "x-gzip":
			rank = 1
		default:
			continue
		}
		positive := true
		if name, value, ok := strings.Cut(params, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			positive, _ = qPositive(strings.TrimSpace(value))
		}
		if rank > best {
			best, accepted = rank, positive
		}
	}
	return accepted
}

// listItems yields the trimmed, non-empty items of a header list; commas inside quotes do not separate. It stops at
// its bounds, so that an endless header costs little; what lies beyond is as if it were not there.
func listItems(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		bytes, items := 0, 0
		for _, line := range lines {
			if bytes += len(line); bytes > maxAcceptBytes {
				return
			}
			for line != "" {
				var item string
				item, line = cutUnquoted(line, ',')
				if item = strings.Trim(item, " \t"); item == "" {
					continue
				}
				if items++; items > maxAcceptItems || !yield(item) {
					return
				}
			}
		}
	}
}

func cutParam(s string) (before, after string) {
	before, after = cutUnquoted(s, ';')
	return strings.Trim(before, " \t"), strings.Trim(after, " \t")
}

// cutUnquoted cuts s at the first sep outside a quoted string (RFC 9110, section 5.6.4).
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted && s[i] == '\\':
			i++
		case !quoted && s[i] == sep:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' && !strings.Contains(s, `\`) {
		return s[1 : len(s)-1]
	}
	return s
}

// qPositive reads a quality value (RFC 9110, section 12.4.2) and tells whether it is above zero.
func qPositive(s string) (positive, ok bool) {
	whole, frac, dot := strings.Cut(s, ".")
	if whole != "0" && whole != "1" || len(frac) > 3 || strings.Trim(frac, "0123456789") != "" {
		return false, false
	}
	if !dot && frac != "" {
		return false, false
	}
	rest := strings.Trim(frac, "0")
	if whole == "1" {
		return true, rest == ""
	}
	return rest != "", true
}
