package stix

import (
	"net/netip"
	"strings"
)

// The rules of cyber-observables (STIX 2.1 §6) that concern several properties or what
// a value means.

func networkTrafficRules(c *checker, v Value) {
	c.atLeastOne(v, "src_ref", "dst_ref")
	c.ordered(v, "start", "end", false)
	if active, _ := v.Member("is_active").Bool(); active && c.has(v, "end") {
		c.add(v.Member("end"), CodeTogether, true, "must not be present while is_active is true")
	}
	c.advised(301, v, "src_port", "dst_port")
	for e := range v.Member("protocols").Elements() {
		if s, ok := e.Text(); ok && (len(s) > 15 || strings.ToLower(s) != s || strings.ContainsAny(s, " _/")) {
			c.suggest(272, e, CodeFormat, "is best a service name of the IANA registry, in lower case")
		}
	}
}

// ownPropertyRules demands at least one property beyond the common ones.
func ownPropertyRules(c *checker, v Value) {
	if c.spec == nil || c.has(v, "extensions") {
		return
	}
	for name := range v.members() {
		s, _ := name.Text()
		if i := c.spec.find.index([]byte(s)); i >= len(scoCommonProperties) || i < 0 && c.box.o != nil {
			return // in a container of STIX 2.0 it may be a property of that version
		}
	}
	c.add(v, CodeTogether, true, "needs at least one property of its own")
}

func registryKeyRules(c *checker, v Value) {
	ownPropertyRules(c, v)
	key := v.Member("key")
	text, _ := key.Text()
	hive, _, _ := strings.Cut(text, "\\")
	switch strings.ToUpper(hive) {
	case "HKLM", "HKCC", "HKCR", "HKCU", "HKU":
		c.add(key, CodeValue, true, "the hive must be written in full, as in HKEY_LOCAL_MACHINE")
	}
}

func fileRules(c *checker, v Value) {
	c.atLeastOne(v, "hashes", "name")
	if c.has(v, "name_enc") && !c.has(v, "name") {
		c.addIn("3.1", c.o.pathOf(v.Member("name_enc").n), CodeTogether, true, "must not be present without name")
	}
	c.charset(v, "name_enc")
	c.mimeType(v)
}

func directoryRules(c *checker, v Value) { c.charset(v, "path_enc") }

func (c *checker) mimeType(v Value) {
	if m := v.Member("mime_type"); c.advise && m.Kind() == KindString {
		if s, _ := m.Text(); !mediaType(s) {
			c.suggest(271, m, CodeFormat, "is best a media type of the IANA registry, as in application/pdf")
		}
	}
}

func softwareRules(c *checker, v Value) {
	if cpe := v.Member("cpe"); cpe.Kind() == KindString {
		if s, _ := cpe.Text(); !validCPE(s) {
			c.add(cpe, CodeValue, true, "must be a CPE 2.3 name, as in cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*")
		}
	}
}

func ipRules(c *checker, v Value) {
	text, ok := v.Member("value").Text()
	if !ok || c.defanged() {
		return
	}
	addr, err := netip.ParseAddr(text)
	if p, perr := netip.ParsePrefix(text); perr == nil {
		addr, err = p.Addr(), nil
	}
	if err != nil || c.spec == nil || addr.Is4() != (c.spec.Name == "ipv4-addr") || addr.Zone() != "" {
		c.add(v.Member("value"), CodeValue, true, "must be an address or a CIDR block of this family")
	}
}

func macRules(c *checker, v Value) {
	text, ok := v.Member("value").Text()
	if !ok || c.defanged() {
		return
	}
	good := len(text) == 17 && text == strings.ToLower(text)
	for i := 0; good && i < len(text); i++ {
		good = (i%3 == 2) == (text[i] == ':') && (text[i] == ':' || isHex(text[i]))
	}
	if !good {
		c.add(v.Member("value"), CodeValue, true, "must be six pairs of lower-case hexadecimal digits joined by colons")
	}
}

func domainRules(c *checker, v Value) {
	if text, ok := v.Member("value").Text(); ok && !c.defanged() {
		if why := domainFault(text); why != "" {
			c.add(v.Member("value"), CodeValue, true, why)
		}
	}
}

func emailAddrRules(c *checker, v Value) {
	if text, ok := v.Member("value").Text(); ok && !c.defanged() {
		if why := emailFault(text); why != "" {
			c.add(v.Member("value"), CodeValue, true, why)
		}
	}
}

func pdfRules(c *checker, v Value) {
	someOf(c, v)
	for name, val := range v.Member("document_info_dict").members() {
		switch s, _ := name.Text(); s {
		case "Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate", "Trapped":
		default:
			c.suggest(276, val, CodeVocabulary, "is no key of a PDF document information dictionary")
		}
	}
}

func peRules(c *checker, v Value) {
	if c.known(v) < 2 {
		c.add(v, CodeTogether, true, "must hold a property beside pe_type")
	}
}

func httpRules(c *checker, v Value) {
	for name, val := range v.Member("request_header").members() {
		if s, _ := name.Text(); !headerName(s) {
			c.suggest(274, val, CodeFormat, "is no name of a header field")
		}
	}
}

func socketRules(c *checker, v Value) {
	for name, val := range v.Member("options").members() {
		s, _ := name.Text()
		family, rest, ok := strings.Cut(s, "_")
		switch family {
		case "SO", "ICMP", "ICMP6", "IP", "IPV6", "MCAST", "TCP", "IRLMP":
			ok = ok && rest != ""
		default:
			ok = false
		}
		if !ok {
			c.suggest(275, val, CodeVocabulary, "is best the name of a socket option, as in SO_KEEPALIVE")
		}
	}
}

func windowsProcessRules(c *checker, v Value) {
	someOf(c, v)
	if s, ok := v.Member("priority").Text(); ok && !strings.HasSuffix(s, "_CLASS") {
		c.suggest(149, v.Member("priority"), CodeFormat, "is best the name of a priority class and ends in _CLASS")
	}
}
