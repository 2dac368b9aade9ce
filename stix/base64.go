package stix

import (
	"encoding/base64"
	"strings"
)

// validBase64 is RFC 4648 §4 to the letter; the decoder alone would skip line ends.
func validBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n")
}
