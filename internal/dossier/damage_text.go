package dossier

import (
	"errors"
	"slices"
	"strings"

	"entente/internal/lang"
)

// damageKeys are the sentences of the catalogs that a Detail can be; others hold what is particular to a file.
var damageKeys = []string{"damage.cut-off", "damage.missing", "damage.changed", "damage.no-dossier", "damage.not-committed", "damage.kind-changed", "damage.end-differs", "damage.more-behind", "damage.other-form",
	"damage.breaks-off", "damage.not-shown", "damage.no-proposal", "damage.no-text", "damage.no-checkpoint", "damage.no-entry-file", "damage.no-statement-file"}

// fixed is a sentence of damageKeys in English.
func fixed(key string) string { return lang.English().Text(key) }

// Text says what Error says in the language of a catalog. What is foreign in it is escaped.
func (d *Damage) Text(c *lang.Catalog) string {
	what := say("damage.part", "part", c.Code("part", strings.NewReplacer(" ", "-", "'", "").Replace(d.Part)))
	switch {
	case d.Ref != nil:
		what = say("damage.of-entry", "part", what, "entry", *d.Ref)
	case d.Origin != "":
		what = say("damage.of-journal", "part", what, "journal", d.Origin)
	}
	return say("damage.is", "what", what, "offset", d.Offset, "why", d.why(c)).text(c, clean)
}

// why is what does not hold.
func (d *Damage) why(c *lang.Catalog) sentence {
	if i := slices.IndexFunc(damageKeys, func(key string) bool { return fixed(key) == d.Detail }); i >= 0 {
		return say(damageKeys[i])
	}
	if d.Code != "" && !c.IsEnglish() {
		return say("damage.by-code", "why", word{family: "fault", code: d.Code}, "detail", c.Tell(d.Detail))
	}
	return say("damage.unread", "detail", c.Tell(d.Detail))
}

// Text says what Error says in the language of a catalog.
func (e *TrustError) Text(c *lang.Catalog) string {
	names := make([]string, len(e.Named))
	for i, p := range e.Named {
		names[i] = clean(p.Name) + " " + string(p.Party)
	}
	missing := make([]string, len(e.Missing))
	for i, p := range e.Missing {
		missing[i] = string(p)
	}
	return c.Text("damage.untrusted", "missing", c.List(missing), "named", strings.Join(names, "; "))
}

// Reason is why a file is not verified, in the language of a catalog: of a [*Damage] or a [*TrustError] its text, of anything else
// what it says.
func Reason(c *lang.Catalog, err error) string {
	var d *Damage
	var t *TrustError
	switch {
	case errors.As(err, &d):
		return d.Text(c)
	case errors.As(err, &t):
		return t.Text(c)
	case err == nil:
		return ""
	}
	return clean(c.Tell(err.Error()))
}
