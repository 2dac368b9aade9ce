package intel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"entente/internal/guard"
	"entente/internal/observable"
	"entente/journal"
)

// Config is what an Intel stands on. Log and Objects are required.
type Config struct {
	Log     Log
	Objects Objects
	// Payloads gives received payloads again for replay. Without it only
	// payloads just received are known.
	Payloads Payloads
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Guard holds what an indicator from a partner must not name; default
	// guard.Default().
	Guard *Guard
	// Aging says for how long sensors are given values that say nothing of it, or too
	// long a time; nil: as long as the indicator says.
	Aging Aging
	// Logger gets what a person may want to know; default: discards.
	Logger *slog.Logger
	// MaxImportBytes bounds one import after decompression; default 16 GiB.
	MaxImportBytes int64

	bare bool // no lists are made: what they cost is measured against this
}

// Intel is what a node knows. All methods are safe for concurrent use; what
// changes something waits for its turn.
type Intel struct {
	cfg Config

	mu    sync.Mutex // one record is made and applied at a time
	next  int64      // record of the log to apply next
	free  int64      // smallest free slot
	ready bool       // everything in the log is applied

	changes uint64 // of what sensors are given, before all was derived again
	moves   moves
	fresh   []string                   // ids that are to be worked off before others
	leftOut [ActiveBuckets]atomic.Bool // see KeepsBack
	// wasFresh: the last batch was of those.
	wasFresh bool
	// lastTouched is the last id that was worked off in its turn.
	lastTouched string

	touched chan struct{} // one token: something waits for UpdateActive
	taken   chan struct{} // one token: something may have been taken back
	closed  bool

	inForce atomic.Pointer[Guard] // cfg.Guard, for who reads while a rebuild holds mu
	// everywhere is what this party sees everywhere, and why it is thought so.
	everywhere atomic.Pointer[map[observable.Value]string]
	policy     policy
}

