package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/node"
)

// contactsData is whom one can call, and what the others can call here.
type contactsData struct {
	unitChoice
	Terms  *accord.Document
	Filter contactFilter
	Zone   string // of the reader
	Here   *time.Location
	Bound  string // for how long a contact is fresh
	Others []contactCard
	Own    []contactCard
	Spoken []string // languages that somebody speaks
	Edited *accord.Contact
}

// First is what stands in a field of the form at first: what the accord says of the contact that is replaced.
func (d contactsData) First(name string) string {
	c := d.Edited
	if c == nil {
		return map[string]string{"hours": accord.AroundTheClock, "zone": d.Zone}[name]
	}
	return map[string]string{"id": c.ID, "party": c.Party, "kind": c.Kind, "mailbox": c.Mailbox, "phone": c.Phone, "languages": strings.Join(c.Languages, " "), "hours": c.Hours, "zone": c.Zone}[name]
}

// Kinds are those of contacts.
func (contactsData) Kinds() []string {
	return []string{"duty", "technical", "diplomatic"}
}

// contactFilter is what the address of the list says.
type contactFilter struct{ Kind, Language, Zone string }

// contactCard is one contact with its hours.
type contactCard struct {
	node.ContactView
	Days   []string
	Office officeHours
	There  time.Time // now, in its zone
}

// officeHours are the hours of a contact, there and for the reader; zero around the clock.
type officeHours struct{ From, To, HereFrom, HereTo string }

// Day and Clock are the day of the week and the time of the day there.
func (c contactCard) Day() string { return strings.ToLower(c.There.Format("Mon")) }

// Clock is explained at Day.
func (c contactCard) Clock() string { return c.There.Format("15:04") }

func (h *handler) contacts(r *http.Request) (string, *page, error) {
	var d contactsData
	var err error
	if d.unitChoice, err = h.chosenUnit(r); err != nil {
		return "", nil, err
	}
	q := r.URL.Query()
	z, ok := zoneNamed(q.Get("zone")) // in which hours are looked at; else the reader's
	if !ok {
		z = h.zoneOf(r, grantOf(r))
	}
	d.Zone, d.Here = z.Name, z.at
	d.Filter = contactFilter{Kind: q.Get("kind"), Language: q.Get("language"), Zone: q.Get("zone")}
	if d.Unit == nil {
		return "contacts", &page{Key: "ui.contacts", Here: "contacts", Data: d}, nil
	}
	d.Terms, _ = h.terms(r, d.Unit.Unit)
	list, err := h.node.Contacts(r.Context(), node.ContactListRequest{Unit: d.Unit.Unit, Language: d.Filter.Language})
	if err != nil {
		return "", nil, err
	}
	d.Bound = list.Bound
	here, err := h.node.Here(r.Context())
	if err != nil {
		return "", nil, err
	}
	own, err := h.node.Contacts(r.Context(), node.ContactListRequest{Unit: d.Unit.Unit, Party: here.Party})
	if err != nil {
		return "", nil, err
	}
	for _, c := range append(slices.Clone(list.Contacts), own.Contacts...) {
		d.Spoken = append(d.Spoken, c.Languages...)
		switch card := d.card(c, h.Clock()); {
		case d.Filter.Kind != "" && c.Kind != d.Filter.Kind:
		case c.Self:
			d.Own = append(d.Own, card)
		default:
			d.Others = append(d.Others, card)
		}
	}
	slices.Sort(d.Spoken)
	d.Spoken = slices.Compact(d.Spoken)
	if i := slices.IndexFunc(d.Terms.Contacts, func(c accord.Contact) bool { return c.ID == q.Get("edit") }); i >= 0 {
		d.Edited = &d.Terms.Contacts[i]
	}
	return "contacts", &page{Key: "ui.contacts", Here: "contacts", Data: d}, nil
}

// card puts the hours to a contact.
func (d contactsData) card(c node.ContactView, now time.Time) contactCard {
	card := contactCard{ContactView: c}
	loc, err := accord.Zone(c.Zone)
	for _, cal := range d.Terms.Calendars {
		if cal.Calendar != c.Hours {
			continue
		}
		if err != nil {
			loc, err = accord.Zone(cal.Zone)
		}
		card.Days, card.Office.From, card.Office.To = cal.Days, cal.From, cal.To
	}
	if err != nil {
		return card
	}
	card.There = now.In(loc)
	card.Office.HereFrom, card.Office.HereTo = inZone(card.Office.From, card.There, d.Here), inZone(card.Office.To, card.There, d.Here)
	return card
}

