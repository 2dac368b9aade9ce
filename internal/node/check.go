package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"entente/internal/unit"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// Steps of the check of an entry. What is not so is a step that is bad; what has not come yet, one that waits.
const (
	StepBytes         = "bytes"         // it is one entry by docs/protocol/journal.md, and this is its leaf hash
	StepPlace         = "place"         // it names this unit, party, journal and number itself
	StepPath          = "path"          // hashes lead from the leaf to the root of the signed head
	StepEd25519       = "ed25519"       // the head bears the one half of the signature
	StepMLDSA44       = "mldsa44"       // and the other
	StepRotation      = "rotation"      // a later key took over from the one before, under a head that both signed
	StepCertificate   = "certificate"   // the first key is certified under the identity of the party
	StepSelf          = "self"          // which is this party's own
	StepPaired        = "paired"        // which was compared by voice here
	StepIntroduced    = "introduced"    // which a member introduced, and nobody compared here
	StepReceipt       = "receipt"       // a party says in its own journal, under both its signatures, that it holds a head
	StepReceiptPath   = "receipt-path"  // hashes lead from the entry to the root of the head that was receipted
	StepReceiptHead   = "receipt-head"  // the head that was receipted is the beginning of the newest one
	StepReceiptLacks  = "receipt-lacks" // it says that the content was not there yet
	StepReceiptNone   = "receipt-none"  // a party has not receipted it
	StepWitness       = "witness"       // a witness cosigned a head that covers it
	StepWitnessNone   = "witness-none"  // none did
	StepHeld          = "held"          // the content is here, and is what the entry commits to
	StepDestroyed     = "destroyed"     // the content was destroyed here, with its salt
	StepNotHere       = "not-here"      // the content has not come: withheld, or not handed over yet
	StepUnreadable    = "unreadable"    // what came is not what the entry says
	StepHandedOver    = "handed-over"   // own content may go to a party
	StepWithheld      = "withheld"      // the gate keeps own content from a party now
	StepFinal         = "final"         // every member's journal includes it
	StepNotFinal      = "not-final"     // not yet
	StepNoOtherMember = "nobody-else"   // there is nobody yet who could receipt it
)

const (
	maxWitnessEntries = 200 // that are looked through for cosignatures, the newest first
	maxWitnessSteps   = 5
)

// States of a step.
const (
	stepGood = "good"
	stepWait = "wait"
	stepBad  = "bad"
)

// CheckEntry verifies an entry and everything that is known to bear it out, and says what was done step by step.
func (n *Node) CheckEntry(ctx context.Context, r JournalCheckRequest) (*JournalCheckResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	j, index, err := l.findEntry(r.Ref)
	if err != nil {
		return nil, err
	}
	c := check{l: l, j: j, index: index, res: &JournalCheckResponse{Unit: string(l.id), Name: l.partyName(j.party), Party: string(j.party), Self: j.own, Origin: string(j.origin), Size: j.size(), Whole: true, Steps: []CheckStep{}}}
	if err := c.run(); err != nil {
		return nil, err
	}
	return c.res, ctx.Err()
}

// check is one entry under verification.
type check struct {
	l     *ledger
	j     heldJournal
	index int64
	entry *journal.Entry
	res   *JournalCheckResponse
}

func (c *check) step(s CheckStep) {
	if s.State == stepBad {
		c.res.Whole = false
	}
	c.res.Steps = append(c.res.Steps, s)
}

// holds adds a step that is good, or bad if there is an error.
func (c *check) holds(s CheckStep, err error) bool {
	s.State = stepGood
	if err != nil {
		s.State, s.Why = stepBad, err.Error()
	}
	c.step(s)
	return err == nil
}

func (c *check) run() error {
	l, res := c.l, c.res
	raw, err := rawEntry(c.j, c.index)
	if err != nil {
		return err
	}
	if c.entry, err = journal.ParseEntry(raw); err != nil {
		return err
	}
	e := c.entry
	ref := e.Ref()
	res.Raw, res.Ref, res.Kind, res.At, res.By = raw, ref.String(), e.Kind, e.At, Claim{e.By.Agency, e.By.Role}
	for _, b := range e.Release {
		res.Release = append(res.Release, Claim{b.Agency, b.Role})
	}
	res.Entry = l.shown(e, l.fold.Final(c.j.origin))
	if opened, ok := l.fold.Opened(ref); ok {
		res.Thread = opened.String()
		if k, ok := l.fold.Entry(opened); ok {
			res.Family, _, _ = strings.Cut(k.Kind, ".")
		}
	}
	c.holds(CheckStep{Code: StepBytes, N: int64(len(raw)), Hash: e.LeafHash.String()}, nil)
	var misplaced error
	if e.Unit != l.id || e.Author != c.j.party || e.Origin() != c.j.origin || e.Index != c.index {
		misplaced = fmt.Errorf("it says that it is entry %s of party %s", ref, e.Author.Short())
	}
	c.holds(CheckStep{Code: StepPlace, Ref: ref.String()}, misplaced)
	c.head()
	c.keys()
	c.receipts()
	c.witnesses()
	c.content()
	if res.Entry.Final {
		c.step(CheckStep{Code: StepFinal, State: stepGood})
	} else {
		c.step(CheckStep{Code: StepNotFinal, State: stepWait})
	}
	return nil
}

