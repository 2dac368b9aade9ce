package accord

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

func sortedKeys(v reflect.Value) []string {
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

// maxTerm bounds a duration of an accord (evidence may be kept long), maxClock one that is reckoned
// with for each request.
const (
	maxTerm  = 75 * 366 * 24 * time.Hour
	maxClock = 2 * 366 * 24 * time.Hour
)

// check looks for what a schema cannot say: whether ids are unique, references resolve, dates are in
// order and rules can be met. root gives the lines of the text as written.
func check(d *Document, root *node) []Problem {
	c := &checker{d: d, root: root}
	c.clauses()
	c.languages()
	c.durations()
	c.parties()
	c.validity()
	c.contacts()
	c.spokespeople()
	c.calendars()
	c.requests()
	c.elections()
	c.exclusions()
	c.handling()
	c.fields()
	c.quality()
	c.release()
	if len(c.problems) > maxProblems {
		c.problems = append(c.problems[:maxProblems], Problem{Text: "there are more problems; mend these first"})
	}
	return c.problems
}

type checker struct {
	d        *Document
	root     *node
	problems []Problem
}

// at makes a place of names and indexes.
func at(parts ...any) []string {
	out := make([]string, 0, len(parts))
	for _, p := range parts {
		out = append(out, fmt.Sprint(p))
	}
	return out
}

func (c *checker) bad(place []string, format string, args ...any) {
	_, n := c.root.locate(place)
	c.problems = append(c.problems, Problem{Line: n.line, Path: written(place), Text: fmt.Sprintf(format, args...)})
}

func (c *checker) warn(place []string, format string, args ...any) {
	c.bad(place, format, args...)
	c.problems[len(c.problems)-1].Warning = true
}

// unique reports a value that occurred before.
func (c *checker) unique(seen map[string]bool, value string, place []string, what string) {
	if seen[value] {
		c.bad(place, "%q is %s twice; every one needs its own", clip(value, 64), what)
	}
	seen[value] = true
}

func (c *checker) clauses() {
	seen := map[string]bool{}
	for _, cl := range c.d.Clauses() {
		place := append(slices.Clone(cl.at), "id")
		c.unique(seen, cl.ID, place, "the id of a clause")
		if cl.ID == "" {
			c.bad(place, "the clause has no id; give it one that the gate can cite")
		}
		if cl.ID == "all" || cl.ID == Protocol || cl.ID == ClauseParties || IsContent(cl.ID) || cl.ID == "request" || cl.ID == "blind" || covers("accord.*", cl.ID) {
			c.bad(place, "%q is a word of the protocol and cannot name a clause; choose another id", cl.ID)
		}
	}
}

func (c *checker) languages() {
	has := func(lang string) bool { return slices.Contains(c.d.Languages, lang) }
	for _, t := range []struct {
		name  string
		texts Texts
	}{{"title", c.d.Title}, {"preamble", c.d.Preamble}} {
		for _, l := range c.d.Languages {
			if t.texts[l] == "" {
				c.bad(at(t.name), "is missing in %s, which is one of the authentic languages; add it", l)
			}
		}
	}
	textsType := reflect.TypeFor[Texts]()
	walk(reflect.ValueOf(c.d).Elem(), nil, func(place []string, v reflect.Value) {
		if v.Type() != textsType {
			return
		}
		for _, l := range sortedKeys(v) {
			if !has(l) {
				c.bad(append(place, l), "is not one of the authentic languages (%s); add it to languages or remove the text", join(c.d.Languages))
			}
		}
	})
	var partly []string
	for _, cl := range c.d.Clauses() {
		if len(cl.Text) > 0 && len(cl.Text) < len(c.d.Languages) {
			partly = append(partly, cl.ID)
		}
	}
	if len(partly) > 0 {
		c.warn(at("languages"), "not worded in every authentic language (%s): clauses %s; where a wording is missing the data alone bind",
			join(c.d.Languages), clip(join(partly), 400))
	}
}

// durations checks every duration of the document, wherever it stands.
func (c *checker) durations() {
	durationType := reflect.TypeFor[Duration]()
	walk(reflect.ValueOf(c.d).Elem(), nil, func(place []string, v reflect.Value) {
		if v.Type() != durationType || v.String() == "" {
			return
		}
		span, err := Duration(v.String()).Span()
		switch {
		case err != nil:
			c.bad(place, "%s", err)
		case span.Approx() <= 0:
			c.bad(place, "%q is no time at all; a clock needs more than zero", v.String())
		case span.Approx() > maxClock && slices.Contains([]string{"requests", "elections", "hotline", "escalation", "time"}, place[0]):
			c.bad(place, "%q is longer than two years; shorten it", v.String())
		case span.Approx() > maxTerm:
			c.bad(place, "%q is longer than 75 years; shorten it", v.String())
		}
	})
}

func (c *checker) parties() {
	ids, names := map[string]bool{}, map[string]bool{}
	for i, p := range c.d.Signatories {
		c.unique(ids, p.Party, at("parties", i, "party"), "a party")
		c.unique(names, strings.ToLower(p.Name), at("parties", i, "name"), "the name of a party")
		agencies := map[string]bool{}
		for j, a := range p.Agencies {
			c.unique(agencies, a.Agency, at("parties", i, "agencies", j, "agency"), "an agency of this party")
			roles := map[string]bool{}
			for k, r := range a.Roles {
				c.unique(roles, r.Role, at("parties", i, "agencies", j, "roles", k, "role"), "a role of this agency")
			}
		}
	}
}

// party checks a reference to a party; "*" passes where it is accepted.
func (c *checker) party(id string, star bool, place []string) {
	if id == Any && star || c.d.HasParty(id) {
		return
	}
	c.bad(place, "%s is not one of the parties; use the party id of one of %s", short(id), c.partyNames())
}

func (c *checker) partyNames() string {
	var out []string
	for _, p := range c.d.Signatories {
		out = append(out, fmt.Sprintf("%s (%s)", p.Name, short(p.Party)))
	}
	return join(out)
}

func (c *checker) when(s string, place []string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		c.bad(place, "%q is not a time; write it as 2027-01-31T12:00:00Z", clip(s, 40))
		return t, false
	}
	if t.Year() < 2000 || t.Year() > 2300 {
		c.bad(place, "%q is not between the years 2000 and 2300", s)
		return t, false
	}
	return t, true
}

