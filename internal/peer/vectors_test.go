package peer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"entente/journal"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// packetVector says how a packet in testdata/vectors has to be read.
type packetVector struct {
	File   string       `json:"file"`
	About  string       `json:"about"`
	SHA256 string       `json:"sha256"`
	Code   string       `json:"code"`  // "" if it is read to its end, else what it is refused with
	Items  []vectorItem `json:"items"` // what comes out before that
	More   bool         `json:"more"`
}

type vectorItem struct {
	Run        journal.Origin `json:"run,omitzero"`
	First      int64          `json:"first,omitzero"`
	Leaves     []journal.Hash `json:"leaves,omitzero"` // SHA-256(0x00 || entry)
	Checkpoint string         `json:"checkpoint_sha256,omitzero"`
	Payload    journal.Hash   `json:"payload,omitzero"`
	Refusal    string         `json:"refusal,omitzero"`
}

// frameOf is a frame written by the document, section 2.
func frameOf(kind byte, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(data))), data...)
}

// packets are the files of testdata/vectors but for their list.
func packets(t *testing.T) (names, about []string, files map[string][]byte) {
	w := theWire(t)
	s := w.fresh(t)
	o := w.north.writer.Origin()
	files = make(map[string][]byte)
	put := func(name, what string, data []byte) {
		names, about = append(names, name), append(about, what)
		files[name] = data
	}
	write := func(more bool, f func(*Writer)) []byte {
		var buf bytes.Buffer
		pw, err := NewWriter(&buf, Limits{}, w.hello(s, nil, w.payload.Commitment))
		if err != nil {
			t.Fatal(err)
		}
		f(pw)
		if err := pw.Close(more); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	run := func(from, to int64) Run {
		r, ok := wireRun(t, w.north.own, o, from, to)
		if !ok {
			t.Fatalf("no run from %d to %d", from, to)
		}
		return r
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	whole := write(true, func(pw *Writer) {
		must(pw.Run(run(0, 1)))
		must(pw.Run(run(1, 2)))
		must(pw.Payload(w.payload))
		must(pw.Run(run(2, 4)))
		must(pw.Refusal(Refusal{Code: CodeGap, Origin: o, Index: 3, Detail: "for people"}))
	})
	put("whole.packet", "a hello, three runs, a payload, a refusal, more to come", whole)
	put("empty.packet", "a hello and an end", write(false, func(*Writer) {}))
	put("shown.packet", "a checkpoint that is shown, without entries", write(false, func(pw *Writer) { must(pw.Run(Run{Origin: o, Checkpoint: run(0, 4).Checkpoint})) }))

	empty := files["empty.packet"]
	hello := len(Magic) + 5 + int(binary.BigEndian.Uint32(empty[len(Magic)+1:]))
	with := func(frame []byte, frames, bytes int) []byte {
		body := slices.Concat(empty[:hello], frame)
		sum := sha256.Sum256(body)
		end, err := json.Marshal(struct {
			Frames   int    `json:"frames"`
			Entries  int    `json:"entries"`
			Payloads int    `json:"payloads"`
			Refusals int    `json:"refusals"`
			Bytes    int    `json:"bytes"`
			More     bool   `json:"more"`
			SHA256   string `json:"sha256"`
		}{frames, 0, 0, 0, len(body), false, base64.StdEncoding.EncodeToString(sum[:])})
		must(err)
		return append(body, frameOf(0x08, end)...)
	}
	put("by-hand.packet", "the empty packet with its end frame written from the document", with(nil, 1, 0))
	put("optional.packet", "a frame of an unknown optional type, which is skipped", with(frameOf(0xf0, []byte("later")), 2, 10))
	put("unknown.packet", "a frame of an unknown type that is not optional", with(frameOf(0x70, []byte("later")), 2, 10))
	put("cut.packet", "cut in the middle", whole[:len(whole)/2])
	put("unended.packet", "without its end frame", whole[:bytes.LastIndex(whole, []byte(`{"frames"`))-5])
	changed := bytes.Clone(whole)
	changed[bytes.Index(changed, []byte(`"kind":"share"`))+9] = 'S'
	put("changed.packet", "a byte of an entry changed, the sum not made right", changed)
	put("trailing.packet", "a byte after the end", append(bytes.Clone(whole), 0))
	put("later.packet", "version 2 of the format", append([]byte("entente packet 2\n"), whole[len(Magic):]...))
	put("twice.packet", "a second hello", with(empty[len(Magic):hello], 2, 10))
	put("naked.packet", "an entry outside a run", with(frameOf(0x03, []byte("{}")), 2, 10))

	// The inside of a courier file; age hides it behind randomness.
	id, err := age.GenerateX25519Identity()
	must(err)
	var file bytes.Buffer
	_, _, err = ExportCourier(t.Context(), w.north, &file, CourierExport{Unit: w.north.unit, From: w.north.id, To: s.id, Want: []journal.Hash{w.payload.Commitment},
		Recipients: []age.Recipient{id.Recipient()}, Now: wireNow})
	must(err)
	dec, err := age.Decrypt(&file, id)
	must(err)
	inside, err := io.ReadAll(dec)
	must(err)
	put("courier-inside.packet", "what age --decrypt shows of a courier file", inside)
	return names, about, files
}

// readVector does what another implementation does with a packet.
func readVector(file []byte) (items []vectorItem, more bool, code string) {
	r, err := NewReader(bytes.NewReader(file), Limits{})
	for err == nil {
		var it Item
		if it, err = r.Next(); err != nil {
			break
		}
		switch {
		case it.Run != nil:
			sum := sha256.Sum256(it.Run.Checkpoint)
			x := vectorItem{Run: it.Run.Origin, First: it.Run.First, Checkpoint: hex.EncodeToString(sum[:])}
			for _, e := range it.Run.Entries {
				x.Leaves = append(x.Leaves, sha256.Sum256(append([]byte{0}, e...)))
			}
			items = append(items, x)
		case it.Payload != nil:
			items = append(items, vectorItem{Payload: it.Payload.Commitment})
		case it.Refusal != nil:
			items = append(items, vectorItem{Refusal: it.Refusal.Code})
		}
	}
	if err == io.EOF {
		return items, r.More(), ""
	}
	if ref, ok := AsRefusal(err); ok {
		return items, false, ref.Code
	}
	return items, false, err.Error()
}

// TestPacketVectors: the packets in testdata/vectors are read as packets.json says,
// and the files are what this test would write.
func TestPacketVectors(t *testing.T) {
	dir := filepath.Join("testdata", "vectors")
	names, about, files := packets(t)
	var list []packetVector
	for i, name := range names {
		sum := sha256.Sum256(files[name])
		v := packetVector{File: name, About: about[i], SHA256: hex.EncodeToString(sum[:])}
		v.Items, v.More, v.Code = readVector(files[name])
		list = append(list, v)
	}
	text, err := json.Marshal(list, jsontext.WithIndent(" "))
	if err != nil {
		t.Fatal(err)
	}
	files["packets.json"] = append(text, '\n')
	for name, data := range files {
		path := filepath.Join(dir, name)
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, data) {
			t.Errorf("%s has changed (%v); if that is meant, write it anew with -update", name, err)
		}
	}
	want := map[string]string{"whole.packet": "", "empty.packet": "", "shown.packet": "", "by-hand.packet": "", "optional.packet": "", "courier-inside.packet": "",
		"unknown.packet": CodeUnknownFrame, "cut.packet": "cut", "unended.packet": "cut", "later.packet": CodeBadVersion, "changed.packet": "cut",
		"trailing.packet": CodeBadFrame, "twice.packet": CodeBadFrame, "naked.packet": CodeBadFrame}
	for _, v := range list {
		code, known := want[v.File]
		if !known || v.Code != code {
			t.Errorf("%s (%s): %q", v.File, v.About, v.Code)
		}
	}
}
