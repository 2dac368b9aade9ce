package dnstap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// stream is a file with frames of data.
func stream(frames ...[]byte) []byte {
	out := controlFrame(controlStart, Content)
	for _, f := range frames {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(f))), f...)
	}
	return append(out, controlFrame(controlStop)...)
}

func text(number uint64, b []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, number<<3|2), uint64(len(b))), b...)
}

func number(n, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, n<<3), v)
}

// tap is a frame: a client at 10.0.0.5 asked, and wire is what it was answered.
func tap(wire []byte) []byte {
	body := bytes.Join([][]byte{number(1, 6), number(2, 1), number(3, 1), text(4, []byte{10, 0, 0, 5}), text(5, []byte{192, 0, 2, 53}), number(6, 4242), number(7, 53),
		number(12, 1_700_000_000), append(binary.AppendUvarint(nil, 13<<3|5), 0, 0xca, 0x9a, 0x3b), text(14, wire)}, nil)
	return bytes.Join([][]byte{text(1, []byte("ns1")), number(15, 1), text(14, body)}, nil)
}

func name(labels ...string) []byte {
	var out []byte
	for _, l := range labels {
		out = append(append(out, byte(len(l))), l...)
	}
	return append(out, 0)
}

// reply is a DNS message with a question for a name and answers.
func reply(name []byte, answers ...[]byte) []byte {
	out := []byte{0, 7, 0x81, 0x80, 0, 1, 0, byte(len(answers)), 0, 0, 0, 0}
	out = append(append(out, name...), 0, 1, 0, 1)
	return append(out, bytes.Join(answers, nil)...)
}

// record is a resource record of the name that was asked for.
func record(kind uint16, data []byte) []byte {
	out := binary.BigEndian.AppendUint16([]byte{0xc0, 12}, kind)
	out = append(out, 0, 1, 0, 0, 0, 60)
	return append(binary.BigEndian.AppendUint16(out, uint16(len(data))), data...)
}

func read(t testing.TB, in []byte) (string, error) {
	t.Helper()
	r, err := NewReader(bufio.NewReader(bytes.NewReader(in)))
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(r)
	return string(out), err
}

// TestBind: what BIND 9.18 wrote, with questions and answers over UDP and TCP, is read whole.
func TestBind(t *testing.T) {
	in, err := os.ReadFile("testdata/bind.dnstap")
	if err != nil {
		t.Fatal(err)
	}
	if !Is(in) {
		t.Error("not told by its beginning")
	}
	got, err := read(t, in)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.SplitAfter(strings.TrimSuffix(got, "\n"), "\n")
	if len(list) != 10 || strings.Contains(got, "damaged") {
		t.Fatalf("%d lines:\n%s", len(list), got)
	}
	for i, want := range map[int][]string{
		1: {`"operation":"CLIENT_RESPONSE"`, `"identity":"ns1.example"`, `"query-ip":"127.0.0.1"`, `"qname":"www.evil.example"`, `"rdata":"203.0.113.5"`},
		3: {`"qtype":"AAAA"`, `"rdatatype":"CNAME","rdata":"www.evil.example"`, `"rdata":"2001:db8::5"`},
		6: {`"operation":"AUTH_QUERY"`, `"an":[]`}, 7: {`"qtype":"MX"`, `"rdata":"www.evil.example"`, `"ar":[{`}, 9: {`"rdatatype":"HTTPS","rdata":"203.0.113.6"`},
	} {
		for _, w := range want {
			if !strings.Contains(list[i], w) {
				t.Errorf("line %d has no %s:\n%s", i, w, list[i])
			}
		}
	}
}

