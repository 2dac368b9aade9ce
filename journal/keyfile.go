package journal

import (
	"encoding/pem"
	"errors"
	"strings"
)

const (
	keyFileType = "ENTENTE PRIVATE KEY"
	maxKeyFile  = 8 << 10
)

// Marshal returns the text form of the key: a PEM block (RFC 7468 framing) of
// type "ENTENTE PRIVATE KEY" with the headers Comment and Key-Id, holding the
// Ed25519 seed (32 bytes) and the ML-DSA-44 seed (32 bytes). The comment is
// shortened to one line of [MaxName] bytes. Whoever stores it encrypts it.
func (k *PrivateKey) Marshal(comment string) []byte {
	comment = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(comment, "?"))
	b := pem.Block{
		Type:    keyFileType,
		Headers: map[string]string{"Comment": clipTo(strings.TrimSpace(comment), MaxName), "Key-Id": k.pub.ID().String()},
		Bytes:   append(append([]byte{}, k.ed.Seed()...), k.pq.Bytes()...),
	}
	return pem.EncodeToMemory(&b)
}

// ParsePrivateKey reads the form that [PrivateKey.Marshal] writes. Text before
// the block is allowed, a second block is not. Nothing of the key appears in errors.
func ParsePrivateKey(text []byte) (*PrivateKey, error) {
	if len(text) > maxKeyFile {
		return nil, errors.New("journal: the key file is larger than a key file can be")
	}
	b, rest := pem.Decode(text)
	if b == nil || b.Type != keyFileType {
		return nil, errors.New("journal: not a key file (no block " + keyFileType + ")")
	}
	if strings.Contains(string(rest), "-----BEGIN") {
		return nil, errors.New("journal: the key file holds more than one key")
	}
	if len(b.Bytes) != 64 {
		return nil, errors.New("journal: the key file is damaged (a key has 64 bytes)")
	}
	k, err := NewPrivateKey([32]byte(b.Bytes[:32]), [32]byte(b.Bytes[32:]))
	if err != nil {
		return nil, err
	}
	if id := b.Headers["Key-Id"]; id != "" && id != k.pub.ID().String() {
		return nil, errors.New("journal: the key file is damaged (the key does not match its Key-Id)")
	}
	return k, nil
}
