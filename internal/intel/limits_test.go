package intel

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestLimits reaches the bounds of docs/limits.md on what one payload may hold: the
// objects up to there are looked at, and the payload counts as broken off, so that it
// is held as a whole.
func TestLimits(t *testing.T) {
	object := func(i int, rest string) string {
		return fmt.Sprintf(`{"type":"indicator","id":"indicator--%08x-0000-4000-8000-000000000001"%s}`, i, rest)
	}
	payload := func(n int, rest string) []byte {
		var list []string
		for i := range n {
			list = append(list, object(i, rest))
		}
		return []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[` + strings.Join(list, ",") + `]}`)
	}
	many := `,"x":[` + strings.TrimSuffix(strings.Repeat("0,", 1000), ",") + `]` // 1007 values an object
	for _, x := range []struct {
		limit            string
		plain            []byte
		objects, invalid int
	}{
		{"maxPayloadObjects, within", payload(maxPayloadObjects, ""), maxPayloadObjects, 0},
		{"maxPayloadObjects", payload(maxPayloadObjects+1, ""), maxPayloadObjects, 1},
		{"maxPayloadValues, within", payload(maxPayloadValues/1007, many), maxPayloadValues / 1007, 0},
		{"maxPayloadValues", payload(maxPayloadValues/1007+1, many), maxPayloadValues / 1007, 1},
	} {
		objects, invalid, err := readPayload(x.plain)
		if err != nil || len(objects) != x.objects || int(invalid) != x.invalid {
			t.Errorf("%s: %d objects and %d that are none, want %d and %d (%v)", x.limit, len(objects), invalid, x.objects, x.invalid, err)
		}
	}
}

// TestLimitsOfRecords reaches the bounds on what a record of the local log may say, and
// on what one query keeps in memory.
func TestLimitsOfRecords(t *testing.T) {
	decode := func(base, count int64) error {
		record, err := encodeRecord(header{V: recordVersion, Kind: kindDecide, Base: base, Count: count, Decide: &decideRec{}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = decodeRecord(record)
		return err
	}
	decide := func(slot int64) error {
		d := &decideRec{Slots: [][2]int64{{slot, 1}}}
		return newTx(&Memory{}).applyDecide(header{V: recordVersion, Kind: kindDecide, Base: 1, Count: 1, Decide: d})
	}
	body := func(n int) error {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = decodeItems(w.EncodeAll(bytes.Repeat([]byte{0xff}, n), nil))
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			return err
		}
		return nil // a tag that is not known, seen once all of it was decompressed
	}
	for _, x := range []struct {
		limit   string
		in, out error
		is      error
	}{
		{"maxSlot, of a record", decode(maxSlot, 0), decode(maxSlot+1, 0), ErrRecord},
		{"maxSlots", decode(1, maxSlots), decode(1, maxSlots+1), ErrRecord},
		{"maxBody", body(maxBody), body(maxBody + 1), ErrRecord},
	} {
		if x.in != nil || !errors.Is(x.out, x.is) {
			t.Errorf("%s: %v and %v", x.limit, x.in, x.out)
		}
	}
	// A decision on an object that is not there is refused in other words.
	if in, out := decide(maxSlot), decide(maxSlot+1); errors.Is(in, ErrRecord) || !errors.Is(out, ErrRecord) {
		t.Errorf("maxSlot, of a decision: %v and %v", in, out)
	}
	objects := &Memory{}
	r := newReader(objects)
	for i := range int64(maxRecordsKept + 1) {
		if err := objects.Write([]Change{{Key: key8(keyRecord, i), Value: []byte("{}")}}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.record(i); err != nil {
			t.Fatal(err)
		}
		if want := int(i)%maxRecordsKept + 1; len(r.records) != want {
			t.Fatalf("maxRecordsKept: %d after %d, want %d", len(r.records), i+1, want)
		}
	}
}
