package pairing

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"

	"entente/journal"
)

// ExporterLabel is the label under which both ends take 32 bytes from the TLS
// session (RFC 8446 section 7.5), with the invitation's id as context.
const ExporterLabel = "EXPORTER-entente-pairing-v1"

const (
	nonceSize    = 32
	exporterSize = 32
	digitCount   = 6

	roleInviter = "inviter"
	roleJoiner  = "joiner"
)

// hash is SHA-256 of the domain and of each part after its length in 4 bytes.
func hash(domain string, parts ...[]byte) journal.Hash {
	h := sha256.New()
	h.Write([]byte(domain))
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	return journal.Hash(h.Sum(nil))
}

func commitmentOf(chain, nonce []byte) journal.Hash {
	return hash("entente/pair/commit/v1\n", chain, nonce)
}

// exchanged is everything that both ends must agree on.
type exchanged struct {
	inv                    *Invitation
	commitment             journal.Hash
	inviterChain, inviterN []byte
	joinerChain, joinerN   []byte
	inviterPin, joinerPin  journal.Hash
	exporter               []byte
}

func (e *exchanged) transcript() journal.Hash {
	return hash("entente/pair/transcript/v1\n",
		[]byte(e.inv.ID()), []byte(e.inv.Unit), e.commitment[:],
		e.inviterChain, e.inviterN, e.joinerChain, e.joinerN,
		e.inviterPin[:], e.joinerPin[:], e.exporter)
}

// digits are the group shown at the end with this role: the first 8 bytes of the
// hash as a big-endian number, modulo a million.
func digits(transcript journal.Hash, role string) string {
	h := hash("entente/pair/digits/v1\n", []byte(role), transcript[:])
	return fmt.Sprintf("%0*d", digitCount, binary.BigEndian.Uint64(h[:8])%1_000_000)
}

// proof shows that its maker confirmed this very pairing. The transcript itself is
// never sent: the digits follow from it.
func proof(transcript journal.Hash, role string) journal.Hash {
	return hash("entente/pair/confirm/v1\n", []byte(role), transcript[:])
}

// compare holds what an officer typed against the other side's digits. What cannot
// be meant as those digits (a wrong length, letters, the digits of the own screen)
// is not a try.
func compare(typed string, transcript journal.Hash, own, other string) error {
	var b strings.Builder
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0':
		default:
			return refuse(CodeNotDigits, "that is not a number; type the %d digits that the other side reads to you", digitCount)
		}
		if b.Len() > digitCount {
			break
		}
	}
	got := b.String()
	if len(got) != digitCount {
		return refuse(CodeNotDigits, "exactly %d digits are needed; type those that the other side reads to you", digitCount)
	}
	want, mine := digits(transcript, other), digits(transcript, own)
	if subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 {
		return nil
	}
	if got == mine {
		return refuse(CodeNotDigits, "those are the digits of this side; type the ones that the other side reads to you")
	}
	return refuse(CodeWrongDigits, "the digits do not match. Either one was misheard or somebody stands between the two sides. This pairing is over at both ends; make a new invitation, and hand it over another way if it happens again")
}
