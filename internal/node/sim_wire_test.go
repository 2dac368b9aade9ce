package node

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"sync"

	"entente/internal/peer"
	"entente/journal"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/chacha20poly1305"
)

// The world reads along: it has the secrets of every connection, takes TLS, HTTP and
// the packets apart itself, and so knows what left a node, to the byte, whatever the
// node believes it let out. What was handed to a line that was cut then has left, too.

// wiretap is all that goes over the lines of a world.
type wiretap struct {
	mu      sync.Mutex
	secrets map[string][]byte // by label and client random, as in a key log
	lines   []*tappedLine
}

func newWire() *wiretap { return &wiretap{secrets: map[string][]byte{}} }

// Write takes lines of a key log (see crypto/tls.Config.KeyLogWriter).
func (w *wiretap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		if f := strings.Fields(line); len(f) == 3 && strings.HasSuffix(f[0], "_TRAFFIC_SECRET_0") {
			if secret, err := hex.DecodeString(f[2]); err == nil {
				w.secrets[f[0]+" "+f[1]] = secret
			}
		}
	}
	return len(p), nil
}

func (w *wiretap) secret(label string, random []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.secrets[label+" "+hex.EncodeToString(random)]
}

// tap is what one end of a line has written and nobody has read yet.
type tap struct {
	mu  sync.Mutex
	raw []byte
}

func (t *tap) take() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	raw := t.raw
	t.raw = nil
	return raw
}

func (t *tap) note(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.raw = append(t.raw, p...)
}

// tappedLine is one connection, and how far both directions of it were read.
type tappedLine struct {
	up, down wayOut
	random   []byte
	suite    uint16
}

// open adds a line. The taps are for its two streams.
func (w *wiretap) open(client, server *machine) (up, down *tap) {
	l := &tappedLine{up: wayOut{from: client, to: server}, down: wayOut{from: server, to: client}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, l)
	return &l.up.tap, &l.down.tap
}

// departure is something that left a machine: a payload, or entries.
type departure struct {
	from, to *machine
	unit     journal.UnitID
	p        peer.Payload // its data may be cut; its commitment is whole
	whole    bool
}

// readWire reads everything that was written since, and returns the payloads in it.
func (w *world) readWire() (out []departure) {
	x := w.net.wire
	x.mu.Lock()
	lines := x.lines
	x.mu.Unlock()
	for _, l := range lines {
		for _, d := range []*wayOut{&l.up, &l.down} {
			raw := d.tap.take()
			if len(raw) == 0 {
				continue
			}
			if err := d.tls(x, l, raw, d == &l.up); err != nil {
				w.fail("the wire can be read", "from %s to %s: %v", d.from.name, d.to.name, err)
			}
			out = append(out, d.left...)
			d.left = nil
			if d.private != "" {
				w.fail("private stays private", "%s told %s: %s", d.from.name, d.to.name, d.private)
				d.private = ""
			}
		}
	}
	// A machine restarts often; what its lines of before carried has been read.
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.lines) > 4096 {
		x.lines = x.lines[len(x.lines)-1024:]
	}
	return out
}

// wayOut is one direction of a line.
type wayOut struct {
	from, to *machine
	tap      tap

	records []byte // TLS records that are not whole yet
	aead    cipher.AEAD
	iv      []byte
	seq     uint64
	begun   bool // the keys of the application are in use

	text  []byte // of HTTP that is not understood yet
	state int
	need  int // bytes of the present body or chunk
	chunk bool
	packetReader
}

// packetReader takes a packet apart as its bytes come.
type packetReader struct {
	packet  []byte
	at      int // of the packet: before it everything is understood
	told    bool
	unit    journal.UnitID
	left    []departure
	private string
}

const (
	httpHead = iota
	httpBody
	httpChunkSize
	httpChunkEnd
	httpTrailer
)

// tls takes in bytes of TLS 1.3 (RFC 8446).
func (d *wayOut) tls(x *wiretap, l *tappedLine, raw []byte, up bool) error {
	d.records = append(d.records, raw...)
	for len(d.records) >= 5 {
		n := int(binary.BigEndian.Uint16(d.records[3:]))
		if len(d.records) < 5+n {
			return nil
		}
		record := d.records[:5+n]
		d.records = d.records[5+n:]
		switch body := record[5:]; {
		case record[0] == 22 && len(body) > 76: // a hello in the clear
			random := body[6:38]
			if up {
				l.random = bytes.Clone(random)
				continue
			}
			if at := 39 + int(body[38]); len(body) >= at+2 {
				l.suite = binary.BigEndian.Uint16(body[at:])
			}
		case record[0] == 23:
			plain, err := d.unseal(x, l, record, up)
			if err != nil {
				return err
			}
			if err := d.http(plain); err != nil {
				return err
			}
		}
	}
	return nil
}

// unseal decrypts a record; those of the handshake give nothing.
func (d *wayOut) unseal(x *wiretap, l *tappedLine, record []byte, up bool) ([]byte, error) {
	if d.aead == nil {
		label := "SERVER_TRAFFIC_SECRET_0"
		if up {
			label = "CLIENT_TRAFFIC_SECRET_0"
		}
		secret := x.secret(label, l.random)
		if secret == nil {
			return nil, nil // nothing but the handshake was sent, or it failed
		}
		var err error
		if d.aead, d.iv, err = trafficKeys(l.suite, secret); err != nil {
			return nil, err
		}
	}
	nonce := bytes.Clone(d.iv)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^d.seq)
	plain, err := d.aead.Open(nil, nonce, record[5:], record[:5])
	if err != nil {
		if d.begun {
			return nil, fmt.Errorf("record %d cannot be decrypted: %w", d.seq, err)
		}
		return nil, nil
	}
	d.begun = true
	d.seq++
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 || plain[len(plain)-1] != 23 {
		return nil, nil
	}
	return plain[:len(plain)-1], nil
}

