package journal

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Writer appends to the own journal. There is one writer for a journal; its
// methods may be called concurrently. Whatever it returns is durable.
type Writer struct {
	mu     sync.Mutex
	st     Storage
	key    *PrivateKey
	parser *Parser
	build  builder
	ledger ledger
	tree   tree
	latest []byte
	broken error

	cert Certificate // of the journal's first key; never changes
}

// WriterParams says what a writer must know before it extends a journal.
type WriterParams struct {
	// HighWater is a head that this journal is known to have reached, kept
	// outside the backup set, or told by the party's own witness. It is required
	// for a journal that is not empty: nil refuses with [ErrRolledBack], because
	// a journal whose latest head cannot be established must not be extended.
	HighWater *Head
}

// CreateWriter opens an empty storage as a new journal and writes its genesis
// entry. The certificate in g has to be for key; for a successor it comes from
// [NewSuccessor]. A failed call may be repeated.
func CreateWriter(st Storage, key *PrivateKey, g GenesisBody, now time.Time, by By) (*Writer, error) {
	cp, err := st.Latest()
	if err != nil {
		return nil, fmt.Errorf("journal: reading the latest checkpoint: %w", err)
	}
	if cp != nil {
		return nil, errors.New("journal: the storage already holds a journal; open it instead")
	}
	c, err := ParseCertificate(g.Certificate)
	if err != nil {
		return nil, err
	}
	if !c.Key.Equal(key.Public()) {
		return nil, errors.New("journal: the certificate is for another journal key")
	}
	w := &Writer{st: st, key: key, parser: NewParser(), cert: c}
	w.build = builder{unit: c.Unit, author: c.Party, epoch: c.Epoch}
	w.ledger.origin = c.Origin
	if _, _, err := w.append(now, nil, Draft{Kind: KindGenesis, By: by, Body: g}); err != nil {
		return nil, err
	}
	return w, nil
}

// OpenWriter opens an existing journal to extend it. It refuses with
// [ErrRolledBack] if storage ends below the high-water mark or does not contain
// it, and with a [*Refusal] if what is stored does not hold or the key is not
// the journal's current one. It does not read the whole journal; [Verify] does.
func OpenWriter(st Storage, key *PrivateKey, p WriterParams) (*Writer, error) {
	w := &Writer{st: st, key: key, parser: NewParser()}
	head, cp, err := openLedger(st, &w.ledger)
	if err != nil {
		return nil, err
	}
	if cp == nil {
		return nil, ErrEmpty
	}
	if p.HighWater == nil {
		return nil, fmt.Errorf("%w (no high-water mark was given)", ErrRolledBack)
	}
	if head.Size < p.HighWater.Size {
		return nil, fmt.Errorf("%w (storage ends at %d entries, %d were written)", ErrRolledBack, head.Size, p.HighWater.Size)
	}
	mark, err := loadTree(st, p.HighWater.Size)
	if err != nil {
		return nil, err
	}
	if p.HighWater.Size > 0 && mark.root() != p.HighWater.Root {
		return nil, fmt.Errorf("%w (the first %d entries are not the ones that were written)", ErrRolledBack, mark.size)
	}
	if w.tree, err = loadTree(st, head.Size); err != nil {
		return nil, err
	}
	if w.tree.head() != head {
		return nil, refuse(CodeDamaged, w.ledger.origin, -1, "the stored tree hashes do not give the signed root")
	}
	if !w.ledger.keys.Current().Equal(key.Public()) {
		return nil, refuse(CodeBadCertificate, w.ledger.origin, -1, "the key given is not the journal's current key")
	}
	w.latest, w.cert = cp, w.ledger.cert
	w.build = builder{unit: w.ledger.unit, author: w.ledger.party, epoch: w.ledger.epoch, seen: w.ledger.last.Seen}
	return w, nil
}

// Append writes entries and one signed checkpoint over them, durably, and
// returns them. At most [MaxBatchEntries] entries or [MaxBatchBytes] bytes at a
// time. An entry's time is its draft's, or now, but never below its predecessor's.
// What a receipt covers is added to seen.
//
// If storage fails, nothing is known about what is durable; the writer then
// refuses with [ErrBroken] until it is opened again. It never signs another
// entry for an index it has already signed.
func (w *Writer) Append(now time.Time, drafts ...Draft) ([]*Entry, Head, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range drafts {
		if d.Kind == KindGenesis || d.Kind == KindRotate {
			return nil, Head{}, fmt.Errorf("journal: %s entries are not appended as drafts", d.Kind)
		}
	}
	return w.append(now, nil, drafts...)
}

