package intel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// What sensors were given. A reader of a feed may keep what it had, as MISP does: where each value was, what is gone since,
// and which source fell, cannot be derived from what is known now. So it stays when all else is derived again. It is in front
// of all other rows, which are removed in one step.
//
//	G v hash(value)                -> bucket        see place.go
//	G w feed 00 source             -> low, since    see fallen.go
//	G x bucket type 00 value 00 id -> when, entry   one that is given no more, or not so widely: see gone.go
//	G y bucket type 00 value 00 id -> entry         one that was given when all was derived again last, until it is looked at
const keyGiven = 'G'

func givenKey(kind byte, rest string) []byte { return append([]byte{keyGiven, kind}, rest...) }

// SyncGiven makes durable what sensors were given up to now. Who hands it to a reader that keeps it calls it before: a change
// after it is then told, whatever happens to this process.
func (in *Intel) SyncGiven() error { return in.cfg.Objects.Sync() }

// forget removes what can be derived.
func (in *Intel) forget(ctx context.Context) error {
	if change, _, err := (reading{in.cfg.Objects}).activeState(); err == nil {
		in.changes = max(in.changes, change)
	}
	in.moves.forget()
	in.fresh = nil
	err := in.keepGiven(ctx)
	if err == nil {
		if err = in.cfg.Objects.Sync(); err != nil {
			return err
		}
		err = in.cfg.Objects.Reset([]byte{keyGiven + 1})
	} else if !errors.Is(err, errUnread) {
		return err
	}
	if err == nil {
		return nil
	}
	if lost := in.cfg.Objects.Reset(nil); lost != nil {
		return lost
	}
	in.cfg.Logger.Warn("what sensors were given cannot be read and is forgotten: who keeps what a MISP feed gave is not told what left it before", "err", err)
	return nil
}

var errUnread = errors.New("reading what sensors were given")

// keepGiven sees to it that all that was given can be read, and keeps what is given now.
func (in *Intel) keepGiven(ctx context.Context) error {
	t := newTx(in.cfg.Objects)
	n := 0
	for _, prefix := range [...][]byte{{keyGiven}, activeKey('a', ""), activeKey('v', ""), activeKey('w', ""), activeKey('x', "")} { // the last three in layout 8
		for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), false) {
			if err != nil {
				return fmt.Errorf("%w: %w", errUnread, err)
			}
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			switch good := goodGiven(row); {
			case row.Key[0] == keyActive && good:
				kind := row.Key[1]
				if kind == 'a' {
					kind = 'y'
				}
				t.add(givenKey(kind, string(row.Key[2:])), bytes.Clone(row.Value))
			case row.Key[0] == keyGiven && !good:
				t.changes = append(t.changes, Change{Key: bytes.Clone(row.Key), Delete: true})
			}
			if len(t.changes) >= 50_000 {
				if err := in.cfg.Objects.Write(t.changes); err != nil {
					return err
				}
				t = newTx(in.cfg.Objects)
			}
		}
	}
	return in.cfg.Objects.Write(t.changes)
}

// goodGiven tells whether a row can be read.
func goodGiven(row Row) bool {
	if len(row.Key) < 4 {
		return false
	}
	var err error
	inBucket := binary.BigEndian.Uint16(row.Key[2:]) < ActiveBuckets
	switch row.Key[1] {
	case 'v':
		return len(row.Value) == 2 && binary.BigEndian.Uint16(row.Value) < ActiveBuckets
	case 'w':
		return len(row.Value) == 9
	case 'x':
		_, err = parseGone(row)
		return inBucket && err == nil
	case 'a', 'y':
		_, err = parseActive(row)
		return inBucket && err == nil
	}
	return false
}

// givenBefore gives the first of what was given when all was derived again, and was not looked at since.
func (in *Intel) givenBefore() (rows []Row, err error) {
	from := givenKey('y', "")
	for row, err := range in.cfg.Objects.Scan(from, after(from), false) {
		if err != nil {
			return nil, err
		}
		if rows = append(rows, Row{Key: bytes.Clone(row.Key), Value: bytes.Clone(row.Value)}); len(rows) == activeBatch {
			break
		}
	}
	return rows, nil
}

// takeGiven gives what was given under a key when all was derived again; nil: nothing was.
func (u *activeUpdate) takeGiven(key string) ([]byte, error) {
	given := givenKey('y', key[2:])
	value, ok, err := u.get(given)
	if err != nil || !ok {
		return nil, err
	}
	u.remove(given)
	return value, nil
}

// givenNoMore looks at what was given when all was derived again and has not come back: it is gone.
func (u *activeUpdate) givenNoMore(row Row) error {
	key := string(activeKey('a', string(row.Key[2:])))
	u.remove(row.Key)
	if _, there, err := u.get([]byte(key)); err != nil || there {
		return err
	}
	u.moves(binary.BigEndian.Uint16([]byte(key[2:4])), key[strings.LastIndexByte(key, 0)+1:])
	return u.went(key, row.Value)
}

// givenText is about how long a text of [Intel.GivenTexts] is.
const givenText = 1 << 20

// maxGivenKey is what a store takes (see [Objects]), in bytes.
const maxGivenKey = 4 << 10

// GivenTexts yields what sensors were given as texts that [Intel.TakeGiven] reads, for a backup. A text is valid until the
// next step.
func (in *Intel) GivenTexts(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var text []byte
		// What leaves meanwhile is in two of the rows, not in none.
		for _, prefix := range [...][]byte{givenKey('y', ""), activeKey('a', ""), givenKey('v', ""), givenKey('w', ""), givenKey('x', "")} {
			for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), false) {
				if err = errors.Join(err, ctx.Err()); err != nil {
					yield(nil, err)
					return
				}
				key := givenKey(row.Key[1], string(row.Key[2:]))
				if row.Key[0] == keyActive {
					key[1] = 'y'
				}
				text = appendTexts(text, string(key), string(row.Value))
				if len(text) < givenText {
					continue
				}
				if !yield(text, nil) {
					return
				}
				text = text[:0]
			}
		}
		if len(text) > 0 {
			yield(text, nil)
		}
	}
}

// TakeGiven takes in one text of [Intel.GivenTexts], before anything is given: as of what was given before. What makes no
// sense is left out: whole tells that there was nothing of the kind.
func (in *Intel) TakeGiven(text []byte) (whole bool, err error) {
	whole = true
	t := newTx(in.cfg.Objects)
	for len(text) > 0 {
		var row Row
		for _, part := range []*[]byte{&row.Key, &row.Value} {
			var s string
			if s, text, err = cutText(text); err != nil {
				return false, in.cfg.Objects.Write(t.changes)
			}
			*part = []byte(s)
		}
		if len(row.Key) <= maxGivenKey && goodGiven(row) && row.Key[0] == keyGiven {
			t.add(row.Key, row.Value)
		} else {
			whole = false
		}
	}
	return whole, in.cfg.Objects.Write(t.changes)
}