// rawEntry reads the bytes of an entry.
func rawEntry(j heldJournal, index int64) ([]byte, error) {
	for raw, err := range j.store.Read(index, index+1) {
		return slices.Clone(raw), err
	}
	return nil, fmt.Errorf("entry %d of journal %s is not on the disk", index, j.origin.Short())
}

// head verifies the proof against the newest head, with its signatures.
func (c *check) head() {
	keys := c.l.keyring(c.j.origin)
	proof, err := journal.Prove(c.j.store, c.index, c.j.size())
	var head journal.Head
	if err == nil {
		_, head, err = journal.VerifyProof(c.res.Raw, proof, keys)
	}
	c.res.Proof = string(proof)
	path, _ := tlog.ProveRecord(c.j.size(), c.index, c.j.store)
	c.holds(CheckStep{Code: StepPath, N: int64(len(path)), Size: c.j.size(), Hash: head.Root.String()}, err)
	// VerifyProof takes nothing under less than both halves of every key that has to sign.
	for _, k := range keys.At(c.j.size()) {
		ed, pq := k.VKeys(c.j.origin)
		c.res.Keys = append(c.res.Keys, ed, pq)
		for _, code := range []string{StepEd25519, StepMLDSA44} {
			c.holds(CheckStep{Code: code, Size: c.j.size(), Hash: k.ID().String()}, err)
		}
	}
}

// keys follows the key that signed down to the identity of the party.
func (c *check) keys() {
	keys := c.l.keyring(c.j.origin)
	for _, k := range keys.Keys()[1:] {
		cp, head, err := journal.CheckpointAt(c.j.store, k.From)
		if err == nil && head.Size != k.From {
			err = journal.ErrNoCheckpoint
		}
		if err == nil {
			_, err = keys.VerifyCheckpoint(cp)
		}
		c.holds(CheckStep{Code: StepRotation, Size: k.From, Hash: k.Key.ID().String()}, err)
	}
	known := c.l.known(c.j.party)
	first, err := rawEntry(c.j, 0)
	if err == nil {
		var e *journal.Entry
		if e, err = journal.ParseEntry(first); err == nil {
			err = journal.CheckGenesis(e, known)
		}
	}
	c.holds(CheckStep{Code: StepCertificate, Name: c.res.Name, N: int64(len(known)), Hash: string(c.j.party)}, err)
	switch p, ok := c.l.file.Partners[c.j.party]; {
	case c.j.own:
		c.step(CheckStep{Code: StepSelf, State: stepGood})
	case ok && p.Paired:
		c.step(CheckStep{Code: StepPaired, State: stepGood, Name: c.res.Name})
	default:
		c.step(CheckStep{Code: StepIntroduced, State: stepWait, Name: c.res.Name})
	}
}

// receipts verifies what each other party said to hold.
func (c *check) receipts() {
	l, ref := c.l, c.entry.Ref()
	given := l.fold.Covering(ref)
	others := 0
	for _, p := range l.fold.Parties() {
		if p == c.j.party {
			continue
		}
		others++
		i := slices.IndexFunc(given, func(g unit.Given) bool { return g.Party == p })
		if i < 0 {
			c.step(CheckStep{Code: StepReceiptNone, State: stepWait, Name: l.partyName(p), Size: l.fold.Receipted(p, c.j.origin)})
			continue
		}
		c.receipt(given[i])
	}
	if others == 0 {
		c.step(CheckStep{Code: StepNoOtherMember, State: stepWait})
	}
}

func (c *check) receipt(g unit.Given) {
	l, name := c.l, c.l.partyName(g.Party)
	err := l.checkReceipt(g)
	if !c.holds(CheckStep{Code: StepReceipt, Name: name, Size: g.Head.Size, Hash: g.Head.Root.String(), Ref: g.Ref.String(), At: g.At}, err) {
		return
	}
	path, err := tlog.ProveRecord(g.Head.Size, c.index, c.j.store)
	if err == nil {
		err = tlog.CheckRecord(path, g.Head.Size, g.Head.Root, c.index, c.entry.LeafHash)
	}
	c.holds(CheckStep{Code: StepReceiptPath, Name: name, N: int64(len(path)), Size: g.Head.Size, Hash: g.Head.Root.String()}, err)
	newest := c.j.head
	proof, err := journal.ProveConsistency(c.j.store, g.Head.Size, newest.Size)
	if err == nil {
		err = tlog.CheckTree(proof, newest.Size, newest.Root, g.Head.Size, g.Head.Root)
	}
	c.holds(CheckStep{Code: StepReceiptHead, Name: name, N: int64(len(proof)), Size: newest.Size, Hash: newest.Root.String()}, err)
	if g.Missing {
		c.step(CheckStep{Code: StepReceiptLacks, State: stepWait, Name: name})
	}
}