// trafficKeys are those of RFC 8446, section 7.3.
func trafficKeys(suite uint16, secret []byte) (cipher.AEAD, []byte, error) {
	h, size := func() hash.Hash { return sha256.New() }, 16
	switch suite {
	case 0x1302:
		h, size = func() hash.Hash { return sha512.New384() }, 32
	case 0x1303:
		size = 32
	}
	expand := func(label string, n int) ([]byte, error) {
		label = "tls13 " + label
		info := append([]byte{byte(n >> 8), byte(n), byte(len(label))}, label...)
		return hkdf.Expand(h, secret, string(append(info, 0)), n)
	}
	key, err := expand("key", size)
	if err != nil {
		return nil, nil, err
	}
	iv, err := expand("iv", 12)
	if err != nil {
		return nil, nil, err
	}
	if suite == 0x1303 {
		aead, err := chacha20poly1305.New(key)
		return aead, iv, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, iv, err
}

// http takes in bytes of HTTP/1.1 and passes the bodies on.
func (d *wayOut) http(p []byte) error {
	d.text = append(d.text, p...)
	for {
		switch d.state {
		case httpHead, httpTrailer, httpChunkSize:
			end := []byte("\r\n")
			if d.state == httpHead {
				end = []byte("\r\n\r\n")
			}
			head, rest, ok := bytes.Cut(d.text, end)
			if !ok {
				return nil
			}
			d.text = rest
			switch d.state {
			case httpHead:
				if err := d.head(string(head)); err != nil {
					return err
				}
			case httpTrailer:
				if len(head) == 0 {
					d.state = httpHead
				}
			case httpChunkSize:
				n, err := strconv.ParseInt(string(head), 16, 32)
				if err != nil {
					return fmt.Errorf("a chunk of size %q", head)
				}
				if d.need, d.state = int(n), httpBody; n == 0 {
					d.state = httpTrailer
				}
			}
		case httpBody:
			n := min(d.need, len(d.text))
			d.body(d.from, d.to, d.text[:n])
			d.text, d.need = d.text[n:], d.need-n
			if d.need > 0 {
				return nil
			}
			if d.state = httpHead; d.chunk {
				d.state = httpChunkEnd
			}
		case httpChunkEnd:
			if len(d.text) < 2 {
				return nil
			}
			d.text, d.state = d.text[2:], httpChunkSize
		}
	}
}

func (d *wayOut) head(text string) error {
	lower := strings.ToLower(text)
	d.packet, d.at, d.told, d.unit = nil, 0, false, ""
	d.chunk, d.need, d.state = strings.Contains(lower, "transfer-encoding: chunked"), 0, httpHead
	if strings.Contains(text, private) {
		d.private = text
	}
	if d.chunk {
		d.state = httpChunkSize
		return nil
	}
	if _, rest, ok := strings.Cut(lower, "content-length: "); ok {
		line, _, _ := strings.Cut(rest, "\r\n")
		n, err := strconv.Atoi(line)
		if err != nil {
			return fmt.Errorf("a body of %q bytes", line)
		}
		if d.need = n; n > 0 {
			d.state = httpBody
		}
	}
	return nil
}

// body takes in bytes of a body; those of packets are understood.
func (r *packetReader) body(from, to *machine, p []byte) {
	r.packet = append(r.packet, p...)
	if i := bytes.Index(r.packet[r.at:], []byte(private)); i >= 0 {
		at := r.at + i
		r.private = string(r.packet[max(0, at-60):min(len(r.packet), at+60)])
	}
	if r.at == 0 {
		if len(r.packet) < len(peer.Magic) || string(r.packet[:len(peer.Magic)]) != peer.Magic {
			return
		}
		r.at = len(peer.Magic)
	}
	for len(r.packet)-r.at >= 5 {
		typ, size := r.packet[r.at], int(binary.BigEndian.Uint32(r.packet[r.at+1:]))
		data := r.packet[r.at+5:]
		whole := len(data) >= size
		data = data[:min(size, len(data))]
		switch {
		case typ == 0x01 && whole:
			var h peer.Hello
			if json.Unmarshal(data, &h) == nil {
				r.unit = h.Unit
			}
		case typ == 0x05 && len(data) > 64 && !r.told:
			p := peer.Payload{Commitment: journal.Hash(data[:32]), Salt: [32]byte(data[32:64]), Data: bytes.Clone(data[64:])}
			r.left = append(r.left, departure{from: from, to: to, unit: r.unit, p: p, whole: whole})
			r.told = !whole // a part that was told is not told again with its end
		}
		if !whole {
			return
		}
		r.told = false
		r.at += 5 + size
	}
}

// readCourier reads a courier file with the keys of whom it is for.
func (w *world) readCourier(from, to *machine, file []byte) {
	x, err := age.Decrypt(bytes.NewReader(file), to.courier...)
	if err != nil {
		w.fail("the wire can be read", "a courier file of %s for %s: %v", from.name, to.name, err)
		return
	}
	text, err := io.ReadAll(x)
	if err != nil {
		w.fail("the wire can be read", "a courier file of %s for %s: %v", from.name, to.name, err)
		return
	}
	var r packetReader
	r.body(from, to, text)
	w.departed = append(w.departed, r.left...)
	if r.private != "" {
		w.fail("private stays private", "%s wrote into a courier file for %s: %s", from.name, to.name, r.private)
	}
}