func (c *checker) validity() {
	v := c.d.Validity
	from, ok := c.when(v.Effective, at("validity", "effective"))
	if v.Expires != "" {
		if until, ok2 := c.when(v.Expires, at("validity", "expires")); ok && ok2 && !from.Before(until) {
			c.bad(at("validity", "expires"), "the accord would expire before it is effective; put it after %s", v.Effective)
		}
	}
	switch {
	case c.d.Version == 1 && c.d.Supersedes != "":
		c.bad(at("supersedes"), "version 1 supersedes nothing; leave it out or raise the version")
	case c.d.Version > 1 && c.d.Supersedes == "":
		c.bad(at("supersedes"), "version %d needs the hash of the version it replaces; `entente accord show` prints it", c.d.Version)
	}
}

func (c *checker) contacts() {
	kinds := map[string]map[string]bool{}
	for i, k := range c.d.Contacts {
		c.party(k.Party, false, at("contacts", i, "party"))
		if k.Mailbox == "" && k.Phone == "" {
			c.bad(at("contacts", i), "has neither a mailbox nor a phone; give one")
		}
		if k.Hours != "24/7" {
			c.calendar(k.Hours, at("contacts", i, "hours"))
		}
		c.zone(k.Zone, at("contacts", i, "zone"))
		if kinds[k.Kind] == nil {
			kinds[k.Kind] = map[string]bool{}
		}
		kinds[k.Kind][k.Party] = true
	}
	for i, e := range c.d.Escalation {
		for _, p := range c.d.Signatories {
			if !kinds[e.Contact][p.Party] {
				c.warn(at("escalation", i, "contact"), "%s has no %s contact, so this step reaches nobody there", p.Name, e.Contact)
			}
		}
	}
}

