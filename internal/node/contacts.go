package node

import (
	"context"
	"fmt"
	"slices"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// Contacts lists the contacts of the unit in the order in which to call them at this minute.
func (n *Node) Contacts(_ context.Context, r ContactListRequest) (*ContactListResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	party, err := l.addressee(r.Party)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	doc, err := l.inForce()
	if err != nil {
		return nil, err
	}
	now := n.now()
	list := slices.DeleteFunc(l.fold.Contacts(now), func(c desk.Contact) bool {
		return party == "" && c.Party == n.keys().party || party != "" && c.Party != party
	})
	res := &ContactListResponse{Unit: string(l.id), Now: now, Bound: string(desk.FreshFor(doc)), Contacts: []ContactView{}}
	for _, c := range desk.WhoToCall(list, r.Language) {
		res.Contacts = append(res.Contacts, l.contactView(&c))
	}
	return res, nil
}

// inForce is the accord in force, or says that there is none.
func (l *ledger) inForce() (*accord.Document, error) {
	doc, _ := l.fold.InForce()
	if doc == nil {
		return nil, notFound("No accord is in force in this unit.", "Contacts are part of the accord: agree on one with 'entente accord propose'.")
	}
	return doc, nil
}

// ShowContact shows one contact.
func (n *Node) ShowContact(_ context.Context, r ContactShowRequest) (*ContactView, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.inForce(); err != nil {
		return nil, err
	}
	for _, c := range l.fold.Contacts(n.now()) {
		if c.ID == r.Contact {
			v := l.contactView(&c)
			return &v, nil
		}
	}
	return nil, notFound(fmt.Sprintf("The accord has no contact %.128q.", r.Contact), "List them with 'entente contact list'.")
}

func (l *ledger) contactView(c *desk.Contact) ContactView {
	v := ContactView{ID: c.ID, Party: l.partyName(c.Party), Self: c.Party == l.n.keys().party, Kind: c.Kind, Mailbox: c.Mailbox, Phone: c.Phone, Languages: c.Languages,
		Hours: c.Hours, Zone: c.Zone, Open: c.Open, Change: c.Change, Reached: c.Reached, Fresh: c.Fresh, Stale: c.Due, IsStale: c.Stale}
	if w := c.Confirmed; w != nil {
		v.Confirmed, v.By, v.Changed = w.At, Claim{w.By.Agency, w.By.Role}, w.Changed
		v.Text, v.Absent = l.words(w.Payload, w.Held)
	}
	return v
}

// ConfirmContact says that an own contact holds, or that it changes and how.
func (n *Node) ConfirmContact(_ context.Context, r ContactConfirmRequest) (*WriteResponse, error) {
	if r.Changed && r.Text == "" {
		return nil, badInput("What changes is not said.", "", "Give the new details with --text or --text-file.")
	}
	b := desk.ContactBody{Contact: r.Contact, Changed: r.Changed}
	return n.contact(r.Unit, desk.Confirm, &b, nil, spoken{r.Acting, r.Text, r.TLP, r.DryRun})
}

// PingContact tries a contact of another party: a drill.
func (n *Node) PingContact(_ context.Context, r ContactPingRequest) (*WriteResponse, error) {
	b := desk.ContactBody{Contact: r.Contact, Drill: true}
	return n.contact(r.Unit, desk.Ping, &b, func(l *ledger) error {
		doc, err := l.inForce()
		if err != nil {
			return err
		}
		k := desk.ContactOf(doc, r.Contact)
		if k == nil {
			return nil // the unit says so
		}
		b.Announced, err = l.announced(r.Announced, journal.PartyID(k.Party))
		return err
	}, spoken{r.Acting, r.Text, r.TLP, r.DryRun})
}

// AnswerPing answers a ping of an own contact.
func (n *Node) AnswerPing(_ context.Context, r ContactAnswerRequest) (*WriteResponse, error) {
	l, ref, err := n.findThread(r.Unit, r.ID, "ping", "entente hotline list", (*ledger).pingIDs)
	if err != nil {
		return nil, err
	}
	b := desk.ContactBody{Ping: &ref, Drill: true, Language: r.Language}
	return n.contact(string(l.id), desk.Answer, &b, nil, spoken{r.Acting, r.Text, r.TLP, r.DryRun})
}

// contact writes a word on a contact; before is told the unit, with its lock held.
func (n *Node) contact(unitName, move string, b *desk.ContactBody, before func(*ledger) error, s spoken) (*WriteResponse, error) {
	l, err := n.findUnit(unitName)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before != nil {
		if err := before(l); err != nil {
			return nil, err
		}
	}
	return l.utter("contact."+move, s, func(tlp string, bytes int64) any {
		b.TLP = tlp
		return contactBody{*b, bytes}
	})
}
