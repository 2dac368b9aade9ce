package watch

import (
	"bytes"
	"strings"

	"entente/internal/observable"
)

// mail matches each e-mail address in a text such as "A B" <a@example.org>, b@example.org, and its domain.
func (m *matching) mail(text string) {
	for i := 0; !m.hit; {
		at := strings.IndexByte(text[i:], '@')
		if at < 0 {
			return
		}
		at += i
		start, end := at, at+1
		for start > i && mailByte(text[start-1]) {
			start--
		}
		for end < len(text) && mailByte(text[end]) && text[end] != '@' {
			end++
		}
		local, domain := text[start:at], text[at+1:end]
		if local == "" && strings.HasSuffix(text[i:at], `"`) { // a local part in quotes is the same without them
			local = text[i : at-1]
			if open := strings.LastIndexByte(local, '"'); open >= 0 {
				local = local[open+1:]
			} else {
				local = ""
			}
		}
		if strings.HasPrefix(local, "'") && strings.HasSuffix(domain, "'") {
			local, domain = local[1:], domain[:len(domain)-1]
		}
		m.mailbox(local, domain)
		i = at + 1
	}
}

func (m *matching) mailbox(local, domain string) {
	if domain == "" {
		return
	}
	m.domain(domain)
	if m.hit || local == "" || len(local) > 256 {
		return
	}
	var buf [768]byte
	b := append(buf[:0], strings.ToLower(strings.ToValidUTF8(local, "\ufffd"))...)
	b, ok := appendName(append(b, '@'), domain)
	if !ok {
		return
	}
	m.report(m.set.hash.whole(b), func(e entry) bool { return e.kind == kindEmail && bytes.Equal(e.text, b) },
		func() observable.Value { return observable.Value{Type: observable.Email, Text: string(b)} })
}

// mailByte tells what can stand in an address without quotes.
func mailByte(c byte) bool {
	return c > ' ' && c != 0x7f && strings.IndexByte("<>()[],;:\\\"", c) < 0
}
