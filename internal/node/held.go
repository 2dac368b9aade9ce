package node

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/journal"
)

// Bounds on what is held ready for a second person.
const (
	maxHeldActs    = 100       // that wait
	maxHeldDone    = 200       // that were decided on and are still told of
	maxHeldEntries = 64        // of one act
	maxHeldBytes   = 256 << 20 // of all contents together, sealed
	heldLife       = 7 * 24 * time.Hour
	maxHeldReason  = 1000 // characters
)

// sealed is an entry that is ready to be written.
type sealed struct {
	draft journal.Draft
	salt  [32]byte
	data  []byte
}

// heldActs are the acts that lack a second person's release: private, never in a journal, each in a file of its own with its
// contents beside it. An act is what would be written, to the byte: what a second person looked at is what leaves.
type heldActs struct {
	deciding sync.Mutex // one act is decided on at a time; it is taken before the lock of a unit

	mu   sync.Mutex // guards what follows; nothing is locked below it
	acts map[string]*heldFile
}

// heldFile is one act on the disk.
type heldFile struct {
	V        int            `json:"v"`
	ID       string         `json:"id"`
	Unit     journal.UnitID `json:"unit"`
	By       journal.By     `json:"by"`
	Release  []journal.By   `json:"release,omitempty"` // that it brought itself
	Prepared Person         `json:"prepared"`
	At       time.Time      `json:"at"`
	Decision Decision       `json:"decision"`
	Entries  []heldEntry    `json:"entries"`
	Draft    string         `json:"draft,omitempty"`
	// Whole is how many bytes of files lie beside it that go with what it announces; 0 once they are written.
	Whole int64 `json:"whole,omitempty"`

	State   string                   `json:"state"`
	Decided Person                   `json:"decided,omitzero"`
	Claim   Claim                    `json:"claim,omitzero"`
	DoneAt  time.Time                `json:"done_at,omitzero"`
	Reason  string                   `json:"reason,omitempty"`
	From    map[journal.Origin]int64 `json:"from,omitempty"` // how long the own journal was when it was released
	Refs    []journal.Ref            `json:"refs,omitempty"`
}

type heldEntry struct {
	Kind    string              `json:"kind"`
	Body    []byte              `json:"body"` // exact: no file's layout may change what leaves
	Payload *journal.PayloadRef `json:"payload,omitempty"`
	Salt    []byte              `json:"salt,omitempty"`
}

func (h *heldFile) expires() time.Time { return h.At.Add(heldLife) }

func (h *heldFile) open() bool { return h.State == HeldWaiting || h.State == HeldReleasing }

func (h *heldFile) bytes() (n int64) {
	for _, e := range h.Entries {
		if e.Payload != nil {
			n += e.Payload.Size
		}
	}
	return n + h.Whole
}

// digest names exactly what would be written.
func (h *heldFile) digest() string {
	d := sha256.New()
	for _, e := range h.Entries {
		fmt.Fprintf(d, "%s %d\n%s", e.Kind, len(e.Body), e.Body)
		if e.Payload != nil {
			fmt.Fprintf(d, "\n%s %s", e.Payload.Type, e.Payload.Commitment)
		}
	}
	return hex.EncodeToString(d.Sum(nil))
}

// claims are those under which it is written: of who prepared it, what it brought, and of who released it.
func (h *heldFile) claims() []journal.By {
	out := append([]journal.By{h.By}, h.Release...)
	if by := (journal.By{Agency: h.Claim.Agency, Role: h.Claim.Role}); h.Claim != (Claim{}) && !slices.Contains(out, by) {
		out = append(out, by)
	}
	return out
}

func (l layout) held() string { return filepath.Join(l.dir, "held") }

func (l layout) heldAct(id string) string { return filepath.Join(l.held(), id+".json") }

func (l layout) heldContent(id string, i int) string {
	return filepath.Join(l.held(), fmt.Sprintf("%s-%d.sealed", id, i))
}

var heldName = regexp.MustCompile(`^(h-[0-9a-f]{12})(\.json|-(?:[0-9]{1,2}|files)\.sealed(?:\.new)?)$`)

