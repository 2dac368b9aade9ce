package input

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	// maxDatagram is the largest datagram of syslog, in bytes (that of UDP).
	maxDatagram = 65_535
	// maxMessage is how much is read of a message of syslog over TCP, in bytes.
	maxMessage = 1 << 20
	// maxPassed is the longest message of which what is longer is passed over, in bytes.
	maxPassed = 64 << 20
)

// Syslog takes syslog messages (RFC 5424 and RFC 3164), and hands over what is said behind their header.
type Syslog struct {
	// Out is where lines go.
	Out chan<- Message
	// TLS is for the network tls.
	TLS *tls.Config
	// Tell is told why connections broke off, and of messages that were cut, of one in a minute.
	Tell func(error)

	senders senders
}

// Stats gives the counts. It may be called at any time; nil: all are 0.
func (s *Syslog) Stats() SenderStats {
	if s == nil {
		return SenderStats{}
	}
	return s.senders.stats()
}

// Listen takes messages until the context ends. network is udp, tcp or tls; over TCP messages are counted in octets or end with a line (RFC 6587).
// Ready is told the address.
func (s *Syslog) Listen(ctx context.Context, network, address string, ready func(net.Addr)) error {
	if network == "udp" {
		c, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", address)
		if err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
		ready(c.LocalAddr())
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
		return datagrams(ctx, c, s.Out)
	}
	l, err := listenTCP(ctx, address)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	if network == "tls" {
		l = tls.NewListener(l, s.TLS)
	}
	ready(l.Addr())
	err = accept(ctx, l, func(c *seat) {
		s.senders.open.Add(1)
		defer s.senders.open.Add(-1)
		from := sender("syslog", c.RemoteAddr())
		if err := c.why(s.read(ctx, c, from)); err != nil && ctx.Err() == nil {
			s.senders.breaks(s.Tell, fmt.Errorf("%s: %w", from, err))
		}
	}, func() { s.senders.breaks(s.Tell, fmt.Errorf("more than %d connections", maxConnections)) })
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	return nil
}

// read reads one connection to its end.
func (s *Syslog) read(ctx context.Context, c *seat, from string) error {
	if t, ok := c.Conn.(*tls.Conn); ok {
		hctx, cancel := context.WithTimeout(ctx, maxBegin)
		err := t.HandshakeContext(hctx)
		cancel()
		if errors.Is(err, io.EOF) {
			return nil // who only looks whether somebody listens
		}
		if err != nil {
			return err
		}
	}
	return stream(c, func(text []byte, cut bool) bool {
		if cut {
			s.senders.cuts(s.Tell, fmt.Errorf("%s: only the beginning of a message was read", from))
		}
		return hand(ctx, s.Out, Message{From: from, Text: text})
	})
}

// sender is what a stream of the network is called: the machine, not the port, which is another each time.
func sender(kind string, a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return kind
	}
	return kind + " " + host
}

func hand(ctx context.Context, out chan<- Message, m Message) bool {
	select {
	case out <- m:
		return true
	case <-ctx.Done():
		return false
	}
}

func datagrams(ctx context.Context, c net.PacketConn, out chan<- Message) error {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := c.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if passing(err) {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(acceptAgain):
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
		if !hand(ctx, out, Message{From: sender("syslog", from), Text: asLine(said(buf[:n]))}) {
			return nil
		}
	}
}

// asLine is a copy of a message as one line.
func asLine(text []byte) []byte {
	line := make([]byte, 0, len(text)+1)
	line = append(line, bytes.TrimRight(text, "\r\n\x00")...)
	for i := range line {
		if line[i] == '\n' {
			line[i] = ' '
		}
	}
	return append(line, '\n')
}

// errMessage means that a stream of syslog is none.
var errMessage = errors.New("no syslog message")

// connection is what a stream reads: a [seat].
type connection interface {
	io.Reader
	rests()
	begins(within time.Duration)
}

