package outlet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a message.
const (
	// maxParam is the longest value of structured data, in bytes; maxLine that of a line of a log.
	maxParam, maxLine = 256, 1024
	// maxTail is how much a receiver may say before it closes, in bytes.
	maxTail = 4 << 10
)

// Facility local0, severities warning and notice: RFC 5424, section 6.2.1.
const (
	priorityNew   = 16*8 + 4
	priorityGrown = 16*8 + 5
)

// Syslog sends sightings as RFC 5424, one message each: over UDP one a datagram (RFC 5426), over TCP and TLS with counted octets
// (RFC 6587, RFC 5425).
//
// Syslog has no answer that says that a message was taken. So each batch over TCP and TLS has a connection of its own:
// the sender ends its side and waits until the receiver ends the other, which it does when it has read to the end. A
// connection that breaks or stays open instead counts as not taken. Of UDP nobody knows.
type Syslog struct {
	Network string // udp, tcp, tls
	Address string // host and port
	Host    string // the name of this machine
	TLS     *tls.Config
	Lines   bool // whether the first line of the sample is in it
}

// Make implements [Sender].
func (s *Syslog) Make(x Item) ([]byte, error) {
	var b bytes.Buffer
	priority, at := priorityGrown, "-"
	if x.New {
		priority = priorityNew
	}
	if !x.Last.IsZero() {
		at = x.Last.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
	}
	fmt.Fprintf(&b, "<%d>1 %s %s entente - sighting [origin software=\"entente\"][sighting@32473", priority, at, hostName(s.Host))
	param := func(name, value string, most int) {
		if value != "" {
			fmt.Fprintf(&b, ` %s="%s"`, name, escaped(value, most))
		}
	}
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	param("id", x.ID, maxParam)
	param("sighting", x.Name, maxParam)
	param("count", strconv.FormatInt(x.Count(), 10), maxParam)
	param("indicator", x.Indicator, maxParam)
	param("type", string(x.Value.Type), maxParam)
	param("value", x.Value.Text, maxParam)
	param("seen", strings.Join(x.Seen, ", "), maxParam)
	param("machine", x.Sighting.Host, maxParam)
	param("hour", stamp(x.Hour), maxParam)
	param("first", stamp(x.First), maxParam)
	param("last", stamp(x.Last), maxParam)
	param("roles", keys(x.Roles), maxParam)
	param("directions", keys(x.Ways), maxParam)
	param("source", x.Source, maxParam)
	param("tlp", x.TLP, maxParam)
	if x.Rest {
		param("rest", "true", maxParam)
	}
	if s.Lines && len(x.Sample) > 0 {
		param("line", x.Sample[0].Text, maxLine)
	}
	b.WriteString("] \ufeff" + clean(x.Value.Text, maxParam) + " (" + clean(string(x.Value.Type), maxParam) + "): " + strconv.FormatInt(x.Count(), 10))
	if x.Sighting.Host != "" {
		b.WriteString(", " + clean(x.Sighting.Host, maxParam))
	}
	return b.Bytes(), nil
}

func keys[K ~string](m map[K]int64) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, string(k))
	}
	return strings.Join(list, ",")
}

// clean makes a text valid, of one line and at most so long.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return '\uFFFD'
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`) // RFC 5424, section 6.3.3

func escaped(text string, most int) string { return escapes.Replace(clean(text, most)) }

// hostName is a name as the header takes it: 1 to 255 visible characters of ASCII.
func hostName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < 33 || r > 126 {
			return -1
		}
		return r
	}, name)
	if name == "" {
		return "-"
	}
	return name[:min(len(name), 255)]
}

// Send implements [Sender].
func (s *Syslog) Send(ctx context.Context, list []Message) error {
	network := "tcp"
	if s.Network == "udp" {
		network = "udp"
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, s.Address)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	defer conn.Close()
	if limit, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(limit); err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // it ends what waits
	if network == "udp" {
		for _, m := range list {
			if _, err := conn.Write(m.Text); err != nil {
				return fmt.Errorf("syslog: %w", err)
			}
		}
		return nil
	}
	if s.Network == "tls" {
		config := s.TLS.Clone()
		if config.ServerName == "" {
			if config.ServerName, _, err = net.SplitHostPort(s.Address); err != nil {
				return fmt.Errorf("syslog: %w", err)
			}
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
		conn = secure
	}
	var all bytes.Buffer
	for _, m := range list {
		fmt.Fprintf(&all, "%d %s", len(m.Text), m.Text)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.CopyN(io.Discard, conn, maxTail)
		ended <- err
	}()
	if _, err := conn.Write(all.Bytes()); err != nil {
		return broke(fmt.Errorf("syslog: %w", err))
	}
	select {
	case err := <-ended: // it cannot know that this was all
		return broke(fmt.Errorf("syslog: the receiver ended the connection early: %w", cmp.Or(err, errTalks)))
	default:
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("syslog: the connection cannot be ended on one side")
	}
	if err := half.CloseWrite(); err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		return broke(fmt.Errorf("syslog: the receiver did not end the connection, so it is not known what it took: %w", cmp.Or(err, errTalks)))
	}
	return nil
}

// broke makes a refusal of it that a receiver ended the connection while it was sent something. One that let the time pass may only be slow.
func broke(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return refusal{err}
}

// errTalks means that a receiver answers, which none of syslog does.
var errTalks = errors.New("it answers, which a receiver of syslog does not")
