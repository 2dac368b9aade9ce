// Package observable turns what people and machines write about the network and
// its files (domains, addresses, URLs, hashes and the like) into one canonical
// value each, so that two ways of writing the same thing meet under one key.
//
// The package is pure.
package observable

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Type is the kind of a value.
type Type string

// The types. Their names are part of every key and must not change.
const (
	Domain      Type = "domain"       // lower-case A-labels without the trailing dot
	IPv4        Type = "ipv4"         // dotted decimal
	IPv6        Type = "ipv6"         // RFC 5952
	Prefix      Type = "prefix"       // CIDR block, host bits cleared
	URL         Type = "url"          // RFC 3986 §6.2.2 and §6.2.3, without fragment
	Email       Type = "email"        // lower-case, domain in A-labels
	MD5         Type = "md5"          // 32 lower-case hexadecimal digits
	SHA1        Type = "sha1"         // 40
	SHA256      Type = "sha256"       // 64
	SHA512      Type = "sha512"       // 128
	SSDeep      Type = "ssdeep"       // as written
	MAC         Type = "mac"          // six lower-case pairs with colons
	ASN         Type = "asn"          // "AS" and the number
	Mutex       Type = "mutex"        // as written
	RegistryKey Type = "registry-key" // lower-case, hive in full
	FileName    Type = "file-name"    // lower-case
	FilePath    Type = "file-path"    // Windows paths lower-case, others as written
	Account     Type = "account"      // as written
	Process     Type = "process"      // as written
	UserAgent   Type = "user-agent"   // as sent
	MailSubject Type = "mail-subject" // as sent
	JA3         Type = "ja3"          // 32 lower-case hexadecimal digits, of a client or a server (JA3S)
	JA4         Type = "ja4"          // JA4 and its kin, lower-case
	// Serial is the serial number of a certificate: lower-case hexadecimal digits without colons and leading zeros.
	Serial Type = "certificate-serial"
	Other  Type = "other" // "stix-type:path=value", as written
)

// Types lists all types.
func Types() []Type {
	return []Type{Domain, IPv4, IPv6, Prefix, URL, Email, MD5, SHA1, SHA256, SHA512, SSDeep, MAC, ASN, Mutex,
		RegistryKey, FileName, FilePath, Account, Process, UserAgent, MailSubject, JA3, JA4, Serial, Other}
}

// Value is one normalised value. Two Values are the same thing if and only if
// they are equal. Values are made by [New] and [Parse]; the zero Value is none.
type Value struct {
	Type Type
	Text string // canonical form
}

// Key gives "type:text", the key under which a value is indexed. [Parse] reads it
// back.
func (v Value) Key() string { return string(v.Type) + ":" + v.Text }

// String gives the key.
func (v Value) String() string { return v.Key() }

// IsZero reports whether v is no value.
func (v Value) IsZero() bool { return v.Type == "" }

// MaxText is the longest text of a value, in bytes. Longer ones are refused.
const MaxText = 4096

var (
	// ErrInvalid means that a text is not a value of the type asked for.
	ErrInvalid = errors.New("not a valid value")
	// ErrUnknown means that it cannot be told what a text is.
	ErrUnknown = errors.New("cannot tell what this is")
)

func invalid(t Type, text, why string) error {
	if len(text) > 80 {
		text = text[:80] + "..."
	}
	return fmt.Errorf("%w: %s is no %s: %s", ErrInvalid, strconv.QuoteToGraphic(text), t, why)
}

// New makes a value of a known type from text, bringing it into canonical form. It
// does not refang. An IPv4 address mapped into IPv6 becomes IPv4, and a block of one
// address becomes that address, so the type of the result may differ from t. It
// fails with ErrInvalid.
func New(t Type, text string) (Value, error) {
	if len(text) > MaxText {
		return Value{}, invalid(t, text, "longer than "+strconv.Itoa(MaxText)+" bytes")
	}
	if t != Other && t != Mutex {
		text = strings.TrimSpace(text)
	}
	if text == "" {
		return Value{}, invalid(t, text, "empty")
	}
	switch t {
	case Domain:
		return newDomain(text)
	case IPv4, IPv6, Prefix:
		return newAddress(t, text)
	case URL:
		return newURL(text)
	case Email:
		return newEmail(text)
	case MD5, SHA1, SHA256, SHA512, SSDeep:
		return newHash(t, text)
	case MAC:
		return newMAC(text)
	case ASN:
		return newASN(text)
	case RegistryKey:
		return newRegistryKey(text)
	case JA3, JA4, Serial:
		return newFingerprint(t, text)
	case FileName, FilePath, Mutex, Account, Process, UserAgent, MailSubject, Other:
		return newText(t, text)
	}
	return Value{}, invalid(t, text, "there is no such type")
}

// newText makes a value whose text has little or no canonical form.
func newText(t Type, text string) (Value, error) {
	for i := 0; i < len(text); i++ {
		if text[i] == 0 {
			return Value{}, invalid(t, text, "holds a NUL byte")
		}
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	switch {
	case t == FileName, t == FilePath && windowsPath(text):
		text = strings.ToLower(text)
	}
	if t == Other {
		if name, val, ok := strings.Cut(text, "="); !ok || name == "" || val == "" {
			return Value{}, invalid(t, text, "not of the form name=value")
		}
	}
	if len(text) > MaxText {
		return Value{}, invalid(t, text[:80], "too long in canonical form")
	}
	return Value{t, text}, nil
}

// windowsPath reports whether a path is one of Windows, where case means nothing.
func windowsPath(s string) bool {
	return len(s) > 2 && s[1] == ':' && letter(s[0]) && (s[2] == '\\' || s[2] == '/') ||
		strings.HasPrefix(s, `\\`) || strings.HasPrefix(s, "%") && strings.Contains(s, `\`)
}

func letter(c byte) bool { return c|0x20-'a' <= 25 }
func digit(c byte) bool  { return c-'0' <= 9 }

// newRegistryKey expands the usual short names of hives and folds case, which
// means nothing in the registry.
func newRegistryKey(text string) (Value, error) {
	v, err := newText(RegistryKey, text)
	if err != nil {
		return v, err
	}
	// White space before the last separators would be at the end once they are gone.
	key := strings.TrimRightFunc(strings.ToLower(v.Text), func(r rune) bool { return r == '\\' || unicode.IsSpace(r) })
	for native, full := range nativeHives {
		if rest, ok := strings.CutPrefix(key+`\`, native); ok {
			key = strings.TrimSuffix(full+rest, `\`)
		}
	}
	hive, rest, more := strings.Cut(key, `\`)
	if full, ok := hives[hive]; ok {
		hive = full
	}
	if hive == "" {
		return Value{}, invalid(RegistryKey, text, "it names no hive")
	}
	if more {
		hive += `\` + rest
	}
	if len(hive) > MaxText {
		return Value{}, invalid(RegistryKey, text, "too long in canonical form")
	}
	return Value{RegistryKey, hive}, nil
}

// nativeHives are the names by which Windows itself knows hives, as its audit events have them.
var nativeHives = map[string]string{`\registry\machine\`: `hkey_local_machine\`, `\registry\user\`: `hkey_users\`}

var hives = map[string]string{
	"hklm": "hkey_local_machine", "hkcu": "hkey_current_user", "hkcr": "hkey_classes_root",
	"hku": "hkey_users", "hkcc": "hkey_current_config",
}
