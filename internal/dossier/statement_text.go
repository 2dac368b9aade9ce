package dossier

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteText writes the report for people. now decides only whether the embargo is shown as over.
func (r *StatementReport) WriteText(w io.Writer, now time.Time) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("The statement verifies: it was signed by everybody who has to sign it.")
	if now.Before(r.Embargo) {
		line("EMBARGOED until %s: not to be published before.", r.Embargo.Format(time.RFC3339))
	}
	if r.Embargoed {
		line("This file was made before the embargo ended, on %s.", r.Exported.UTC().Format(time.RFC3339))
	}
	line("")
	line("unit       %s (%s)", clean(r.Name), r.Unit)
	line("statement  %s, %s, version %d", r.Statement, r.Form, r.Version)
	if r.Replaces != nil {
		line("replaces   %s", r.Replaces)
	}
	line("proposed   %s by %s", r.Proposed.Format(time.RFC3339), r.Proposer)
	line("embargo    until %s", r.Embargo.Format(time.RFC3339))
	line("accord     %s", r.Accord)
	line("texts      SHA-256 %s", r.TextsSHA)
	line("")
	line("Signed by:")
	for _, s := range r.Signed {
		known := "is it the party you know?"
		if s.Trusted {
			known = "trusted"
		}
		line("  %s  %s (%s)", s.Party, clean(s.Name), known)
		line("    %s as %s, %s; entry %s, under the head of %d entries", s.At.Format(time.RFC3339), clean(s.By.Agency), clean(s.By.Role), s.Ref, s.Head.Size)
		for _, k := range s.Keys {
			line("    key %s", k)
		}
	}
	for _, p := range r.Left {
		line("  %s had left before it was proposed", p)
	}
	for _, t := range r.Texts {
		line("")
		kind := "courtesy translation"
		if t.Authentic {
			kind = "authentic"
		}
		line("%s (%s), SHA-256 %s", t.Lang, kind, t.SHA256)
		for text := range strings.SplitSeq(strings.TrimRight(t.Text, "\n"), "\n") {
			line("  | %s", clean(text))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