// openHeld reads what is held ready. A file that cannot be read is left where it is, and told in the log; contents without an act
// are the rest of one that was never kept, or is decided on.
func (n *Node) openHeld() error {
	n.held.acts = map[string]*heldFile{}
	names, err := n.at.fs.ReadDir(n.at.held())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	broken := map[string]bool{}
	for _, name := range names {
		m := heldName.FindStringSubmatch(name)
		if m == nil || m[2] != ".json" {
			continue
		}
		var h heldFile
		if ok, err := n.at.readJSON(n.at.heldAct(m[1]), &h); err != nil || !ok || h.V != 1 || h.ID != m[1] || h.check() != nil {
			broken[m[1]] = true
			n.opts.Log.Error("an act that is held ready for a second person cannot be read, and is left aside", "file", name, "err", errors.Join(err, h.check()))
			continue
		}
		n.held.acts[h.ID] = &h
	}
	for _, name := range names {
		m := heldName.FindStringSubmatch(name)
		if m == nil || m[2] == ".json" || broken[m[1]] {
			continue
		}
		h := n.held.acts[m[1]]
		if files := m[2] == "-files.sealed"; h == nil || strings.HasSuffix(name, ".new") || files && h.Whole == 0 || !files && !h.open() {
			if err := n.at.remove(filepath.Join(n.at.held(), name)); err != nil {
				return err
			}
		}
	}
	return n.settleHeld()
}

func (h *heldFile) check() error {
	switch {
	case len(h.Entries) == 0 || len(h.Entries) > maxHeldEntries:
		return fmt.Errorf("it has %d entries", len(h.Entries))
	case h.Unit.Check() != nil:
		return h.Unit.Check()
	}
	return nil
}

// settleHeld finds out of acts that were being released when the node stopped whether they were written.
func (n *Node) settleHeld() error {
	for _, h := range n.held.acts {
		if h.State != HeldReleasing {
			continue
		}
		l := n.ledger(h.Unit)
		if l == nil {
			continue
		}
		l.mu.Lock()
		refs, err := l.writtenOf(h)
		l.mu.Unlock()
		if err != nil {
			return err
		}
		if slices.Contains(refs, journal.Ref{}) {
			h.State = HeldWaiting // somebody looks at it again; what was written of it is not written twice
			if err := n.at.writeJSON(n.at.heldAct(h.ID), h); err != nil {
				return err
			}
			continue
		}
		if err := n.wroteHeld(h, refs, Grant{ID: h.Decided.ID, Name: h.Decided.Name, Session: "before the restart"}); err != nil {
			return err
		}
	}
	return nil
}

// holds tells whether an act is held ready rather than refused: nothing else than a second person is missing.
func (a *Acting) holds(d Decision) bool {
	return a.HoldReady && d.Verdict == accord.Hold.String() && d.Code == accord.CodeTwoPerson
}

// holdReady answers for what the gate does not allow: with the error, or, where only a second person is missing and that is asked
// for, with the id under which it is kept for one. The lock must be held.
func (l *ledger) holdReady(act Acting, d Decision, entries ...sealed) (string, error) {
	if !act.holds(d) {
		return "", gateError(d)
	}
	n, now := l.n, l.n.now()
	who := act.asker()
	h := &heldFile{V: 1, Unit: l.id, By: n.by(act.By), Release: claims(act.Release), Prepared: personOf(who), At: now, Decision: d, State: HeldWaiting, Draft: act.draft}
	if len(entries) > maxHeldEntries {
		return "", conflict("too-many", "This is too much to be held ready at once.", fmt.Sprintf("It would be %d entries, at most %d are.", len(entries), maxHeldEntries), "Share less at a time.")
	}
	var id [6]byte
	if err := n.random(id[:]); err != nil {
		return "", err
	}
	h.ID = "h-" + hex.EncodeToString(id[:])
	for _, e := range entries {
		body, err := jsonv2.Marshal(e.draft.Body, jsonv2.Deterministic(true), jsontext.EscapeForHTML(false))
		if err != nil {
			return "", fmt.Errorf("body of %s: %w", e.draft.Kind, err)
		}
		x := heldEntry{Kind: e.draft.Kind, Body: body, Payload: e.draft.Payload}
		if x.Payload != nil {
			x.Salt = e.salt[:]
		}
		h.Entries = append(h.Entries, x)
	}
	if err := n.keepHeld(h, entries); err != nil {
		return "", err
	}
	if act.as != nil {
		*act.as = h.ID
	}
	n.Record(who, Deed{Action: "release.prepare", Ref: h.ID, By: Claim{h.By.Agency, h.By.Role}})
	return h.ID, nil
}

