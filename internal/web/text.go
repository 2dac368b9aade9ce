package web

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/internal/node"
)

// functions are what the templates can say.
var functions = template.FuncMap{
	"moment":          moment,
	"stamp":           func(t time.Time) string { return t.Format(time.RFC3339) },
	"relative":        func(t, now time.Time) string { return relative(t.Sub(now)) },
	"brief":           brief,
	"comingKey":       node.ComingKey,
	"number":          number,
	"query":           query,
	"flag":            func(b bool) string { return map[bool]string{true: "1"}[b] },
	"indent":          indented,
	"lines":           func(s string) []string { return strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") },
	"state":           stateText,
	"tone":            tone,
	"list":            func(words []string) string { return strings.Join(words, ", ") },
	"int64":           func(n int) int64 { return int64(n) },
	"add":             func(a, b int64) int64 { return a + b },
	"upper":           strings.ToUpper,
	"dict":            dict,
	"newChannel":      newChannel,
	"thatChannel":     thatChannel,
	"rungRows":        rungRows,
	"firstOf":         firstOf,
	"hasWord":         hasWord,
	"newFeed":         newFeed,
	"thatFeed":        thatFeed,
	"next":            nextClock,
	"entryOf":         entryOf,
	"name":            objectName,
	"asset":           asset,
	"count":           upTo,
	"shorten":         shorten,
	"words":           func(words ...string) []string { return words },
	"tlps":            func() []string { return []string{"clear", "green", "amber", "amber+strict", "red"} },
	"formats":         func() []string { return []string{"stix", "misp", "list", "table", "page", "text"} },
	"attention":       attentionPage,
	"urgencies":       func() []string { return []string{accord.Emergency, accord.Urgent, accord.Routine} },
	"translations":    node.Translations,
	"roles":           node.Roles,
	"tags":            lang.Tags,
	"claimClasses":    node.ClaimClasses,
	"confidences":     node.Confidences,
	"precisions":      node.Precisions,
	"outcomes":        node.Outcomes,
	"pageOf":          pageOf,
	"signers":         signers,
	"day":             func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"utc":             func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"autonym":         func(tag string) string { return lang.Match(tag).Name() },
	"chart":           chartOf,
	"callLimit":       callLimit,
	"leakAnswers":     node.LeakAnswers,
	"statementForms":  func() []string { return []string{"joint", "own"} },
	"commitmentForms": node.CommitmentForms,
	"rhythms":         node.Rhythms,
	"members":         fieldsOf,
	"mostFirst":       mostFirst,
	"picture": func(png []byte) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)) //nolint:gosec // a picture of the program's own
	},
}

// clean takes out of a finished page what could make it look other than it is:
// control characters, bidirectional overrides, invisible format characters and
// bytes that are not UTF-8 are written out as escapes. Templates have none of
// their own. The two joiners that some scripts need between letters stay. A page without any of them is returned as it is.
func clean(page []byte) []byte {
	at := odd(page)
	if at == len(page) {
		return page
	}
	out := make([]byte, 0, len(page)+64)
	for {
		out, page = append(out, page[:at]...), page[at:]
		if len(page) == 0 {
			return out
		}
		switch r, n := utf8.DecodeRune(page); {
		case r == utf8.RuneError && n == 1:
			out, page = fmt.Appendf(out, `\x%02x`, page[0]), page[1:]
		case r == '\r':
			page = page[n:]
		case unicode.Is(unicode.Cc, r):
			out, page = fmt.Appendf(out, `\x%02x`, r), page[n:]
		default:
			out, page = fmt.Appendf(out, `\u%04x`, r), page[n:]
		}
		at = odd(page)
	}
}

// odd is where the first of what clean takes out stands in a page; its length, if nowhere.
func odd(page []byte) int {
	for at := 0; at < len(page); {
		if c := page[at]; c >= ' ' && c < 0x7f || c == '\n' || c == '\t' { // most of a page is letters that need no look
			at++
			continue
		}
		r, n := utf8.DecodeRune(page[at:])
		if r == utf8.RuneError && n == 1 || unicode.Is(unicode.Cc, r) || r != '\u200c' && r != '\u200d' && unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) {
			return at
		}
		at += n
	}
	return len(page)
}

// moment writes a time with its offset.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

func relative(d time.Duration) string {
	s := span(d.Abs())
	switch {
	case s == "":
		return "now"
	case d < 0:
		return s + " ago"
	}
	return "in " + s
}

