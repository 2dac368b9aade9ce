package dossier

import (
	"bufio"
	"io"
	"strings"
	"time"

	"entente/internal/lang"
)

// WriteText writes the report for people, in the language of a catalog. Foreign text in it is escaped. now decides only whether the
// embargo is shown as over.
func (r *StatementReport) WriteText(w io.Writer, now time.Time, c *lang.Catalog) error {
	p := &page{w: bufio.NewWriter(w), c: c}
	p.say("", "verify.statement-holds")
	if now.Before(r.Embargo) {
		p.say("", "verify.under-embargo", "at", r.Embargo)
	}
	if r.Embargoed {
		p.say("", "verify.made-early", "at", r.Exported)
	}
	p.blank()
	p.say("", "verify.unit-is", "name", r.Name, "unit", r.Unit)
	p.say("", "verify.statement-is", "entry", r.Statement, "form", p.code("statement-form", r.Form), "n", r.Version)
	if r.Replaces != nil {
		p.fact1("verify.replaces", r.Replaces.String())
	}
	p.say("", "verify.proposed", "at", r.Proposed, "party", r.Proposer)
	p.fact1("verify.embargo", p.when(r.Embargo))
	p.say("", "verify.statement-accord", "hash", r.Accord)
	p.say("", "verify.texts-hash", "hash", r.TextsSHA)
	list(p, "verify.signed-by", r.Signed, func(s StatementSigned) {
		p.known("  ", s.Name, string(s.Party), s.Trusted)
		p.say("    ", "verify.signed-as", "at", s.At, "by", claimed(s.By.Agency, s.By.Role), "entry", s.Ref, "entries", count("verify.of-entries", s.Head.Size))
		for _, k := range s.Keys {
			p.say("    ", "verify.key-is", "id", k)
		}
	})
	for _, party := range r.Left {
		p.say("  ", "verify.had-left", "party", party)
	}
	for _, t := range r.Texts {
		p.blank()
		kind := "translation.courtesy"
		if t.Authentic {
			kind = "verify.authentic"
		}
		p.say("", "verify.fact", "name", p.t("verify.text-in", "lang", p.c.Language(t.Lang)), "value", p.t("verify.text-is", "kind", p.t(kind), "hash", t.SHA256))
		for text := range strings.SplitSeq(strings.TrimRight(t.Text, "\n"), "\n") {
			p.say("  | ", "verify.value", "text", text)
		}
	}
	return p.w.Flush()
}

// fact1 writes a name from the catalogs and its value.
func (p *page) fact1(key, value string) { p.say("", "verify.fact", "name", p.t(key), "value", value) }

// known names a party, and says whether its id is one that the reader trusts.
func (p *page) known(indent, name, id string, trusted bool) {
	p.say(indent, "verify.value", "text", name)
	p.say(indent+"  ", "verify.party-id", "id", id)
	if trusted {
		p.say(indent+"  ", "verify.party-trusted")
	} else {
		p.say(indent+"  ", "verify.party-compare")
	}
}

// claimed is in whose name somebody acts, as they say.
func claimed(agency, role string) string { return strings.Trim(agency+":"+role, ":") }
