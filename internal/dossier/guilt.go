package dossier

import (
	"crypto/sha256"
	"slices"
	"time"

	"entente/journal"
)

// carrier is what brought a proof: an entry of a journal, or a proof record.
type carrier struct {
	entry  *journal.Entry // nil for a proof record
	number int64          // of the proof record
	offset int64
}

func (v *verifier) carried(e *journal.Entry) carrier {
	c := carrier{entry: e}
	if x, ok := v.entryExhibit(e.Ref()); ok {
		c.offset = x.Offset
	}
	return c
}

func (c carrier) exhibit(what string, bytes []byte) Exhibit {
	x := Exhibit{What: what, Proof: c.number, Offset: c.offset, SHA256: sha256.Sum256(bytes)}
	if c.entry != nil {
		ref := c.entry.Ref()
		x.Ref = &ref
	}
	return x
}

func (c carrier) head(signed string, rings []*journal.Keyring) Exhibit {
	x := c.exhibit(ExhibitHead, []byte(signed))
	if _, h, err := journal.CheckpointHead([]byte(signed)); err == nil {
		x.Head = &h
	}
	for _, k := range rings {
		if at, err := k.SignedAt([]byte(signed)); err == nil {
			x.At = at
			break
		}
	}
	return x
}

// signedBy finds the schedule under which a head verifies, and the ids of the keys that signed it.
func signedBy(signed string, rings []*journal.Keyring) (journal.Head, []journal.Hash) {
	for _, k := range rings {
		if h, err := k.VerifyCheckpoint([]byte(signed)); err == nil {
			var ids []journal.Hash
			for _, key := range k.At(h.Size) {
				ids = append(ids, key.ID())
			}
			return h, ids
		}
	}
	return journal.Head{}, nil
}

// contradiction notes two heads of a journal that verify and exclude each other.
func (v *verifier) contradiction(s *shelf, c *journal.Contradiction, rings []*journal.Keyring, from carrier) {
	key := c.A + c.B
	if at, known := v.contra[key]; known { // another member's entry shows the same
		if from.entry != nil && at < len(v.findings) {
			f := &v.findings[at]
			if ref := from.entry.Ref(); !slices.Contains(f.Refs, ref) {
				f.Refs = append(f.Refs, ref)
			}
		}
		return
	}
	v.contra[key] = len(v.findings)
	code := c.Kind()
	a, b := from.head(c.A, rings), from.head(c.B, rings)
	f := Finding{Weight: Proved, Code: code, Party: s.head.Party, Exhibits: []Exhibit{a, b}, At: later(a.At, b.At), Clock: s.head.Party}
	f.say("verify.heads", "journal", s.head.Origin, "entries", count("ui.n-entries", a.Head.Size))
	v.blame(s, &f, []string{c.A, c.B}, rings, from)
}

// violation notes an entry that breaks a rule, under a signed head that is not the journal's.
func (v *verifier) violation(s *shelf, x *journal.Violation, rings []*journal.Keyring, from carrier) {
	f := violated(x, s.head.Party, rings, from)
	v.blame(s, &f, []string{x.Checkpoint}, rings, from)
}

// beginning notes the same of a journal of which nothing is in the dossier but what the proof brings.
func (v *verifier) beginning(o *journal.Opening, x *journal.Violation, from carrier) {
	f := violated(x, o.Party, []*journal.Keyring{o.Keys}, from)
	f.say("verify.begun", "name", o.Name)
	notice := say("verify.begun-no-notice")
	for i := range v.notices {
		if n := &v.notices[i]; n.body.Origin == x.Origin && n.body.Key == o.Keys.Current().ID() && v.byOrigin[n.ref.Origin].head.Party == o.Party {
			f.Weight, f.Refs = Disputed, append(f.Refs, n.ref)
			notice = say("verify.begun-notice", "entry", n.ref)
		}
	}
	f.says = append(f.says, notice)
	v.add(f)
}