// Open begins to work on a log and on what is derived from it. It applies
// nothing yet (payloads may not be at hand so early): see CatchUp. Derived
// content that does not belong to the log is dropped and will be derived again.
func Open(cfg Config) (*Intel, error) {
	if cfg.Log == nil || cfg.Objects == nil {
		return nil, errors.New("intel: a log and an object store are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Guard == nil {
		cfg.Guard = guard.Default()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxImportBytes <= 0 {
		cfg.MaxImportBytes = 16 << 30
	}
	in := &Intel{cfg: cfg, touched: make(chan struct{}, 1), taken: make(chan struct{}, 1), policy: policyOf(cfg.Guard, cfg.Aging)}
	in.inForce.Store(cfg.Guard)
	signal(in.touched) // what a former process left
	signal(in.taken)
	if err := in.readCursor(); err != nil {
		return nil, err
	}
	return in, nil
}

var cursorKey = []byte{keyMeta}

// layout is the version of the derived rows; another one is derived again.
const layout = 9

// givenSince is the oldest layout of which what sensors were given (see given.go) can be read.
const givenSince = 8

func cursorValue(next, free int64, last []byte) []byte {
	sum := sha256.Sum256(last)
	b := []byte{layout}
	b = binary.BigEndian.AppendUint64(b, uint64(next))
	b = binary.BigEndian.AppendUint64(b, uint64(free))
	return append(b, sum[:]...)
}

// readCursor establishes how far the log is applied. The cursor carries the
// SHA-256 of the last record, so that content derived from another log (an
// older backup, a replaced folder) is noticed.
func (in *Intel) readCursor() error {
	value, ok, err := in.cfg.Objects.Get(cursorKey)
	if err != nil {
		return fmt.Errorf("intel: %w", err)
	}
	in.next, in.free, in.ready = 0, 1, false
	if ok {
		next, free, fits, err := readCursorValue(in.cfg.Log, value)
		if err != nil {
			return fmt.Errorf("intel: %w", err)
		}
		if fits {
			in.next, in.free = next, free
			return nil
		}
	}
	if ok {
		in.cfg.Logger.Warn("the derived objects do not belong to the local log and are derived again")
		if len(value) > 0 && value[0] >= givenSince {
			err = in.forget(context.Background())
		} else {
			err = in.cfg.Objects.Reset(nil)
		}
		if err != nil {
			return fmt.Errorf("intel: %w", err)
		}
	}
	return nil
}

// readCursorValue reads a cursor, and tells whether it is one of this log.
func readCursorValue(log Log, value []byte) (next, free int64, fits bool, err error) {
	if len(value) != 1+8+8+32 || value[0] != layout {
		return 0, 1, false, nil
	}
	next, free = int64(binary.BigEndian.Uint64(value[1:])), int64(binary.BigEndian.Uint64(value[9:]))
	if next <= 0 || next > log.Len() {
		return 0, 1, false, nil
	}
	last, err := log.Record(next - 1)
	return next, free, err == nil && bytes.Equal(cursorValue(next, free, last), value), err
}

// Close ends the work: it waits for what TAXII clients are adding, and refuses more. The log and the object store
// belong to the caller.
func (in *Intel) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	return nil
}

// CatchUp applies what the log has and the derived content lacks, as after a
// crash. Everything that changes something calls it; calling it at the start
// lets reading see everything.
func (in *Intel) CatchUp(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.catchUp(ctx, nil)
}

// Behind tells whether something waits for [Intel.Mend]: a record that is not
// applied, or a log that does not take any. It does not wait for work under way.
func (in *Intel) Behind() bool {
	if !in.mu.TryLock() {
		return false
	}
	defer in.mu.Unlock()
	if l, ok := in.cfg.Log.(mendable); ok && l.Fault() != nil {
		return true
	}
	return !in.ready || in.next != in.cfg.Log.Len()
}

// Mend goes on after the disk failed: the log is opened again if it has to be, and
// what it then holds is applied.
func (in *Intel) Mend(ctx context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if l, ok := in.cfg.Log.(mendable); ok {
		if err := l.Mend(); err != nil {
			return fmt.Errorf("intel: opening the local log again: %w", err)
		}
	}
	return in.catchUp(ctx, nil)
}

// mendable is a log that can be opened again after a failure.
type mendable interface {
	Fault() error
	Mend() error
}

// Progress tells how far long work is.
type Progress struct {
	Objects int64 // read so far
	Records int64 // of the log, applied so far (replay)
	Total   int64 // records in all (replay)
}

func (in *Intel) catchUp(ctx context.Context, progress func(Progress)) error {
	if in.ready && in.next == in.cfg.Log.Len() {
		return nil
	}
	p := Progress{Total: in.cfg.Log.Len()}
	for rec, err := range in.cfg.Log.Records(in.next) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("intel: reading the local log: %w", err)
		}
		n, err := in.replay(ctx, rec)
		if err != nil {
			return fmt.Errorf("intel: applying record %d of the local log: %w", in.next, err)
		}
		p.Objects += n
		p.Records = in.next
		if progress != nil {
			progress(p)
		}
	}
	in.ready = true
	return nil
}

// replay applies one record as it is in the log.
func (in *Intel) replay(ctx context.Context, rec []byte) (int64, error) {
	h, body, err := decodeRecord(rec)
	if err != nil {
		return 0, err
	}
	var items []item
	missing := false
	switch h.Kind {
	case kindImport:
		items, err = decodeItems(body)
	case kindReceive:
		if h.Count == 0 {
			break // nothing in it could be read: its bytes may be a bomb, and are not opened again
		}
		items, err = in.fetch(ctx, h.Receive)
		if errors.Is(err, ErrGone) {
			missing, err = true, nil
		}
	}
	if err != nil {
		return 0, err
	}
	t := newTx(in.cfg.Objects)
	if err := t.fetch(items); err != nil {
		return 0, err
	}
	if _, err := t.apply(h, items, missing); err != nil {
		return 0, err
	}
	return int64(len(items)), in.write(t, h, rec)
}

// fetch reads the objects of a received payload again.
func (in *Intel) fetch(ctx context.Context, r *receiveRec) ([]item, error) {
	if in.cfg.Payloads == nil {
		return nil, ErrGone
	}
	plain, err := in.cfg.Payloads.Payload(ctx, r.Received.Unit, r.Received.Ref, r.Received.Commitment)
	if err != nil {
		return nil, err
	}
	objects, _, err := readPayload(plain)
	if err != nil {
		return nil, err
	}
	return in.newItems(objects, nil), nil
}

// signal leaves one token for whoever waits.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// write makes the changes of one record and moves the cursor with them.
func (in *Intel) write(t *tx, h header, rec []byte) error {
	if err := t.finish(h.Base); err != nil {
		return err
	}
	free := max(in.free, h.Base+h.Count)
	t.add(cursorKey, cursorValue(in.next+1, free, rec))
	if err := in.cfg.Objects.Write(t.changes); err != nil {
		return err
	}
	in.next++
	in.free = free
	if t.touches {
		in.freshen(t)
		signal(in.touched)
	}
	if t.taken {
		signal(in.taken)
	}
	return nil
}