// checkReceipt verifies a receipt under the signatures of who gave it. The lock must be held.
func (l *ledger) checkReceipt(g unit.Given) error {
	raw, proof, err := l.provedEntry(g.Ref)
	if err != nil {
		return err
	}
	_, body, err := journal.VerifyReceipt(raw, proof, l.keyring(g.Ref.Origin))
	if err == nil && (body.Size != g.Head.Size || body.Root != g.Head.Root) {
		err = fmt.Errorf("the receipt is about another head")
	}
	return err
}

// provedEntry reads an entry with its proof under the first head that covers it. The lock must be held.
func (l *ledger) provedEntry(ref journal.Ref) (raw, proof []byte, err error) {
	for _, j := range l.journals() {
		if j.origin != ref.Origin || ref.Index >= j.size() {
			continue
		}
		if raw, err = rawEntry(j, ref.Index); err == nil {
			proof, err = journal.Prove(j.store, ref.Index, 0)
		}
		return raw, proof, err
	}
	return nil, nil, fmt.Errorf("entry %s is not held", ref)
}

// witnesses looks for cosignatures that some journal shows.
func (c *check) witnesses() {
	keys, names := c.l.witnessKeys()
	found := map[string]bool{}
	for _, ref := range c.l.fold.WitnessEntries(maxWitnessEntries) {
		e, err := c.l.entry(ref)
		if err != nil {
			continue
		}
		b, err := journal.DecodeBody[journal.WitnessBody](e, e.Kind)
		if err != nil {
			continue
		}
		o, head, err := journal.CheckpointHead([]byte(b.Checkpoint))
		if err != nil || o != c.j.origin || head.Size <= c.index {
			continue
		}
		for _, key := range keys {
			_, _, sigs, err := journal.Cosignatures([]byte(b.Checkpoint), key)
			if err != nil || len(sigs) == 0 || found[key] || len(found) == maxWitnessSteps {
				continue
			}
			found[key] = true
			root, err := c.l.rootOf(c.j.origin, head.Size)
			if err == nil && root != head.Root {
				err = fmt.Errorf("it cosigned a head that is not of the history held here")
			}
			c.holds(CheckStep{Code: StepWitness, Name: names[key], Size: head.Size, Hash: head.Root.String(), Ref: ref.String(), At: sigs[0].At}, err)
		}
	}
	if len(found) == 0 {
		c.step(CheckStep{Code: StepWitnessNone, State: stepWait})
	}
}

// witnessKeys are the keys of witnesses that this node knows, and names for them: those of members' identities and those
// that the configuration names. The lock must be held.
func (l *ledger) witnessKeys() (keys []string, names map[string]string) {
	names = map[string]string{}
	add := func(key, name string) {
		if key != "" && names[key] == "" {
			keys, names[key] = append(keys, key), name
		}
	}
	for _, p := range append(sortedParties(l.file.Partners), l.n.keys().party) {
		chain := l.known(p)
		for i := len(chain) - 1; i >= 0 && i >= len(chain)-4; i-- { // of versions before, cosignatures stand in journals, too
			if id, err := journal.ParseIdentity(chain[i]); err == nil {
				add(id.Witness, l.partyName(p))
			}
		}
	}
	for _, w := range l.n.config.Witnesses {
		add(w.VKey, w.URL)
	}
	return keys, names
}

// content says where the payload is, and who may have it.
func (c *check) content() {
	l, p := c.l, c.entry.Payload
	if p == nil {
		return
	}
	s := CheckStep{State: stepWait, N: p.Size, Hash: p.Commitment.String()}
	switch c.res.Entry.Payload {
	case "held":
		s.Code = StepHeld
		salt, data, err := l.payloads.Get(p.Commitment)
		if err == nil && (journal.Commit(salt, data) != p.Commitment || int64(len(data)) != p.Size) {
			err = journal.ErrCommitment
		}
		c.holds(s, err)
	case "destroyed":
		s.Code = StepDestroyed
		c.step(s)
	case "unreadable":
		s.Code, s.State, s.Why = StepUnreadable, stepBad, journal.ErrCommitment.Error()
		c.step(s)
	default:
		s.Code = StepNotHere
		c.step(s)
	}
	if !c.j.own || c.res.Entry.Payload != "held" {
		return
	}
	for _, other := range l.others() {
		s := CheckStep{Code: StepHandedOver, State: stepGood, Name: l.partyName(other)}
		if d := decision(l.fold.HandOver(c.entry.Ref(), other, l.n.now())); d.Verdict != "allow" {
			s.Code, s.State, s.Decision = StepWithheld, stepWait, &d
		}
		c.step(s)
	}
}