// spokespeople warns of a party that could sign no statement: none of its roles may speak.
func (c *checker) spokespeople() {
	list := c.d.Publicity.Spokespeople
	if c.d.Publicity.Statements == "none" || len(list) == 0 {
		return
	}
	for _, p := range c.d.Signatories {
		speaks := slices.ContainsFunc(p.Agencies, func(a Agency) bool {
			return slices.ContainsFunc(a.Roles, func(r Role) bool {
				return slices.ContainsFunc(list, func(s string) bool {
					return s == r.Role || s == a.Agency+":"+r.Role || strings.HasPrefix(s, r.Role+"@")
				})
			})
		})
		if !speaks {
			c.warn(at("publicity", "spokespeople"), "%s has no role that speaks, so it can sign no statement", p.Name)
		}
	}
}

func (c *checker) zone(name string, place []string) {
	if _, err := Zone(name); err != nil {
		c.bad(place, "%s", err)
	}
}

func (c *checker) calendar(name string, place []string) {
	if name == Always || slices.ContainsFunc(c.d.Calendars, func(k Calendar) bool { return k.Calendar == name }) {
		return
	}
	c.bad(place, "%q is not a calendar of this accord; use %s or define it under calendars", clip(name, 64), Always)
}

func (c *checker) calendars() {
	seen := map[string]bool{Always: true}
	for i, k := range c.d.Calendars {
		c.unique(seen, k.Calendar, at("calendars", i, "calendar"), "the name of a calendar")
		c.zone(k.Zone, at("calendars", i, "zone"))
		from, err1 := minuteOfDay(k.From)
		to, err2 := minuteOfDay(k.To)
		if err1 != nil {
			c.bad(at("calendars", i, "from"), "%s", err1)
		}
		if err2 != nil {
			c.bad(at("calendars", i, "to"), "%s", err2)
		}
		if err1 == nil && err2 == nil && from >= to {
			c.bad(at("calendars", i, "to"), "the working day would end before it starts; put it after %s", k.From)
		}
		for j, h := range k.Holidays {
			if _, err := time.Parse("2006-01-02", h); err != nil {
				c.bad(at("calendars", i, "holidays", j), "%q is not a day; write it as 2027-12-25", clip(h, 40))
			}
		}
	}
}

func (c *checker) requests() {
	types, codes := map[string]bool{}, map[string]bool{}
	for i, t := range c.d.Requests.Types {
		c.unique(types, t.Type, at("requests", "types", i, "type"), "a type of request")
		c.calendar(t.Calendar, at("requests", "types", i, "calendar"))
		moves := map[string]bool{}
		for j, s := range t.Stops {
			c.unique(moves, s.Move, at("requests", "types", i, "stops", j, "move"), "a move that stops the clocks")
			if len(s.Until) == 0 {
				c.bad(at("requests", "types", i, "stops", j, "until"), "nothing would start the clocks again; name the move that does")
			}
		}
	}
	for i, r := range c.d.Refusals {
		c.unique(codes, r.Code, at("refusals", i, "code"), "a refusal code")
	}
}

func (c *checker) elections() {
	for i, e := range c.d.Elections {
		from, ok1 := c.when(e.From, at("elections", i, "from"))
		to, ok2 := c.when(e.To, at("elections", i, "to"))
		if ok1 && ok2 && !from.Before(to) {
			c.bad(at("elections", i, "to"), "the window would close before it opens; put it after %s", e.From)
		}
		for j, t := range e.Types {
			if c.d.requestType(t) == nil {
				c.bad(at("elections", i, "types", j), "%q is not a type of request of this accord; it has %s", t, c.d.requestTypeNames())
			}
		}
	}
}

// join lists choices for a message.
func join(choices []string) string { return strings.Join(choices, ", ") }
