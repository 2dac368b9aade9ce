package review

import (
	"encoding/hex"
	"slices"

	"entente/internal/desk"
	"entente/journal"
)

// records notes what the sides see differently beside requests and reviews: commitments, claims, exhibits, and moves that they
// could not make. Each is in the period if what shows it is.
func (c *computing) records() {
	for i := range c.in.Commitments {
		c.commitment(&c.in.Commitments[i])
	}
	for i := range c.in.Cases {
		c.claims(&c.in.Cases[i])
	}
	for i := range c.in.Exhibits {
		c.exhibit(&c.in.Exhibits[i])
	}
	for i := range c.in.Idle {
		if x := &c.in.Idle[i]; x.Refused != desk.CodeWrongHash { // told with its exhibit
			c.seen(DiffMove, x.Thread, x.Refused, Claim{Party: x.Party, Says: x.Move, At: x.At, Entry: &x.Ref})
		}
	}
}

// seen lists a difference if the entry of its first claim, which shows it, was written in the period.
func (c *computing) seen(what string, thread journal.Ref, code string, claims ...Claim) {
	if !c.within(claims[0].At) {
		return
	}
	for i := range claims {
		claims[i].At = claims[i].At.UTC()
	}
	c.differences = append(c.differences, Difference{What: what, Request: &thread, Entry: *claims[0].Entry, Code: code, Claims: claims})
}

// otherSide is the last that the other side of a request said in it: nothing, or its last move.
func otherSide(q *desk.Request, p journal.PartyID) Claim {
	other := q.Asked
	if p == q.Asked {
		other = q.Asking
	}
	out := Claim{Party: other, Says: "nothing"}
	for _, s := range q.Steps {
		if s.Party == other {
			out.Says, out.At, out.Entry = s.Move, s.At.UTC(), &s.Ref
		}
	}
	return out
}

// commitment holds the views and answers of the others against what the party that is bound reports of it.
func (c *computing) commitment(x *desk.Commitment) {
	own := Claim{Party: x.Party, Says: "no-report", At: x.Made, Entry: &x.ID}
	if i := slices.IndexFunc(x.Views, func(v desk.CommitSight) bool { return v.Own }); i >= 0 {
		v := &x.Views[i]
		own = Claim{Party: v.Party, Says: v.Status, At: v.At, Entry: &v.Ref}
	}
	for i := range x.Views {
		if v := &x.Views[i]; !v.Own && v.Status != own.Says {
			c.seen(DiffCommitment, x.ID, "", Claim{Party: v.Party, Says: v.Status, At: v.At, Entry: &v.Ref}, own)
		}
	}
	for i := range x.Answers {
		if a := &x.Answers[i]; !a.Accepted {
			c.seen(DiffCommitment, x.ID, a.Code, Claim{Party: a.Party, Says: desk.CommitDecline, At: a.At, Entry: &a.Ref}, Claim{Party: x.Party, Says: desk.CommitMake, At: x.Made, Entry: &x.ID})
		}
	}
}

// claims are those that somebody else denies; what was taken back is denied by nobody, and denies nothing.
func (c *computing) claims(k *desk.Case) {
	back := map[journal.Ref]bool{}
	for i := range k.Claims {
		back[k.Claims[i].Ref] = k.Claims[i].Withdrawn != nil
	}
	for i := range k.Claims {
		x := &k.Claims[i]
		for j := range x.Denials {
			if d := &x.Denials[j]; d.Party != x.Party && !back[x.Ref] && !back[d.Ref] {
				c.seen(DiffClaim, k.ID, "", Claim{Party: d.Party, Says: desk.Denial, At: d.At, Entry: &d.Ref}, Claim{Party: x.Party, Says: x.Class, At: x.At, Entry: &x.Ref})
			}
		}
	}
}

// exhibit lists who did not take it, and who stated custody of other bytes than were attached.
func (c *computing) exhibit(x *desk.Exhibit) {
	author := Claim{Party: x.Party, Says: hex.EncodeToString(x.Seal[:]), At: x.Added, Entry: &x.ID}
	for i := range x.Steps {
		if s := &x.Steps[i]; s.Act == desk.ActRejected {
			c.seen(DiffExhibit, x.ID, s.Code, Claim{Party: s.Party, Says: s.Act, At: s.At, Entry: &s.Ref}, author)
		}
	}
	for i := range x.Illegal {
		if s := &x.Illegal[i]; s.Refused == desk.CodeWrongHash && s.Seal != nil {
			c.seen(DiffExhibit, x.ID, s.Refused, Claim{Party: s.Party, Says: hex.EncodeToString(s.Seal[:]), At: s.At, Entry: &s.Ref}, author)
		}
	}
}