// keepHeld makes an act durable: its contents first, so that whoever finds the act finds them.
func (n *Node) keepHeld(h *heldFile, entries []sealed) error {
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	if err := n.expireHeld(); err != nil {
		return err
	}
	waiting, bytes := 0, h.bytes()
	for _, x := range n.held.acts {
		if x.open() {
			waiting++
			bytes += x.bytes()
		}
	}
	if waiting >= maxHeldActs || bytes > maxHeldBytes {
		return conflict("too-many", "Too much is held ready for a second person.", fmt.Sprintf("At most %d acts of %d bytes are.", maxHeldActs, maxHeldBytes), "Let somebody release or reject what waits: 'entente release list'.")
	}
	if err := n.roomFor(h.bytes()); err != nil {
		return err
	}
	if err := n.at.fs.MkdirAll(n.at.held(), 0o700); err != nil {
		return err
	}
	for i, e := range entries {
		if e.draft.Payload == nil {
			continue
		}
		if err := n.putHeld(h.ID, i, h.Entries[i].isEvidence(), e.data); err != nil {
			return err
		}
	}
	if err := n.at.writeJSON(n.at.heldAct(h.ID), h); err != nil {
		return err
	}
	n.held.acts[h.ID] = h
	return nil
}

// expireHeld ends what waited too long, and forgets what was decided on long ago. The lock of the acts must be held.
func (n *Node) expireHeld() error {
	now := n.now()
	var done []*heldFile
	for _, h := range n.held.acts {
		if h.State == HeldWaiting && !now.Before(h.expires()) {
			h.State, h.DoneAt = HeldExpired, h.expires()
			if err := n.dropContents(h); err != nil {
				return err
			}
		}
		if !h.open() {
			done = append(done, h)
		}
	}
	slices.SortFunc(done, func(a, b *heldFile) int { return b.DoneAt.Compare(a.DoneAt) })
	for i, h := range done {
		if i < maxHeldDone && now.Sub(h.DoneAt) < heldLife {
			continue
		}
		if h.Whole > 0 { // too long for what was released to be written
			if err := n.at.remove(n.at.heldFiles(h.ID)); err != nil {
				return err
			}
		}
		if err := n.at.remove(n.at.heldAct(h.ID)); err != nil {
			return err
		}
		delete(n.held.acts, h.ID)
	}
	return nil
}

// dropContents writes an act that is over, and removes its contents; the words of its entries go too. Files stay until they are
// written, if it was released.
func (n *Node) dropContents(h *heldFile) error {
	files := h.Whole > 0 && h.State != HeldReleased
	if files {
		h.Whole = 0
	}
	for i := range h.Entries {
		h.Entries[i].Body, h.Entries[i].Salt = nil, nil
	}
	if err := n.at.writeJSON(n.at.heldAct(h.ID), h); err != nil {
		return err
	}
	for i, e := range h.Entries {
		if e.Payload != nil {
			if err := n.at.remove(n.at.heldContent(h.ID, i)); err != nil {
				return err
			}
		}
	}
	if files {
		return n.at.remove(n.at.heldFiles(h.ID))
	}
	return nil
}

// heldAct is one act that waits, by its id or the beginning of it. The lock of the acts must be held.
func (n *Node) heldAct(id string) (*heldFile, error) {
	if err := n.expireHeld(); err != nil {
		return nil, err
	}
	var hit *heldFile
	for _, h := range n.held.acts {
		switch {
		case h.ID == id:
			return h, nil
		case id != "" && strings.HasPrefix(h.ID, id) && hit != nil:
			return nil, badInput(fmt.Sprintf("%q is the beginning of several.", id), "", "Give more of it; 'entente release list' has the whole ids.")
		case id != "" && strings.HasPrefix(h.ID, id):
			hit = h
		}
	}
	if hit == nil {
		return nil, notFound(fmt.Sprintf("Nothing is held ready as %q.", id), "See what is with 'entente release list'.")
	}
	return hit, nil
}

// personOf is who asks, as it is kept beside an act.
func personOf(g Grant) Person {
	switch {
	case g.IsOfficer():
		return Person{"officer", g.ID, g.Name}
	case g.ID == Console().ID:
		return Person{"console", "", g.Name}
	}
	return Person{"token", g.ID, g.Name}
}