// violated describes an entry that breaks a rule.
func violated(x *journal.Violation, party journal.PartyID, rings []*journal.Keyring, from carrier) Finding {
	head := from.head(x.Checkpoint, rings)
	bad := from.exhibit(ExhibitLeaf, append([]byte{0}, x.Entry.Raw...))
	f := Finding{Weight: Proved, Code: x.Code, Party: party, Exhibits: []Exhibit{head, bad}, At: head.At, Clock: party}
	for _, leaf := range []*journal.ProvenLeaf{x.Told, x.First} {
		if leaf != nil {
			f.Exhibits = append(f.Exhibits, from.exhibit(ExhibitLeaf, append([]byte{0}, leaf.Raw...)))
		}
	}
	rule := ruleKey(x.Code)
	switch {
	case x.Entry.Index == 0:
		f.check, rule = checkBeginning, "verify.rule-beginning"
	case x.Since != nil:
		f.check, rule = checkSince, sinceKey(x.Code)
	}
	switch x.Code {
	case journal.CodeBadSignature, journal.CodeHalfSignature, journal.CodeBadIdentity:
		if f.check == "" {
			f.check = checkIdentity
		}
	}
	f.say("verify.violation", "code", x.Code, "n", x.Entry.Index, "journal", x.Origin, "rule", say(rule))
	return f
}

// sinceKey is the key of what is wrong with an identity, a rotation or a notice after all before it.
func sinceKey(code string) string {
	switch code {
	case journal.CodeBadSignature, journal.CodeHalfSignature:
		return "verify.since-unsigned"
	case journal.CodeBadCertificate:
		return "verify.since-certificate"
	case journal.CodeBadEntry:
		return "verify.since-notice"
	}
	return "verify.since-identity"
}

// blame adds a finding that rests on heads which the journal in the dossier does not have. It is
// proof against whoever held the key. If the party declared that key compromised, or had replaced it
// for heads of that size, it is one only if another member held the head before it could know: otherwise
// it may be that of a thief, or of whoever found an old key.
func (v *verifier) blame(s *shelf, f *Finding, signed []string, rings []*journal.Keyring, from carrier) {
	if from.entry != nil {
		f.Refs, f.By = append(f.Refs, from.entry.Ref()), from.entry.Author
	}
	var excuse *excuse
	for _, text := range signed {
		h, keys := signedBy(text, rings)
		if root, ok := s.root(h.Size); ok && root == h.Root {
			continue // a head of the journal as it is shown
		}
		if excuse = v.disowned(s, h, text, keys, from); excuse == nil {
			break
		}
	}
	switch {
	case excuse != nil:
		f.Weight = Disputed
		f.Refs = append(f.Refs, excuse.ref)
		f.say(excuse.key, "entry", excuse.ref)
	default:
		f.say("verify.no-excuse", "entries", count("verify.of-entries", s.head.Size))
	}
	v.add(*f)
}

// excuse is why a head need not be the party's although its key signed it.
type excuse struct {
	ref journal.Ref // since which entry
	key string      // of what it says
}

// notice is a declared compromise of a journal key.
type notice struct {
	ref  journal.Ref
	body journal.CompromiseBody
}

// disowned returns what keeps a head from binding its party, nil if it binds: all keys that signed it
// were declared compromised or had been replaced, and no other member held it before it could know.
func (v *verifier) disowned(s *shelf, h journal.Head, signed string, keys []journal.Hash, from carrier) *excuse {
	_, err := s.mirror.Keyring().VerifyCheckpoint([]byte(signed))
	due := err == nil // the journal's own schedule has these keys sign that size
	var found *excuse
	for _, key := range keys { // right after a rotation two keys have to sign; a thief needs both
		x := v.compromised(s, key)
		if x == nil && !due {
			x = s.replaced(key)
		}
		if x == nil || v.anchored(s, h, x, from) {
			return nil
		}
		if found == nil {
			found = x
		}
	}
	return found
}