// TestMessages: a DNS message and what is told of it; damage is told, with what could be read before it.
func TestMessages(t *testing.T) {
	evil := name("evil", "example")
	loop := reply([]byte{0xc0, 12})
	long := reply(bytes.Repeat([]byte("\x3f"+strings.Repeat("a", 63)), 5))
	for _, c := range []struct {
		name        string
		wire        []byte
		has         []string
		why, hasNot string
	}{
		{name: "answer", wire: reply(evil, record(typeA, []byte{203, 0, 113, 9})), has: []string{`"query-ip":"10.0.0.5","query-port":4242,"response-ip":"192.0.2.53","response-port":53`, `"qname":"evil.example"`, `"rdata":"203.0.113.9"`, `"identity":"ns1"`}},
		{name: "dot in a label", wire: reply(name("evil.example")), has: []string{`"qname":"evil\\046example"`}, hasNot: `"evil.example"`},
		{name: "bytes in a label", wire: reply(name("a\"\x00\xff", "é")), has: []string{`"qname":"a\"\\000\\255.é"`}},
		{name: "root", wire: reply(name()), has: []string{`"qname":"."`}},
		{name: "text", wire: reply(evil, record(typeTXT, []byte("\x0cbad.example\n"))), has: []string{`"rdata":"bad.example\u000a"`}},
		{name: "service", wire: reply(evil, record(typeHTTPS, append(append([]byte{0, 1}, name("svc", "example")...), 0, 6, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9))), has: []string{`"rdata":"svc.example"`, `"rdata":"2001:db8::9"`}},
		{name: "options", wire: reply(evil, record(typeOPT, []byte("x"))), has: []string{`"an":[]`}},
		{name: "unknown type", wire: reply(evil, record(65280, []byte("x"))), has: []string{`"rdatatype":"TYPE65280"}`}},
		{name: "pointer to itself", wire: loop, why: "a name in the DNS message is none"},
		{name: "long name", wire: long, why: "a name in the DNS message is none"},
		{name: "no header", wire: []byte{1, 2, 3}, why: "the DNS message is cut"},
		{name: "cut name", wire: reply(evil)[:16], why: "the DNS message is cut"},
		{name: "cut answer", wire: reply(evil, record(typeA, []byte{203, 0, 113, 9}), record(typeA, []byte{1, 2, 3, 4})[:9]), why: "the DNS message is cut", has: []string{`"qname":"evil.example"`, `"rdata":"203.0.113.9"`}},
		{name: "long address", wire: reply(evil, record(typeA, []byte{1, 2, 3, 4, 5}), record(typeA, []byte{203, 0, 113, 9})), why: "the DNS message is cut", has: []string{`"qname":"evil.example"`}},
		{name: "name over its data", wire: reply(evil, record(typeCNAME, []byte{4, 'e', 'v'})), why: "the DNS message is cut", has: []string{`"qname":"evil.example"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(t, stream(tap(c.wire), tap(reply(name("next", "example")))))
			if err != nil {
				t.Fatal(err)
			}
			list := strings.Split(got, "\n")
			if len(list) != 3 || !strings.Contains(list[1], `"qname":"next.example"`) || !strings.Contains(list[1], `{"dnstap":{"frame":2,`) {
				t.Fatalf("%q", got)
			}
			if !json.Valid([]byte(list[0])) || !json.Valid([]byte(list[1])) {
				t.Errorf("no JSON: %s", got)
			}
			begin := `{"dnstap":{"frame":1,"operation":"CLIENT_RESPONSE"`
			if c.why != "" {
				begin = `{"damaged":{"frame":1,"why":"` + c.why + `"},"dnstap":{"frame":1,`
			}
			if !strings.HasPrefix(list[0], begin) {
				t.Errorf("%s does not begin with %s", list[0], begin)
			}
			for _, w := range c.has {
				if !strings.Contains(list[0], w) {
					t.Errorf("%s has no %s", list[0], w)
				}
			}
			if c.hasNot != "" && strings.Contains(list[0], c.hasNot) {
				t.Errorf("%s has %s", list[0], c.hasNot)
			}
		})
	}
}

// TestManyRecords: names that point to a long one do not make a line of any size, and that something was left out is told.
func TestManyRecords(t *testing.T) {
	label := strings.Repeat("a", 62)
	wire := reply(name(label, label, label, label))
	for range 5000 {
		wire = append(wire, record(typeNS, []byte{0xc0, 12})...)
	}
	binary.BigEndian.PutUint16(wire[6:], 5000)
	got, err := read(t, stream(tap(wire)))
	if err != nil || len(got) > maxText+4096 || !strings.HasPrefix(got, `{"damaged":{"frame":1,"why":"the DNS message holds more`) || !json.Valid([]byte(got)) {
		t.Errorf("%d bytes, %v: %.200s", len(got), err, got)
	}
}

// TestManyHints: one record with very many addresses does not make a line of any size.
func TestManyHints(t *testing.T) {
	label := strings.Repeat("\x01", 62)
	data := []byte{0, 1, 0} // itself
	for range 8000 {
		data = append(data, 0, 4, 0, 4, 192, 0, 2, 1)
	}
	wire := append(reply(name(label, label, label, label)), record(typeHTTPS, data)...)
	binary.BigEndian.PutUint16(wire[6:], 1)
	got, err := read(t, stream(tap(wire)))
	if err != nil || len(got) > maxText+8192 || !strings.HasPrefix(got, `{"damaged":{"frame":1,"why":"the DNS message holds more`) || !strings.Contains(got, `"rdata":"192.0.2.1"`) || !json.Valid([]byte(got)) {
		t.Errorf("%d bytes, %v: %.200s", len(got), err, got)
	}
}

// TestManyPointers: a name that goes from pointer to pointer, and more questions than there are records, are not followed for ever.
func TestManyPointers(t *testing.T) {
	wire := append(make([]byte, 12), name("evil", "example")...)
	for i := range 200 {
		to := 12
		if i > 0 {
			to = len(wire) - 2
		}
		wire = append(wire, 0xc0|byte(to>>8), byte(to))
	}
	first := 12 + len(name("evil", "example"))
	for hops, want := range map[int]error{1: nil, maxPointers: nil, maxPointers + 1: errName, 200: errName} {
		got, _, err := appendName(nil, wire, first+2*(hops-1))
		if !errors.Is(err, want) || want == nil && string(got) != "evil.example" {
			t.Errorf("%d pointers: %q, %v", hops, got, err)
		}
	}
	many := reply(name("evil", "example"))
	for range maxRecords {
		many = append(many, 0xc0, 12, 0, 1, 0, 1)
	}
	binary.BigEndian.PutUint16(many[4:], maxRecords)
	if _, err := appendDNS(nil, many); err != nil {
		t.Errorf("%d questions: %v", maxRecords, err)
	}
	binary.BigEndian.PutUint16(many[4:], maxRecords+1)
	if got, err := appendDNS(nil, many); !errors.Is(err, errRecords) || !bytes.Contains(got, []byte("evil.example")) {
		t.Errorf("one question more: %s, %v", got, err)
	}
}

// TestFrames: frames that are no message, too large, or cut.
func TestFrames(t *testing.T) {
	good := tap(reply(name("evil", "example")))
	large := append(binary.BigEndian.AppendUint32(nil, MaxFrame+1), make([]byte, MaxFrame+1)...)
	between := append(append(controlFrame(controlStart, "text:x", Content), large...), stream(good)[len(controlFrame(controlStart, Content)):]...)
	got, err := read(t, append(between, stream(good)...)) // one file behind another
	if list := strings.Split(got, "\n"); err != nil || len(list) != 4 || list[0] != `{"damaged":{"frame":1,"why":"a frame of 1048577 bytes"}}` || !strings.HasPrefix(list[2], `{"dnstap":{"frame":3,`) {
		t.Errorf("%v %q", err, got)
	}
	for _, bad := range [][]byte{{0xff}, text(14, nil), number(15, 2), append(number(15, 1), 0x0b), text(14, []byte{0x0a, 99}), good[:len(good)-3], {7 << 3, 0x80}, {3<<3 | 1, 1}, {3<<3 | 5, 1}} {
		got, err := read(t, stream(bad, good))
		if err != nil || strings.Count(got, "\n") != 2 || !strings.HasPrefix(got, `{"damaged":{"frame":1,`) || !strings.Contains(got, `"qname":"evil.example"`) {
			t.Errorf("%x: %v %q", bad, err, got)
		}
	}
	whole := stream(good, good)
	begin, frame := len(controlFrame(controlStart, Content)), 4+len(good)
	for cut := range whole {
		got, err := read(t, whole[:cut])
		switch {
		case cut < begin:
			if err == nil || got != "" {
				t.Fatalf("%d: %q", cut, got)
			}
		case cut == begin || cut == begin+frame || cut == begin+2*frame:
			if err != nil || strings.Count(got, "\n") != (cut-begin)/frame {
				t.Fatalf("%d: %v %q", cut, err, got)
			}
		default:
			if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Count(got, "\n") != min(2, (cut-begin)/frame) {
				t.Fatalf("%d: %v %q", cut, err, got)
			}
		}
	}
	for _, other := range [][]byte{controlFrame(controlStart, "protobuf:other"), controlFrame(controlReady, Content), []byte("text"), append(make([]byte, 4), 0xff, 0xff, 0xff, 0xff)} {
		if _, err := read(t, other); !errors.Is(err, ErrStream) {
			t.Errorf("%x: %v", other, err)
		}
	}
	if _, err := read(t, append(controlFrame(controlStart), bytes.Repeat(controlFrame(controlStop), 2*maxEmpty)...)); !errors.Is(err, ErrStream) {
		t.Errorf("control frames without end: %v", err)
	}
}

// FuzzReader: whatever a stream is, it gives lines of JSON of a bounded size, or an error; and the same ones again.
func FuzzReader(f *testing.F) {
	sample, err := os.ReadFile("testdata/bind.dnstap")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Add(stream(tap(reply(name("evil.example"), record(typeHTTPS, []byte{0, 1, 0, 0, 4, 0, 4, 1, 2, 3, 4})))))
	f.Add(stream(tap(reply([]byte{0xc0, 12}))))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := read(t, in)
		again, err2 := read(t, in)
		if got != again || (err == nil) != (err2 == nil) {
			t.Fatal("another time it reads otherwise")
		}
		for line := range strings.Lines(got) {
			if !json.Valid([]byte(line)) || len(line) > 2*maxText {
				t.Fatalf("%d bytes: %.300q", len(line), line)
			}
		}
		if len(got) > 4096+64*len(in) && len(got) > maxText*(1+len(in)/12) {
			t.Fatalf("%d bytes of text from %d", len(got), len(in))
		}
	})
}

// FuzzWire: a DNS message alone, so that the bytes of it are changed and not those around it.
func FuzzWire(f *testing.F) {
	f.Add(reply(name("evil", "example"), record(typeMX, []byte{0, 1, 0xc0, 12}), record(typeSOA, name("a"))))
	f.Fuzz(func(t *testing.T, wire []byte) {
		out, _ := appendDNS([]byte("{"), wire)
		if out = append(out, '}'); !json.Valid(out) || len(out) > maxText+(70<<10)*6 {
			t.Fatalf("%d bytes: %.300q", len(out), out)
		}
	})
}