// span writes the two largest units of a duration, rounded to the second of
// them; "" below one second.
func span(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		d = d.Round(time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	}
	parts := []struct {
		unit string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, p := range parts {
		n := d / p.size
		if n == 0 {
			continue
		}
		s := strconv.FormatInt(int64(n), 10) + " " + p.unit
		if i+1 < len(parts) {
			if rest := (d - n*p.size) / parts[i+1].size; rest > 0 {
				s += " " + strconv.FormatInt(int64(rest), 10) + " " + parts[i+1].unit
			}
		}
		return s
	}
	return ""
}

// brief shortens an identifier; the whole one is in the element's title.
func brief(id string) string {
	hash, index, found := strings.Cut(strings.TrimPrefix(id, "entente/"), "#")
	if len(hash) > 12 {
		hash = hash[:12]
	}
	if found {
		return hash + "#" + index
	}
	return hash
}

func number(v any) string {
	s := fmt.Sprint(v)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// query makes the query of an address from names and values; empty values are
// left out.
func query(kv ...any) template.URL {
	q := url.Values{}
	for i := 0; i+1 < len(kv); i += 2 {
		if v := fmt.Sprint(kv[i+1]); v != "" {
			q.Set(fmt.Sprint(kv[i]), v)
		}
	}
	return template.URL("?" + q.Encode()) //nolint:gosec // url.Values escapes everything
}

func indented(text json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

// stateText says a state the way people do.
func stateText(s string) string {
	switch s {
	case "in-force":
		return "accord in force"
	case "founding":
		return "being founded"
	}
	return strings.ReplaceAll(s, "-", " ")
}

// tone is the class that goes with a state, a verdict or a flag: good, wait or
// bad, and calm for the rest. The word is always written too.
func tone(s string) string {
	switch s {
	case "in-force", "active", "complete", "allow", "accepted", "final", "held", "answered", "assessed", "closed", "met", "done", "acknowledged", "drilled", "released":
		return "good"
	case "founding", "invited", "derived", "risk", "open", "hold", "quarantined", "partly-suspended", "needs-info", "postponed", "conditional", "at-risk", "missing", "running", "ringing", "under-way", "waiting", "releasing":
		return "wait"
	case "suspended", "disabled", "lost", "withdrawn", "retired", "refuse", "refused", "rejected", "overdue", "void", "destroyed", "disputed", "failed", "not-drilled", "expired":
		return "bad"
	}
	return "calm"
}

// dict makes what an inner template is given from names and values.
func dict(kv ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(kv); i += 2 {
		out[fmt.Sprint(kv[i])] = kv[i+1]
	}
	return out
}

// nextClock is the running deadline that comes first, or nil.
func nextClock(clocks []node.ClockView) *node.ClockView {
	var first *node.ClockView
	for i, c := range clocks {
		if c.Met.IsZero() && !c.Stopped && !c.Due.IsZero() && (first == nil || c.Due.Before(first.Due)) {
			first = &clocks[i]
		}
	}
	return first
}

// entryRef is a reference to an entry, split for an address.
type entryRef struct{ Origin, Index, Short string }

// entryOf splits "origin#index"; nil when it is none.
func entryOf(ref string) *entryRef {
	origin, index, ok := strings.Cut(ref, "#")
	if !ok {
		return nil
	}
	return &entryRef{origin, index, brief(ref)}
}

// objectName is what a STIX object calls itself: its name, else what it is
// about, else its type.
func objectName(object json.RawMessage) string {
	var found [len(naming)]string
	d := jsontext.NewDecoder(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) // what is kept was checked
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadValue()
		if err != nil {
			break
		}
		at := slices.IndexFunc(naming[:], func(n string) bool { return string(name) == n })
		if at < 0 || d.PeekKind() != '"' {
			if d.SkipValue() != nil {
				break
			}
			continue
		}
		text, err := d.ReadToken()
		if err != nil {
			break
		}
		if found[at] = text.String(); at == 0 && found[at] != "" {
			break // none comes before it
		}
	}
	return cmp.Or(found[:]...)
}

// naming are the members that say what an object calls itself, as they are written, the best first.
var naming = [...]string{`"name"`, `"value"`, `"pattern"`, `"abstract"`, `"relationship_type"`, `"type"`}

// upTo are the numbers from 1.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// shorten cuts a text behind n characters.
func shorten(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// kindOf is which of four kinds a STIX type is drawn as: what adversaries do and use, what was seen of it, who
// is concerned, and the rest.
func kindOf(typ string) string {
	switch typ {
	case "attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool", "vulnerability":
		return "acts"
	case "indicator", "observed-data", "sighting", "incident", "malware-analysis":
		return "seen"
	case "identity", "location":
		return "who"
	}
	return "other"
}
