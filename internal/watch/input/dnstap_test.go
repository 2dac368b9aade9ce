package input

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// tapControl is a control frame.
func tapControl(kind byte, content string) string {
	body := []byte{0, 0, 0, kind}
	if content != "" {
		body = append(binary.BigEndian.AppendUint32(append(body, 0, 0, 0, 1), uint32(len(content))), content...)
	}
	return string(append(binary.BigEndian.AppendUint32(make([]byte, 4), uint32(len(body))), body...))
}

// tapStart is how a file of dnstap begins, tapStop how it ends.
var tapStart, tapStop = tapControl(2, "protobuf:dnstap.Dnstap"), tapControl(3, "")

// tapped is a frame in which a client, 10.0.0.n, asked for a name of these labels and was told an address.
func tapped(n byte, address [4]byte, labels ...string) string {
	wire := []byte{0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}
	for _, l := range labels {
		wire = append(append(wire, byte(len(l))), l...)
	}
	wire = append(wire, 0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
	wire = append(wire, address[:]...)
	message := []byte{1 << 3, 6, 4<<3 | 2, 4, 10, 0, 0, n, 5<<3 | 2, 4, 192, 0, 2, 53, 12 << 3}
	message = binary.AppendUvarint(message, 1_700_000_000)
	message = append(binary.AppendUvarint(append(message, 14<<3|2), uint64(len(wire))), wire...)
	frame := append([]byte{1<<3 | 2, 3}, "ns1"...)
	frame = append(append(frame, 15<<3, 1, 14<<3|2), binary.AppendUvarint(nil, uint64(len(message)))...)
	frame = append(frame, message...)
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(frame)))) + string(frame)
}

func tapNames(from, to int) string {
	var s strings.Builder
	for i := from; i < to; i++ {
		s.WriteString(tapped(5, [4]byte{198, 51, 100, 7}, fmt.Sprintf("n%d", i), "evil", "example"))
	}
	return s.String()
}

// TestDnstap: frames of dnstap, plain and packed, are told by themselves and matched as what they are: the name and what is below it, and nothing
// that only looks like it.
func TestDnstap(t *testing.T) {
	elsewhere := [4]byte{198, 51, 100, 7}
	text := tapStart + tapped(5, elsewhere, "EVIL", "Example") + tapped(6, elsewhere, "a", "b", "evil", "example") +
		tapped(7, elsewhere, "notevil", "example") + tapped(7, elsewhere, "evil", "example", "net") + tapped(7, elsewhere, "evil.example") +
		tapped(7, elsewhere, "x.evil", "example") + tapped(7, elsewhere, "evil", "example.") + tapped(7, elsewhere, "example") + tapStop
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte(text))
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, as := range map[string]string{"plain": text, "gzip": zipped.String(), "zstd": string(w.EncodeAll([]byte(text), nil))} {
		b := newBench(t)
		b.write("tap", as)
		b.once(false, b.path("tap"))
		var got []string
		for _, s := range b.table.All() {
			got = append(got, fmt.Sprintf("%s %d %s", s.Host, s.Lines, strings.Join(s.Formats, ",")))
		}
		slices.Sort(got)
		if want := []string{"10.0.0.5 1 dnstap", "10.0.0.6 1 dnstap"}; !slices.Equal(got, want) || len(b.problems) > 0 {
			t.Errorf("%s: %q, %q", name, got, b.problems)
		}
		if c := b.pass.Counts; c.Lines != 8 || c.Failed != 0 || c.Unknown != 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestDnstapGoesOn: a file of dnstap that grew is read on where it was, with the frame that was cut; one that is damaged is read on behind the damage.
func TestDnstapGoesOn(t *testing.T) {
	b := newBench(t)
	text := tapStart + tapNames(0, 200)
	cut := len(tapStart + tapNames(0, 100))
	b.write("tap", text[:cut+7])
	b.once(true, b.path("tap"))
	b.has("first", 100)
	if !slices.Equal(b.problems, []string{"broken"}) {
		t.Errorf("a frame that is cut: %q", b.problems)
	}
	b.write("tap", text+"\x00\x00\x00\x03bad"+tapNames(200, 210)+tapStop)
	b.once(true, b.path("tap"))
	b.has("second", 210)
	if c := b.pass.Counts; len(b.problems) > 0 || c.Lines != 111 || c.Failed != 1 || c.Changed != 0 {
		t.Errorf("%q, %+v", b.problems, c)
	}
	b.once(true, b.path("tap"))
	b.has("nothing new", 210)
	b.write("other", tapControl(2, "protobuf:other")+tapNames(0, 10))
	b.once(false, b.path("other"))
	if !slices.Equal(b.problems, []string{"unreadable"}) || b.pass.Counts.Lines != 0 {
		t.Errorf("another content: %q, %+v", b.problems, b.pass.Counts)
	}
}

// TestDnstapMessage: what comes over HTTP or in a message of a queue is unpacked in the same way.
func TestDnstapMessage(t *testing.T) {
	got, err := Lines([]byte(tapStart + tapNames(0, 3)))
	if err != nil || bytes.Count(got, []byte("\n")) != 3 || !bytes.Contains(got, []byte(`"qname":"n2.evil.example"`)) {
		t.Errorf("%s, %v", got, err)
	}
}