// Rotate writes the entry that replaces the journal's key and signs its
// checkpoint with both; from then on next signs. The certificate has to name
// the key that it replaces (see [Certificate]). The caller must have stored next
// safely before.
func (w *Writer) Rotate(now time.Time, by By, next *PrivateKey, certificate Signed) (*Entry, Head, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	es, h, err := w.append(now, next, Draft{Kind: KindRotate, By: by, Body: RotateBody{next.Public(), certificate}})
	if err != nil {
		return nil, Head{}, err
	}
	w.key = next
	return es[0], h, nil
}

func (w *Writer) append(now time.Time, next *PrivateKey, drafts ...Draft) ([]*Entry, Head, error) {
	switch {
	case w.broken != nil:
		return nil, Head{}, w.broken
	case len(drafts) == 0:
		return nil, Head{}, errors.New("journal: nothing to append")
	case len(drafts) > MaxBatchEntries:
		return nil, Head{}, fmt.Errorf("journal: %d entries are more than the %d of one append", len(drafts), MaxBatchEntries)
	}
	led, tr, build := w.ledger, w.tree.clone(), w.build
	b := Batch{First: tr.size, Entries: make([][]byte, 0, len(drafts)), Hashes: make([]Hash, 0, 2*len(drafts)+64)}
	entries := make([]*Entry, 0, len(drafts))
	size := 0
	for _, d := range drafts {
		e, err := w.next(&build, &led, d, now, tr.size)
		if err != nil {
			return nil, Head{}, err
		}
		if size += len(e.Raw); size > MaxBatchBytes {
			return nil, Head{}, fmt.Errorf("journal: more than %d bytes in one append", MaxBatchBytes)
		}
		b.Hashes = tr.add(e.LeafHash, b.Hashes)
		b.Entries = append(b.Entries, e.Raw)
		entries = append(entries, e)
	}
	head := tr.head()
	keys := []*PrivateKey{w.key}
	if next != nil {
		keys = append(keys, next)
	}
	var err error
	if b.Checkpoint, err = SignCheckpoint(led.origin, head, led.last.At, keys...); err != nil {
		return nil, Head{}, err
	}
	if err := w.st.Append(b); err != nil {
		w.broken = fmt.Errorf("%w (%w)", ErrBroken, err)
		return nil, Head{}, w.broken
	}
	w.ledger, w.tree, w.build, w.latest = led, tr, build, b.Checkpoint
	return entries, head, nil
}

// next builds one entry and checks it by the same rules as a mirror does.
func (w *Writer) next(b *builder, led *ledger, d Draft, now time.Time, index int64) (*Entry, error) {
	at := d.At
	if at.IsZero() {
		at = now
	}
	at = at.Truncate(time.Millisecond)
	if led.last != nil && at.Before(led.last.At) {
		at = led.last.At
	}
	if err := b.merge(led.origin, d.Seen); err != nil {
		return nil, err
	}
	if err := b.coverReceipt(led.origin, d.Body); err != nil {
		return nil, err
	}
	raw, err := b.entry(d, at, index)
	if err != nil {
		return nil, err
	}
	e, err := w.parser.Parse(raw)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(e.Body, b.body) {
		return nil, errors.New("journal: the body is not one JSON object")
	}
	if r := led.step(e, nil); r != nil {
		return nil, r
	}
	return e, nil
}

// coverReceipt makes seen cover a head that is receipted.
func (b *builder) coverReceipt(self Origin, body any) error {
	var r ReceiptBody
	switch x := body.(type) {
	case ReceiptBody:
		r = x
	case *ReceiptBody:
		r = *x
	default:
		return nil
	}
	if b.seen[r.Origin].Size > r.Size {
		return nil
	}
	return b.merge(self, map[Origin]Head{r.Origin: r.Head()})
}

// Head returns the durable head.
func (w *Writer) Head() Head {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tree.head()
}

// Checkpoint returns the signed checkpoint of [Writer.Head].
func (w *Writer) Checkpoint() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Clone(w.latest)
}

// Keyring returns the key schedule.
func (w *Writer) Keyring() *Keyring {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.keys
}

// Certificate returns the certificate of the journal's first key.
func (w *Writer) Certificate() Certificate { return w.cert }

// Identities returns the author's identity chain as far as the journal tells it.
func (w *Writer) Identities() ([]Signed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.ledger.completeChain()
	return append([]Signed(nil), w.ledger.chain...), err
}

// Last returns the newest entry.
func (w *Writer) Last() *Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.last
}

// Origin returns the journal's name.
func (w *Writer) Origin() Origin { return w.cert.Origin }

// Unit returns the unit that the journal belongs to.
func (w *Writer) Unit() UnitID { return w.cert.Unit }

// Party returns the party that writes the journal.
func (w *Writer) Party() PartyID { return w.cert.Party }

// Epoch returns 0, or n for the n-th successor after a restore.
func (w *Writer) Epoch() int { return w.cert.Epoch }