// inZone is a time of the day that a moment lies in, as the clock of another zone shows it, with the days between.
func inZone(clock string, day time.Time, to *time.Location) string {
	var hour, minute int
	if n, err := fmt.Sscanf(clock, "%d:%d", &hour, &minute); err != nil || n != 2 {
		return ""
	}
	y, m, d := day.Date()
	at := time.Date(y, m, d, hour, minute, 0, 0, day.Location())
	there := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	y, m, d = at.In(to).Date()
	out := at.In(to).Format("15:04")
	if days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(there).Hours() / 24); days != 0 {
		out += fmt.Sprintf(" (%+d)", days)
	}
	return out
}

func toContacts(unit string) string { return "/contacts" + string(query("unit", unit)) }

func (h *handler) confirmContact(r *http.Request, in node.ContactConfirmRequest) (outcome, error) {
	w, err := h.node.ConfirmContact(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: toContacts(in.Unit), done: "done.contact-confirmed"}, nil
}

func (h *handler) pingContact(r *http.Request, in node.ContactPingRequest) (outcome, error) {
	w, err := h.node.PingContact(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: w}, err
	}
	return outcome{to: toContacts(in.Unit), done: "done.contact-pinged"}, nil
}

// contactChange is the form that puts a contact into the accord, in place of another or beside those that there are,
// or takes one out. It is an amendment, which all members sign.
type contactChange struct {
	node.Acting
	Unit      string `json:"unit"`
	ID        string `json:"id"` // of its clause
	Party     string `json:"party"`
	Kind      string `json:"kind"`
	Mailbox   string `json:"mailbox"`
	Phone     string `json:"phone"`
	Languages string `json:"languages"` // tags with spaces between
	Hours     string `json:"hours"`
	Zone      string `json:"zone"`
	Remove    bool   `json:"remove"`
	DryRun    bool   `json:"dry_run"`
}

// replaceContact proposes the accord in force with one contact changed, or tells what the text would say anew.
func (h *handler) replaceContact(r *http.Request, in contactChange) (outcome, error) {
	a, err := h.node.ShowAccord(r.Context(), node.AccordShowRequest{Unit: in.Unit})
	if err != nil {
		return outcome{}, err
	}
	text, err := withContact(a, in)
	if err != nil {
		return outcome{}, badForm(err)
	}
	res, err := h.node.ProposeAccord(r.Context(), node.AccordProposeRequest{Acting: in.Acting, Unit: in.Unit, Text: string(text), Kind: "amend", DryRun: in.DryRun})
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/accord" + string(query("unit", in.Unit, "hash", res.Hash)), done: "done.proposed"}, nil
}

// withContact is the text of the next accord, which differs in one contact. Whatever of the text this version does
// not know stays as it is.
func withContact(a *node.AccordShowResponse, in contactChange) ([]byte, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(a.Text, &doc); err != nil {
		return nil, err
	}
	var version int64
	var contacts []map[string]any
	if err := json.Unmarshal(doc["version"], &version); err != nil {
		return nil, err
	}
	if len(doc["contacts"]) > 0 {
		if err := json.Unmarshal(doc["contacts"], &contacts); err != nil {
			return nil, err
		}
	}
	i := slices.IndexFunc(contacts, func(c map[string]any) bool { return c["id"] == in.ID })
	switch {
	case in.ID == "":
		return nil, fmt.Errorf("a contact has an id, such as K1.duty")
	case in.Remove && i < 0:
		return nil, fmt.Errorf("there is no contact %.100q", in.ID)
	case in.Remove:
		contacts = slices.Delete(contacts, i, i+1)
	default:
		if i < 0 {
			i, contacts = len(contacts), append(contacts, map[string]any{"id": in.ID})
		}
		c := contacts[i]
		for name, value := range map[string]string{"party": in.Party, "kind": in.Kind, "mailbox": in.Mailbox, "phone": in.Phone, "hours": in.Hours, "zone": in.Zone} {
			if delete(c, name); value != "" {
				c[name] = value
			}
		}
		c["languages"] = strings.Fields(in.Languages)
	}
	for name, value := range map[string]any{"contacts": contacts, "version": version + 1, "supersedes": a.Hash} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		doc[name] = text
	}
	return json.Marshal(doc)
}
