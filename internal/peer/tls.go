package peer

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"entente/journal"
)

// alpn is the only application protocol offered: packets travel over HTTP/1.1.
const alpn = "http/1.1"

// ErrPin marks a connection refused because the other end's TLS key is not the
// pinned one: another machine answers there, or the party changed its key.
var ErrPin = errors.New("the TLS key of the other end is not the pinned one")

// ErrNotAdmitted marks a connection that the other end broke off because it knows no
// partner by our TLS key.
var ErrNotAdmitted = errors.New("the other end knows no partner by our TLS key")

// heardConn remembers that the other end refused our certificate. In TLS 1.3 it says so only
// after our side of the handshake is done, while we may be writing already: then writing
// fails, and that is the error that a request ends with.
type heardConn struct {
	net.Conn
	refused atomic.Bool
	ended   sync.Once
	over    chan struct{} // closed when there is nothing more to be read
	closing sync.Once
	gone    func() // told when it is closed; may be nil
}

func newHeardConn(c net.Conn) *heardConn { return &heardConn{Conn: c, over: make(chan struct{})} }

// Read notes the alert bad_certificate (RFC 8446 section 6.2).
func (c *heardConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		op, ok := errors.AsType[*net.OpError](err)
		if ok && op.Op == "remote error" && op.Err != nil && op.Err.Error() == badCertificate.Error() {
			c.refused.Store(true)
		}
		c.ended.Do(func() { close(c.over) })
	}
	return n, err
}

// Write waits a moment, if it fails, for what the other end has said before it hung up.
func (c *heardConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-c.over:
		case <-timer.C:
		}
	}
	return n, err
}

// Close ends the waiting, too. Whoever else closes it waits until it is closed.
func (c *heardConn) Close() (err error) {
	err = net.ErrClosed
	c.closing.Do(func() {
		err = c.Conn.Close()
		c.ended.Do(func() { close(c.over) })
		if c.gone != nil {
			c.gone()
		}
	})
	return err
}

// lastWords is how long a writer that failed waits for the reason.
const lastWords = time.Second

const badCertificate tls.AlertError = 42

// Pin is the SHA-256 of a certificate's SubjectPublicKeyInfo: what identities
// list, and the only thing about a certificate that is believed.
func Pin(cert *x509.Certificate) journal.Hash {
	return sha256.Sum256(cert.RawSubjectPublicKeyInfo)
}

// PinOfKey is the pin of a public key.
func PinOfKey(key crypto.PublicKey) (journal.Hash, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return journal.Hash{}, fmt.Errorf("encoding a TLS key: %w", err)
	}
	return sha256.Sum256(spki), nil
}

// Certificate makes the self-signed certificate under which a TLS key (Ed25519 or
// ECDSA P-256) is shown. Names and dates in it carry no meaning to a peer, which
// looks at the key alone; addresses are added so that ordinary tools can connect.
func Certificate(key crypto.Signer, rand io.Reader, notBefore, notAfter time.Time) (tls.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := io.ReadFull(rand, serial); err != nil {
		return tls.Certificate{}, fmt.Errorf("making a TLS certificate: %w", err)
	}
	serial[0] &= 0x7f
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: "entente node"},
		DNSNames:     []string{"entente.invalid"},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a TLS certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a TLS certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// GenerateTLSKey makes a new TLS key.
func GenerateTLSKey(rand io.Reader) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("making a TLS key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// ServerConfig is TLS 1.3 with a client certificate whose key admit accepts, asked
// at every connection. There is no CA, no resumption and no early data.
func ServerConfig(cert tls.Certificate, admit func(pin journal.Hash) bool) *tls.Config {
	c := baseConfig(cert, admit)
	c.ClientAuth = tls.RequireAnyClientCert
	return c
}

// ClientConfig is TLS 1.3 with our certificate, towards an end whose key is one of
// the pins; pins is asked at every connection.
func ClientConfig(cert tls.Certificate, pins func() []journal.Hash) *tls.Config {
	c := baseConfig(cert, func(pin journal.Hash) bool { return slices.Contains(pins(), pin) })
	// One name for everybody, so that none is sent in the clear; it is not checked.
	c.ServerName = "entente.invalid"
	// Chains are not verified because there is no CA; VerifyConnection below checks
	// the key itself, on every connection.
	c.InsecureSkipVerify = true
	return c
}

func baseConfig(cert tls.Certificate, admit func(pin journal.Hash) bool) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		MaxVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{cert},
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true,
		ClientSessionCache:     nil,
		Renegotiation:          tls.RenegotiateNever,
		VerifyConnection: func(s tls.ConnectionState) error {
			switch {
			case s.Version != tls.VersionTLS13:
				return errors.New("only TLS 1.3 is spoken here")
			case s.DidResume:
				return errors.New("sessions are not resumed here")
			case len(s.PeerCertificates) == 0:
				return fmt.Errorf("%w: no certificate was shown", ErrPin)
			case !admit(Pin(s.PeerCertificates[0])):
				return fmt.Errorf("%w: it has pin %s", ErrPin, Pin(s.PeerCertificates[0]))
			}
			return nil
		},
	}
}