// stream reads messages of one connection: "LENGTH SP MESSAGE", or one a line. Of one that is too long, or that breaks off, the beginning is
// handed over, and that it is cut.
func stream(in connection, emit func(text []byte, cut bool) bool) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		in.rests()
		first, err := r.Peek(1)
		if isOver(err) {
			return nil
		}
		if err != nil {
			return err
		}
		in.begins(maxFrameWait)
		next := oneLine
		if first[0] >= '1' && first[0] <= '9' {
			next = counted
		}
		text, cut, err := next(r)
		if (len(text) > 0 || err == nil) && !emit(asLine(said(text)), cut) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// counted reads a message behind its length.
func counted(r *bufio.Reader) (text []byte, cut bool, err error) {
	count, err := r.ReadSlice(' ')
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", errMessage, err)
	}
	n, err := strconv.Atoi(string(count[:len(count)-1]))
	if err != nil || n > maxPassed {
		return nil, false, fmt.Errorf("%w: a length of %.20q", errMessage, count)
	}
	text = make([]byte, min(n, maxMessage))
	got, err := io.ReadFull(r, text)
	if err == nil && n > maxMessage {
		cut = true
		_, err = io.CopyN(io.Discard, r, int64(n-maxMessage))
	}
	if err != nil {
		return text[:got], true, fmt.Errorf("%w: %w", errMessage, err)
	}
	return text, cut, nil
}

// oneLine reads a message that ends with a line, or with the connection.
func oneLine(r *bufio.Reader) (text []byte, cut bool, err error) {
	for passed := 0; ; {
		part, err := r.ReadSlice('\n')
		if room := maxMessage - len(text); len(bytes.TrimSuffix(part, []byte("\n"))) > room {
			passed += len(part) - room
			part, cut = part[:room], true
		}
		text = append(text, part...)
		switch {
		case passed > maxPassed:
			return text, true, fmt.Errorf("%w: longer than %d bytes", errMessage, maxPassed)
		case err == nil, errors.Is(err, io.EOF):
			return text, cut, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return text, true, fmt.Errorf("%w: %w", errMessage, err)
		}
	}
}

// said gives what a program said: of a message of RFC 5424 what stands behind the structured data; of one of RFC 3164, whose tag the formats of
// named, unbound and postfix need, all but the priority, and the text alone if that is a JSON object.
func said(m []byte) []byte {
	m = bytes.TrimLeft(m, " ")
	if len(m) == 0 || m[0] != '<' {
		return m
	}
	i := bytes.IndexByte(m[:min(len(m), 5)], '>')
	if i < 2 {
		return m
	}
	m = m[i+1:]
	if bytes.HasPrefix(m, []byte("1 ")) {
		if text, ok := said5424(m[2:]); ok {
			return text
		}
	}
	if i := bytes.Index(m, []byte(": {")); i >= 0 && i < 256 && bytes.HasSuffix(bytes.TrimRight(m, " \r\n\x00"), []byte("}")) {
		return m[i+2:]
	}
	return m
}

// said5424 reads "TIME HOST APP PROC ID DATA MSG". A message that is no JSON gets time, host and program in front again, in
// the way that files have them.
func said5424(m []byte) ([]byte, bool) {
	head := m
	var parts [5][]byte
	for i := range parts {
		word, rest, ok := bytes.Cut(head, []byte(" "))
		if !ok {
			return nil, false
		}
		parts[i], head = word, rest
	}
	switch {
	case bytes.HasPrefix(head, []byte("-")):
		head = head[1:]
	case bytes.HasPrefix(head, []byte("[")):
		quoted := false
		end := -1
		for i := 0; i < len(head) && end < 0; i++ {
			switch c := head[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case c == ']' && !quoted && (i+1 == len(head) || head[i+1] != '['):
				end = i
			}
		}
		if end < 0 {
			return nil, false
		}
		head = head[end+1:]
	default:
		return nil, false
	}
	text := bytes.TrimPrefix(bytes.TrimPrefix(head, []byte(" ")), []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(text, []byte("{")) {
		return text, true
	}
	out := make([]byte, 0, len(m)+8)
	out = append(out, parts[0]...)
	out = append(out, ' ')
	out = append(out, parts[1]...)
	out = append(out, ' ')
	out = append(out, parts[2]...)
	if !bytes.Equal(parts[3], []byte("-")) {
		out = append(append(append(out, '['), parts[3]...), ']')
	}
	return append(append(out, ": "...), text...), true
}
