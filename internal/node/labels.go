package node

import (
	"strings"

	"entente/internal/accord"
	"entente/internal/lang"
)

// Label puts the words of a language beside the codes of an answer, as far as it has any. The
// codes stay as they are.
func Label(c *lang.Catalog, answer any) {
	switch v := answer.(type) {
	case *RequestView:
		if v != nil {
			v.label(c)
		}
	case *RequestFormResponse:
		v.Labels = Labels{"type": c.Code("type", v.Type)}
		for _, u := range v.Urgencies {
			v.Labels["urgencies."+u] = c.Code("urgency", u)
		}
		for i := range v.Fields {
			x := &v.Fields[i]
			x.Labels = Labels{"name": c.Code("field", x.Name), "kind": c.Code("written", x.Kind)}
			if key := "field." + x.Name + ".help"; c.Has(key) {
				x.Labels["help"] = c.Text(key)
			}
		}
	case *StatusResponse:
		for i := range v.Attention {
			labelNeed(c, &v.Attention[i])
		}
	case *Decision:
		v.label(c)
	case *RequestListResponse:
		for i := range v.Requests {
			v.Requests[i].label(c)
		}
		for i := range v.Drafts {
			v.Drafts[i].label(c)
		}
	case *WriteResponse:
		if v != nil {
			v.Decision.label(c)
		}
	case *NotifyListResponse:
		for i := range v.Events {
			e := &v.Events[i]
			e.Labels = Labels{"kind": c.Code("notify", e.Kind), "urgency": c.Code("urgency", e.Urgency)}
			if e.Need != nil {
				labelNeed(c, e.Need)
				e.Labels["text"] = e.Need.Labels["text"]
			}
		}
	default:
		labelRecord(c, answer)
	}
}

func labelNeed(c *lang.Catalog, x *Attention) {
	x.Labels = labelled(c, "urgency", "urgency", x.Urgency)
	x.Labels["text"] = x.Text(c)
}

func (d *Decision) label(c *lang.Catalog) {
	if d != nil {
		d.Labels = Labels{"verdict": c.Code("verdict", d.Verdict), "code": c.Code("gate", d.Code)}
		if said, ok := c.Told(d.Reason); ok && !c.IsEnglish() {
			d.Labels["reason"] = said
		}
	}
}

func (v *RequestView) label(c *lang.Catalog) {
	v.Labels = Labels{"state": c.Code("state", v.State), "type": c.Code("type", v.Type), "urgency": c.Code("urgency", v.Urgency)}.absence(c, v.Absent)
	for name := range v.Fields {
		v.Labels["fields."+name] = c.Code("field", name)
	}
	for _, m := range v.Next {
		v.Labels["next."+m] = c.Code("move", m)
	}
	if v.Lang != "" {
		v.Labels["lang"] = c.Language(v.Lang)
	}
	if w := v.Why; w != nil {
		w.Labels = labelled(c, "of", "asset-finding", w.Of, "by", "chosen", w.By)
		w.Labels["kind"] = kindText(c, w.Kind)
		w.Labels["text"] = DraftReasonText(c, w)
	}
	each(c, v.Clocks, (*ClockView).label)
	labelTranslations(c, v.Translations)
	for i := range v.Moves {
		m := &v.Moves[i]
		m.Labels = Labels{"move": c.Code("move", m.Move)}.absence(c, m.Absent)
		if m.Code != "" {
			m.Labels["code"] = c.Code("refusal", m.Code)
		}
		if m.Refused != "" {
			m.Labels["refused"] = IllegalText(c, m.Refused)
		}
		for name := range m.Scores {
			m.Labels["scores."+name] = c.Code("score", name)
		}
		if m.Lang != "" {
			m.Labels["lang"] = c.Language(m.Lang)
		}
		labelTranslations(c, m.Translations)
	}
}

func labelTranslations(c *lang.Catalog, list []TranslationView) {
	for i := range list {
		t := &list[i]
		t.Labels = Labels{"kind": c.Code("translation", t.Kind), "lang": c.Language(t.Lang), "authentic": AuthenticText(c, *t)}.absence(c, t.Absent)
	}
}

// MoveText is a move of a family in words; a statement of custody is told by its act.
func MoveText(c *lang.Catalog, family, move string) string { return c.Move(family, move) }

// EntryText says in words of what kind an entry is; "request.*" is all of a family.
func EntryText(c *lang.Catalog, kind string) string { return c.Entry(kind) }

// LineText says what stands on a line of a case's time line.
func LineText(c *lang.Catalog, x *LineView) string {
	switch x.Of {
	case "event":
		return c.Text("line.event", "event", x.Code)
	case "claim":
		return c.Code("claim", x.Code)
	case "reply":
		return c.Text("line.reply", "class", c.Code("claim", x.Code))
	case "outcome":
		return c.Text("line.outcome", "outcome", c.Code("outcome", x.Code))
	case "custody":
		return c.Text("entry.of", "family", c.Code("kind", "exhibit"), "move", c.Code("custody", x.Code))
	}
	return EntryText(c, x.What)
}

// CallTitle is what a call is about, marked if it is a drill.
func CallTitle(c *lang.Catalog, v *CallView) string {
	title := v.Subject
	if title == "" {
		title = c.Text("call.title")
	}
	if v.Drill {
		title = c.Text("call.drill", "title", title)
	}
	return title
}

// IllegalText says why a move changed nothing: a code of the desk, or of the gate.
func IllegalText(c *lang.Catalog, code string) string {
	if c.Has("desk." + code) {
		return c.Code("desk", code)
	}
	return c.Code("gate", code)
}

// AuthenticText says whether a translation counts.
func AuthenticText(c *lang.Catalog, t TranslationView) string {
	if t.Authentic {
		return c.Text("translation.authentic")
	}
	return c.Text("translation.not-authentic")
}

// TranslationLine says who made a translation, how, and when.
func TranslationLine(c *lang.Catalog, t TranslationView) string {
	who := t.Party
	if t.By.Agency != "" || t.By.Role != "" {
		who += " (" + strings.TrimPrefix(t.By.Agency+", "+t.By.Role, ", ") + ")"
	}
	return c.Text("translation.by", "kind", c.Code("translation", t.Kind), "lang", c.Language(t.Lang), "party", who, "at", c.Time(t.At))
}

// ClockBasis says what a clock runs from. That of the receipt always runs from the posting, and no receipt is missing once it came.
func ClockBasis(c *lang.Catalog, k ClockView) string {
	if k.Name == accord.StageReceipt && !k.Met.IsZero() {
		return c.Text("clock.from-posting")
	}
	return c.Code("basis", k.Basis)
}

// ClockState says how a clock stands.
func ClockState(c *lang.Catalog, k ClockView) string {
	switch {
	case !k.Met.IsZero() && k.Late:
		return c.Text("clock.met-late", "at", c.Time(k.Met.Local()))
	case !k.Met.IsZero():
		return c.Text("clock.met", "at", c.Time(k.Met.Local()))
	case k.Overdue:
		return c.Text("clock.overdue")
	case k.Stopped:
		return c.Text("clock.stopped")
	case !k.Ended.IsZero():
		return c.Text("clock.ended")
	case k.Started.IsZero():
		return c.Text("clock.not-started")
	case k.Short:
		return c.Text("clock.running-short")
	case k.Warning:
		return c.Text("clock.running-soon")
	}
	return c.Text("clock.running")
}
