package node

import (
	"strings"

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
			v.Attention[i].Labels = Labels{"text": v.Attention[i].Text(c)}
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
				e.Labels["text"] = e.Need.Text(c)
			}
		}
	}
}

func (d *Decision) label(c *lang.Catalog) {
	if d != nil {
		d.Labels = Labels{"verdict": c.Code("verdict", d.Verdict), "code": c.Code("gate", d.Code)}
	}
}

func (v *RequestView) label(c *lang.Catalog) {
	v.Labels = Labels{"state": c.Code("state", v.State), "type": c.Code("type", v.Type), "urgency": c.Code("urgency", v.Urgency)}
	for name := range v.Fields {
		v.Labels["fields."+name] = c.Code("field", name)
	}
	for _, m := range v.Next {
		v.Labels["next."+m] = c.Code("move", m)
	}
	if v.Lang != "" {
		v.Labels["lang"] = c.Language(v.Lang)
	}
	for i := range v.Clocks {
		k := &v.Clocks[i]
		k.Labels = Labels{"name": c.Code("stage", k.Name), "basis": c.Code("basis", k.Basis), "state": ClockState(c, *k)}
	}
	labelTranslations(c, v.Translations)
	for i := range v.Moves {
		m := &v.Moves[i]
		m.Labels = Labels{"move": c.Code("move", m.Move)}
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
		t.Labels = Labels{"kind": c.Code("translation", t.Kind), "lang": c.Language(t.Lang), "authentic": AuthenticText(c, *t)}
	}
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

// ClockState says how a clock stands.
func ClockState(c *lang.Catalog, k ClockView) string {
	switch {
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