// begin makes the header of a record that reserves count slots.
func (in *Intel) begin(kind string, count int64) header {
	now := in.cfg.Now()
	base := max(now.UnixMicro(), in.free)
	return header{V: recordVersion, Kind: kind, At: now.UTC().Truncate(time.Microsecond), Base: base, Count: count}
}

// commit makes a record durable in the log, then applies what it changes. When
// the second fails, the log has the record and the next call applies it.
func (in *Intel) commit(t *tx, h header, body []byte) error {
	rec, err := encodeRecord(h, body)
	if err != nil {
		return fmt.Errorf("intel: %w", err)
	}
	if _, err := in.cfg.Log.Append(rec); err != nil {
		return fmt.Errorf("intel: writing the local log: %w", err)
	}
	if err := in.write(t, h, rec); err != nil {
		in.ready = false
		return fmt.Errorf("intel: %w", err)
	}
	return nil
}

// recordRow is what is kept of a record of the log that brought objects.
type recordRow struct {
	Kind      string      `json:"kind"`
	At        time.Time   `json:"at"`
	Count     int64       `json:"count"`
	Import    *Source     `json:"import,omitzero"`
	Receive   *receiveRec `json:"receive,omitzero"`
	Missing   bool        `json:"missing,omitzero"`   // the payload was not at hand
	Destroyed bool        `json:"destroyed,omitzero"` // the payload was destroyed
}

// apply turns a record into changes. It depends on nothing but the record, its
// objects and what is derived so far.
func (t *tx) apply(h header, items []item, missing bool) ([]outcome, error) {
	switch h.Kind {
	case kindImport:
		row := recordRow{Kind: h.Kind, At: h.At, Count: h.Count, Import: h.Import}
		if err := t.setJSON(key8(keyRecord, h.Base), row); err != nil {
			return nil, err
		}
		c, err := h.collection()
		if err != nil {
			return nil, err
		}
		return t.arriveAll(h, c, items, func(int64) *Reason { return h.Import.Hold })
	case kindReceive:
		return t.applyReceive(h, items, missing)
	case kindDecide:
		return nil, t.applyDecide(h)
	case kindDestroy:
		return nil, t.applyDestroy(h.Destroy)
	case kindRemove:
		_, err := t.applyRemove(h.Remove)
		return nil, err
	}
	return nil, ErrRecord
}

func (t *tx) arriveAll(h header, c collID, items []item, held func(n int64) *Reason) ([]outcome, error) {
	if int64(len(items)) > h.Count {
		return nil, fmt.Errorf("%w: it reserves %d slots for %d objects", ErrRecord, h.Count, len(items))
	}
	if len(t.changes) == 0 {
		t.expect(len(items))
	}
	out := make([]outcome, len(items))
	for i := range items {
		var err error
		if out[i], err = t.arrive(h.Base+int64(i), h.Base, c, &items[i], held(int64(i))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// applyReceive applies a received payload.
func (t *tx) applyReceive(h header, items []item, missing bool) ([]outcome, error) {
	r := h.Receive
	gone, err := t.destroyed(r.Received.Ref)
	if err != nil {
		return nil, err
	}
	row := recordRow{Kind: h.Kind, At: h.At, Count: h.Count, Receive: r, Missing: missing && !gone, Destroyed: gone}
	if err := t.setJSON(key8(keyRecord, h.Base), row); err != nil {
		return nil, err
	}
	t.set(refKey(r.Received.Ref), value8(h.Base))
	c := partnerColl(r.Received.Unit, r.Received.From)
	source := append([]byte{keySource}, c[:]...)
	if err := t.setJSON(source, feed{r.Received.Unit, r.Received.From}); err != nil {
		return nil, err
	}
	if gone || missing {
		return nil, nil
	}
	single := r.Items
	return t.arriveAll(h, c, items, func(n int64) *Reason {
		if len(r.Hold) > 0 {
			return &r.Hold[0]
		}
		if len(single) > 0 && single[0].N == n {
			reason := single[0].Reason
			single = single[1:]
			return &reason
		}
		return nil
	})
}

func refKey(ref journal.Ref) []byte { return append([]byte{keyRef}, ref.String()...) }
