package journal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// builder writes entries of one journal.
type builder struct {
	unit   UnitID
	author PartyID
	epoch  int

	seen    map[Origin]Head // what the next entry says at least
	seenRaw []byte          // its JSON, nil when it has to be written again
	body    []byte          // of the last entry built
}

// merge takes newly seen heads into account. A head may not go back.
func (b *builder) merge(self Origin, more map[Origin]Head) error {
	var next map[Origin]Head
	for o, h := range more {
		if err := o.Check(); err != nil {
			return err
		}
		if o == self {
			return errors.New("journal: an entry cannot say it has seen its own journal")
		}
		if h.Size < 0 || h.Size > maxIndex {
			return errors.New("journal: a head that was seen is out of range")
		}
		old, ok := b.seen[o]
		switch {
		case ok && old == h:
			continue
		case ok && h.Size < old.Size:
			return fmt.Errorf("journal: seen cannot decrease: %d entries of %s after %d", h.Size, o.Short(), old.Size)
		case ok && h.Size == old.Size:
			return fmt.Errorf("journal: two roots for %d entries of %s were given as seen; that is a fork to be proved, not seen", h.Size, o.Short())
		}
		if next == nil {
			if next = maps.Clone(b.seen); next == nil {
				next = map[Origin]Head{}
			}
		}
		next[o] = h
	}
	if next == nil {
		return nil
	}
	if len(next) > MaxSeen {
		return fmt.Errorf("journal: more than %d journals seen", MaxSeen)
	}
	b.seen, b.seenRaw = next, nil
	return nil
}

func (b *builder) seenJSON() []byte {
	if b.seenRaw == nil {
		out := []byte{'{'}
		for i, o := range slices.Sorted(maps.Keys(b.seen)) {
			if i > 0 {
				out = append(out, ',')
			}
			h := b.seen[o]
			out = append(out, '"')
			out = append(out, o...)
			out = append(out, `":{"size":`...)
			out = strconv.AppendInt(out, h.Size, 10)
			out = append(out, `,"root":"`...)
			out = base64.StdEncoding.AppendEncode(out, h.Root[:])
			out = append(out, `"}`...)
		}
		b.seenRaw = append(out, '}')
	}
	return b.seenRaw
}

// timeText formats a time as entries carry it: RFC 3339, milliseconds at most.
func timeText(t time.Time) string {
	if _, off := t.Zone(); off%60 != 0 {
		t = t.UTC()
	}
	return t.Format(time.RFC3339Nano)
}

// entry writes the bytes of the entry for a draft.
func (b *builder) entry(d Draft, at time.Time, index int64) ([]byte, error) {
	if !validKind(d.Kind) {
		return nil, fmt.Errorf("journal: %q is not a kind (1 to 64 of a-z, 0-9, '.' and '-', starting with a letter)", clip(d.Kind))
	}
	if err := d.By.Check(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if len(d.Release) > MaxRelease {
		return nil, fmt.Errorf("journal: more than %d release claims", MaxRelease)
	}
	body, err := bodyJSON(d.Body)
	if err != nil {
		return nil, err
	}
	b.body = body
	out := make([]byte, 0, 512+len(b.seenRaw)+len(body))
	out = append(out, `{"v":1,"kind":"`...)
	out = append(out, d.Kind...)
	out = append(out, `","at":"`...)
	out = append(out, timeText(at)...)
	out = append(out, `","by":`...)
	if out, err = appendBy(out, d.By); err != nil {
		return nil, err
	}
	out = append(out, `,"unit":"`...)
	out = append(out, b.unit...)
	out = append(out, `","author":"`...)
	out = append(out, b.author...)
	out = append(out, `","epoch":`...)
	out = strconv.AppendInt(out, int64(b.epoch), 10)
	out = append(out, `,"index":`...)
	out = strconv.AppendInt(out, index, 10)
	out = append(out, `,"seen":`...)
	out = append(out, b.seenJSON()...)
	for i, r := range d.Release {
		if err := r.Check(); err != nil {
			return nil, fmt.Errorf("journal: release: %w", err)
		}
		if i == 0 {
			out = append(out, `,"release":[`...)
		} else {
			out = append(out, ',')
		}
		if out, err = appendBy(out, r); err != nil {
			return nil, err
		}
		if i == len(d.Release)-1 {
			out = append(out, ']')
		}
	}
	if body != nil {
		out = append(out, `,"body":`...)
		out = append(out, body...)
	}
	if p := d.Payload; p != nil {
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		out = append(out, `,"payload":{"commitment":"`...)
		out = base64.StdEncoding.AppendEncode(out, p.Commitment[:])
		out = append(out, `","size":`...)
		out = strconv.AppendInt(out, p.Size, 10)
		out = append(out, `,"type":"`...)
		out = append(out, p.Type...)
		out = append(out, `"}`...)
	}
	return append(out, '}'), nil
}

func appendBy(out []byte, by By) ([]byte, error) {
	out = append(out, `{"agency":`...)
	out, err := jsontext.AppendQuote(out, by.Agency)
	if err != nil {
		return nil, fmt.Errorf("journal: agency: %w", err)
	}
	out = append(out, `,"role":`...)
	if out, err = jsontext.AppendQuote(out, by.Role); err != nil {
		return nil, fmt.Errorf("journal: role: %w", err)
	}
	return append(out, '}'), nil
}

func bodyJSON(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case jsontext.Value:
		return bytes.Trim(b, " \t\r\n"), nil // checked when the entry is parsed
	}
	b, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("journal: body: %w", err)
	}
	if len(b) == 0 || b[0] != '{' {
		return nil, errors.New("journal: a body has to be a JSON object")
	}
	return b, nil
}
