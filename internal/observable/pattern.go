package observable

import (
	"net/netip"
	"strings"
)

// Pattern gives the STIX pattern that a sensor would look for the value with, as
// in "[domain-name:value = 'example.org']", and false for what no single
// comparison of STIX 2.1 expresses (values of type [Other], [JA3], [JA4]).
func (v Value) Pattern() (string, bool) {
	switch v.Type {
	case Domain:
		return comparison("domain-name:value", v.Text), true
	case IPv4:
		return comparison("ipv4-addr:value", v.Text), true
	case IPv6:
		return comparison("ipv6-addr:value", v.Text), true
	case Prefix:
		p, ok := v.CIDR()
		if !ok {
			return "", false
		}
		return "[" + addressType(p.Addr()) + ":value ISSUBSET " + quote(v.Text) + "]", true
	case URL:
		return comparison("url:value", v.Text), true
	case Email:
		return comparison("email-addr:value", v.Text), true
	case MAC:
		return comparison("mac-addr:value", v.Text), true
	case ASN:
		return "[autonomous-system:number = " + strings.TrimPrefix(v.Text, "AS") + "]", true
	case MD5, SHA1, SHA256, SHA512, SSDeep:
		return comparison("file:hashes."+hashKey(v.Type), v.Text), true
	case Mutex:
		return comparison("mutex:name", v.Text), true
	case RegistryKey:
		return comparison("windows-registry-key:key", v.Text), true
	case FileName:
		return comparison("file:name", v.Text), true
	case FilePath:
		dir, name := splitPath(v.Text)
		if name == "" {
			return comparison("directory:path", v.Text), true
		}
		return "[file:name = " + quote(name) + " AND file:parent_directory_ref.path = " + quote(dir) + "]", true
	case Account:
		return comparison("user-account:account_login", v.Text), true
	case UserAgent:
		return comparison("network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'", v.Text), true
	case MailSubject:
		return comparison("email-message:subject", v.Text), true
	case Serial:
		return comparison("x509-certificate:serial_number", v.Text), true
	case Process: // STIX 2.1 has no name of a process, only that of its image
		return comparison("process:image_ref.name", v.Text), true
	}
	return "", false
}

// HasPattern tells whether Pattern gives one, without what it takes to write it.
func (v Value) HasPattern() bool {
	switch v.Type {
	case Domain, IPv4, IPv6, URL, Email, MAC, ASN, MD5, SHA1, SHA256, SHA512, SSDeep, Mutex, RegistryKey, FileName, FilePath, Account, UserAgent, MailSubject, Serial, Process:
		return true
	case Prefix:
		_, ok := v.CIDR()
		return ok
	}
	return false
}

func addressType(a netip.Addr) string {
	if a.Is4() {
		return "ipv4-addr"
	}
	return "ipv6-addr"
}

// hashKey is the key of an algorithm in an object path; names with a hyphen are quoted.
func hashKey(t Type) string {
	switch t {
	case MD5:
		return "MD5"
	case SSDeep:
		return "SSDEEP"
	}
	return "'" + HashName(t) + "'"
}

// HashName gives the name that STIX has for the algorithm of a hash ("SHA-256"),
// empty for other types.
func HashName(t Type) string {
	switch t {
	case MD5:
		return "MD5"
	case SHA1:
		return "SHA-1"
	case SHA256:
		return "SHA-256"
	case SHA512:
		return "SHA-512"
	case SSDeep:
		return "SSDEEP"
	}
	return ""
}

// splitPath parts a path into folder and name; a path that ends in a separator
// has no name.
func splitPath(path string) (dir, name string) {
	i := strings.LastIndexAny(path, `/\`)
	switch {
	case i < 0:
		return "", path
	case i == 0 || i == 2 && path[1] == ':': // the root itself keeps its separator
		return path[:i+1], path[i+1:]
	}
	return path[:i], path[i+1:]
}

func comparison(path, text string) string { return "[" + path + " = " + quote(text) + "]" }

// quote writes a string literal of the patterning grammar.
func quote(s string) string {
	if strings.ContainsAny(s, `\'`) {
		s = strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
	}
	return "'" + s + "'"
}