// compromised finds a notice of the party about a key of the journal.
func (v *verifier) compromised(s *shelf, key journal.Hash) *excuse {
	for i := range v.notices {
		if n := &v.notices[i]; n.body.Key == key && n.body.Origin == s.head.Origin && v.byOrigin[n.ref.Origin].head.Party == s.head.Party {
			return &excuse{n.ref, "verify.excuse-compromised"}
		}
	}
	return nil
}

// replaced finds the entry with which the journal replaced a key.
func (s *shelf) replaced(key journal.Hash) *excuse {
	list := s.mirror.Keyring().Keys()
	for i := range list[:len(list)-1] {
		if list[i].Key.ID() == key {
			return &excuse{journal.Ref{Origin: s.head.Origin, Index: list[i+1].From - 1}, "verify.excuse-replaced"}
		}
	}
	return nil
}

// anchored says whether another member's entry in good order holds the head, written without knowing
// of the excuse. What somebody held before it could know stays binding (journal.md, section 3).
func (v *verifier) anchored(s *shelf, h journal.Head, x *excuse, from carrier) bool {
	if from.entry != nil && v.heldBefore(from.entry.Ref(), from.entry.Author, s, x) {
		return true
	}
	for i := range v.claims {
		if c := &v.claims[i]; c.receipts && c.origin == s.head.Origin && c.head == h && v.heldBefore(c.by, v.byOrigin[c.by.Origin].head.Party, s, x) {
			return true
		}
	}
	return false
}

func (v *verifier) heldBefore(ref journal.Ref, author journal.PartyID, s *shelf, x *excuse) bool {
	return author != s.head.Party && v.fold.Knew(ref, ref) && v.fold.VoidCode(ref) == "" && !v.fold.Knew(ref, x.ref)
}

// schedules are the key schedules under which a head can have been signed: the journal's, and what it
// was before each rotation, newest first. A head under one of the latter is the party's only if it is
// anchored.
func (v *verifier) schedules(s *shelf) []*journal.Keyring {
	own := s.mirror.Keyring()
	out, list := []*journal.Keyring{own}, own.Keys()
	for n := len(list) - 1; n > 0 && v.earlier < maxEarlier; n-- {
		v.earlier++
		k, err := journal.NewKeyring(s.head.Origin, list[0].Key)
		for _, next := range list[1:n] {
			if err == nil {
				k, err = k.With(next.From-1, next.Key)
			}
		}
		if err == nil {
			out = append(out, k)
		}
	}
	return out
}

// maxEarlier bounds how many earlier schedules are tried in all.
const maxEarlier = 1000

// equivocation notes two statements of which the party may sign only one.
func (v *verifier) equivocation(q *journal.Equivocation, chain []journal.Signed, from carrier) {
	a, b := from.exhibit(ExhibitStatement, []byte(q.A.Text)), from.exhibit(ExhibitStatement, []byte(q.B.Text))
	what := "verify.two-certificates"
	if kind, _ := q.A.Kind(); kind == "identity" {
		what = "verify.two-identities"
	} else if c, err := journal.ParseCertificate(q.A); err == nil && c.Predecessor != nil {
		what = "verify.two-successors"
	}
	f := Finding{Weight: Proved, Code: journal.CodeTwoStatements, Party: q.Party, Exhibits: []Exhibit{a, b}, says: []sentence{say(what)}}
	if v.chains[q.Party] == nil {
		if id, err := journal.ParseIdentity(chain[len(chain)-1]); err == nil {
			f.say("verify.stranger", "name", id.Name)
		}
	}
	v.add(f)
}

// ruleKey is the key of the rule that an entry breaks, "" if the code names none.
func ruleKey(code string) string {
	switch code {
	case journal.CodeBadEntry, journal.CodeOversize, journal.CodeWrongUnit, journal.CodeWrongAuthor, journal.CodeWrongOrigin, journal.CodeWrongIndex, journal.CodeBackDated,
		journal.CodeBadSeen, journal.CodeBadIdentity:
		return "rule." + code
	case journal.CodeBadSignature, journal.CodeHalfSignature:
		return "rule.bad-signature"
	}
	return ""
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
