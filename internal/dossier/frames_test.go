package dossier_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/go-json-experiment/json"

	"entente/internal/dossier"
	"entente/journal"
)

// Kinds of records, written down here a second time on purpose: the format must not move.
const (
	kEntry, kCheckpoint                                     = 1, 2
	kManifest, kText, kJournal, kPayload, kProof, kEnd byte = 16, 17, 18, 19, 20, 21
	kPage                                              byte = 22
)

// frame is one record of a dossier and what it is about.
type frame struct {
	kind     byte
	from, to int // bytes in the file
	content  []byte
	ref      *journal.Ref // entry, payload, text; the last entry covered for a checkpoint
}

// frames reads a dossier with nothing of the package that is tested.
func frames(t testing.TB, file []byte) []frame {
	t.Helper()
	var out []frame
	var origin journal.Origin
	var next int64
	at := len("entente/dossier/v1\n")
	for rest := file[at:]; len(rest) > 0; {
		kind, content, after, err := journal.ReadRecord(rest)
		ok(t, err)
		f := frame{kind: kind, from: at, to: at + len(rest) - len(after), content: content}
		at, rest = f.to, after
		switch kind {
		case kJournal:
			var h dossier.JournalHeader
			ok(t, json.Unmarshal(content, &h))
			origin, next = h.Origin, 0
		case kEntry:
			f.ref = &journal.Ref{Origin: origin, Index: next}
			next++
		case kCheckpoint:
			f.ref = &journal.Ref{Origin: origin, Index: next - 1}
		case kPayload, kText:
			f.ref = &journal.Ref{Origin: journal.Origin(content[:72]), Index: int64(binary.BigEndian.Uint64(content[72:80]))}
		}
		out = append(out, f)
	}
	return out
}

// build writes records again with right hashes and a right end record: what somebody does who
// forges a dossier instead of damaging it.
func build(fs []frame) []byte {
	out := []byte(dossier.Magic)
	var n [6]uint64
	for _, f := range fs {
		switch f.kind {
		case kJournal:
			n[0]++
		case kEntry:
			n[1]++
		case kCheckpoint:
			n[2]++
		case kPayload, kText:
			n[3]++
		case kProof:
			n[4]++
		case kEnd:
			continue
		}
		out = journal.AppendRecord(out, f.kind, f.content)
	}
	n[5] = uint64(len(out))
	var end []byte
	for _, x := range n {
		end = binary.BigEndian.AppendUint64(end, x)
	}
	sum := sha256.Sum256(out)
	return journal.AppendRecord(out, kEnd, append(end, sum[:]...))
}

func TestSpecifiedLayout(t *testing.T) {
	for _, file := range [][]byte{two(), three()} {
		fs := frames(t, file)
		if !bytes.Equal(build(fs), file) {
			t.Error("a dossier written from the specification differs")
		}
		order := []byte{kManifest, kText, kJournal, kPayload, kEnd}
		last := 0
		for _, f := range fs {
			k := f.kind
			if k == kEntry || k == kCheckpoint {
				k = kJournal
			}
			i := bytes.IndexByte(order, k)
			if i < last {
				t.Fatalf("a record of kind %d stands after one of kind %d", f.kind, order[last])
			}
			last = i
		}
	}
}
