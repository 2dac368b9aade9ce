package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"entente/internal/peer/pairing"
	"entente/journal"
)

// PairParams are what the joining end needs. Dial may be nil.
type PairParams struct {
	Cert tls.Certificate
	Now  func() time.Time
	Rand io.Reader
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// pairTimeout bounds one step of a pairing, connecting included.
const pairTimeout = 60 * time.Second

// Join answers an invitation: it commits and reveals over one TLS connection and
// returns the state to keep until the digits have been compared. Nothing is kept of
// an attempt that fails; a refusal is a *pairing.Refusal or a *journal.Refusal.
// [ErrNotAdmitted] means that the inviter has no invitation open, by its own clock, and
// knows this key from nowhere else.
func Join(ctx context.Context, p PairParams, inv pairing.Invitation, own pairing.Own) (*pairing.Joiner, error) {
	s, err := pairing.NewJoiner(p.Now(), inv, own, p.Rand)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, pairTimeout)
	defer cancel()
	line, err := p.connect(ctx, inv)
	if err != nil {
		return nil, fmt.Errorf("answering the invitation: %w", err)
	}
	defer line.close()
	answer, err := line.ask(ctx, s.Commit())
	if err != nil {
		return nil, fmt.Errorf("answering the invitation: %w", err)
	}
	reveal, err := s.Reveal(p.Now(), answer, line.session)
	if err != nil {
		return nil, fmt.Errorf("answering the invitation: %w", err)
	}
	if answer, err = line.ask(ctx, reveal); err != nil {
		return nil, fmt.Errorf("answering the invitation: %w", err)
	}
	return s, s.Revealed(answer)
}

// ConfirmPairing tells the inviter what the joiner's officer has confirmed (or that
// the digits were wrong) and takes in what the inviter says. It may be called again
// until s.Phase is no longer PhaseRevealed. s is to be stored afterwards in any case.
func ConfirmPairing(ctx context.Context, p PairParams, s *pairing.Joiner) error {
	m, ok := s.Next()
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pairTimeout)
	defer cancel()
	line, err := p.connect(ctx, s.Invitation)
	if err != nil {
		return fmt.Errorf("confirming the pairing: %w", err)
	}
	defer line.close()
	answer, err := line.ask(ctx, m)
	if err != nil {
		if ends(pairing.CodeOf(err)) {
			s.Refused(pairing.CodeOf(err))
		}
		return fmt.Errorf("confirming the pairing: %w", err)
	}
	return s.Answered(answer)
}

// ends reports whether a refusal with this code is the end of the pairing.
func ends(code string) bool {
	switch code {
	case pairing.CodeBurned, pairing.CodeExpired, pairing.CodeBadProof, pairing.CodeNoInvitation, pairing.CodeUsed:
		return true
	}
	return false
}

// pairLine is one TLS connection to an inviter.
type pairLine struct {
	address   string
	session   pairing.Session
	transport *http.Transport
	conn      *heardConn
}

func (l *pairLine) close() {
	l.transport.CloseIdleConnections()
	l.conn.Close()
}

func (p *PairParams) connect(ctx context.Context, inv pairing.Invitation) (*pairLine, error) {
	config := ClientConfig(p.Cert, func() []journal.Hash { return []journal.Hash{inv.Pin} })
	errs := []error{ErrUnreachable}
	for _, a := range inv.Addresses {
		conn, err := p.dial(ctx, a, config)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", a, err))
			continue
		}
		state := conn.ConnectionState()
		exporter, err := state.ExportKeyingMaterial(pairing.ExporterLabel, []byte(inv.ID()), 32)
		if err != nil {
			conn.Close()
			return nil, err
		}
		line := &pairLine{
			address: a, conn: newHeardConn(conn),
			session: pairing.Session{Pin: Pin(state.PeerCertificates[0]), Exporter: exporter},
		}
		first := make(chan net.Conn, 1)
		first <- line.conn
		line.transport = &http.Transport{
			// One connection and no other: both steps belong to the same TLS session.
			DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
				select {
				case c := <-first:
					return c, nil
				default:
					return nil, errors.New("the connection was lost; start over")
				}
			},
			DisableCompression:     true,
			MaxResponseHeaderBytes: MaxHeader,
			Protocols:              new(http.Protocols),
		}
		line.transport.Protocols.SetHTTP1(true)
		return line, nil
	}
	return nil, errors.Join(errs...)
}

func (p *PairParams) dial(ctx context.Context, address string, config *tls.Config) (*tls.Conn, error) {
	dial := p.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

func (l *pairLine) ask(ctx context.Context, m pairing.Message) (pairing.Message, error) {
	data, err := m.Marshal()
	if err != nil {
		return pairing.Message{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+l.address+PathPair, bytes.NewReader(data))
	if err != nil {
		return pairing.Message{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := l.transport.RoundTrip(req)
	if err != nil {
		if l.conn.refused.Load() {
			err = fmt.Errorf("%w: %w", ErrNotAdmitted, err)
		}
		return pairing.Message{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var se *StatusError
		if err := statusError(resp); errors.As(err, &se) {
			return pairing.Message{}, &pairing.Refusal{Code: se.Refusal.Code, Detail: se.Refusal.Detail}
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, pairing.MaxMessage+1))
	if err != nil {
		return pairing.Message{}, err
	}
	answer, err := pairing.ParseMessage(body)
	if err == nil && answer.Invitation != m.Invitation {
		err = &pairing.Refusal{Code: pairing.CodeBadMessage, Detail: "the answer is about another invitation"}
	}
	return answer, err
}
