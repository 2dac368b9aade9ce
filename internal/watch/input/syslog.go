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
)

const (
	// maxDatagram is the largest datagram of syslog, in bytes (that of UDP).
	maxDatagram = 65_535
	// maxMessage is the longest message of syslog over TCP, in bytes.
	maxMessage = 1 << 20
)

// Syslog takes syslog messages (RFC 5424 and RFC 3164) until the context ends, and hands over what is said behind their header. network is
// udp, tcp or tls; over TCP messages are counted in octets or end with a line (RFC 6587). Ready is told the address.
func Syslog(ctx context.Context, network, address string, config *tls.Config, out chan<- Message, ready func(net.Addr)) error {
	lc := net.ListenConfig{}
	if network == "udp" {
		c, err := lc.ListenPacket(ctx, "udp", address)
		if err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
		ready(c.LocalAddr())
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
		return datagrams(ctx, c, out)
	}
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	if network == "tls" {
		l = tls.NewListener(l, config)
	}
	ready(l.Addr())
	err = accept(ctx, l, func(c net.Conn) {
		from := sender("syslog", c.RemoteAddr())
		_ = stream(&patient{c}, func(text []byte) bool { return hand(ctx, out, Message{From: from, Text: text}) }) // a sender that breaks off ends its own connection
	}, func() {})
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	return nil
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

// stream reads messages of one connection: "LENGTH SP MESSAGE", or one a line.
func stream(in io.Reader, emit func([]byte) bool) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		first, err := r.Peek(1)
		if err != nil {
			return err
		}
		var text []byte
		if first[0] >= '1' && first[0] <= '9' {
			count, err := r.ReadSlice(' ')
			if err != nil {
				return fmt.Errorf("%w: %w", errMessage, err)
			}
			n, err := strconv.Atoi(string(count[:len(count)-1]))
			if err != nil || n > maxMessage {
				return fmt.Errorf("%w: a length of %.20q", errMessage, count)
			}
			text = make([]byte, n)
			if _, err := io.ReadFull(r, text); err != nil {
				return err
			}
		} else {
			for {
				part, err := r.ReadSlice('\n')
				if len(text)+len(part) > maxMessage {
					return fmt.Errorf("%w: longer than %d bytes", errMessage, maxMessage)
				}
				text = append(text, part...)
				if errors.Is(err, bufio.ErrBufferFull) {
					continue
				}
				if err != nil && len(text) == 0 {
					return err
				}
				break
			}
		}
		if !emit(asLine(said(text))) {
			return nil
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
