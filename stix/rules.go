package stix

import "strings"

func (c *checker) has(v Value, name string) bool { return v.Member(name).Kind() != KindInvalid }

// advised suggests an optional property that should be there.
func (c *checker) advised(check int, v Value, names ...string) {
	if !c.advise {
		return
	}
	for _, n := range names {
		if !c.has(v, n) {
			before := len(c.problems)
			c.addAt(appendName(c.o.pathOf(v.n), n), CodeAdvised, false, "should be there")
			if len(c.problems) > before {
				c.problems[before].Check = check
			}
		}
	}
}

func (c *checker) atLeastOne(v Value, names ...string) {
	for _, n := range names {
		if c.has(v, n) {
			return
		}
	}
	c.add(v, CodeTogether, true, "needs at least one of "+strings.Join(names, ", "))
}

// ordered checks that one time is not before another; strictly, that it is after.
func (c *checker) ordered(v Value, first, last string, strictly bool) {
	a, b := v.Member(first), v.Member(last)
	ta, okA := a.Text()
	tb, okB := b.Text()
	if !okA || !okB {
		return
	}
	x, errX := ParseTimestamp(ta)
	y, errY := ParseTimestamp(tb)
	if errX != nil || errY != nil {
		return
	}
	switch d := y.Compare(x); {
	case d < 0:
		c.add(b, CodeOrder, true, "is before "+first)
	case d == 0 && strictly:
		c.add(b, CodeOrder, true, "must be later than "+first)
	}
}

func externalReferenceRules(c *checker, v Value) {
	c.atLeastOne(v, "description", "url", "external_id")
	var scratch [96]byte
	if id, source := v.Member("external_id"), v.Member("source_name"); id.Kind() == KindString && source.Kind() == KindString {
		switch string(source.unquoted(scratch[:0])) {
		case "cve":
			if text, _ := id.Text(); !validCVE(text) {
				c.addIn("4.19", c.o.pathOf(id.n), CodeValue, true, "must be a CVE identifier such as CVE-2024-12345")
			}
		case "capec":
			if text, _ := id.Text(); !validCAPEC(text) {
				c.addIn("4.1", c.o.pathOf(id.n), CodeValue, true, "must be a CAPEC identifier such as CAPEC-163")
			}
		}
	}
	if c.advise && c.has(v, "url") {
		c.advised(302, v, "hashes")
	}
}

func killChainRules(c *checker, v Value) {
	if !c.advise {
		return
	}
	var scratch [96]byte
	for _, name := range [...]string{"kill_chain_name", "phase_name"} {
		if m := v.Member(name); m.Kind() == KindString && !plainWords(m.unquoted(scratch[:0])) {
			c.suggest(121, m, CodeFormat, "is best written in lower case, with hyphens")
		}
	}
}

func granularMarkingRules(c *checker, v Value) {
	if c.has(v, "lang") == c.has(v, "marking_ref") {
		c.add(v, CodeTogether, true, "needs either lang or marking_ref")
	}
	for e := range v.Member("selectors").Elements() {
		if s, ok := e.Text(); ok && c.box.o == nil {
			if _, err := c.o.Select(s); err != nil {
				c.add(e, CodeSelector, true, err.Error())
			}
		}
	}
}

func seenRules(c *checker, v Value) { c.ordered(v, "first_seen", "last_seen", false) }

func locationRules(c *checker, v Value) {
	lat, long := c.has(v, "latitude"), c.has(v, "longitude")
	if lat != long {
		c.add(v, CodeTogether, true, "latitude and longitude go together")
	}
	if c.has(v, "precision") && !(lat && long) {
		c.add(v.Member("precision"), CodeTogether, true, "needs latitude and longitude")
	}
	if !lat || !long {
		c.atLeastOne(v, "region", "country", "latitude")
	}
	if country, ok := v.Member("country").Text(); ok && !countryCode(country) {
		c.suggest(277, v.Member("country"), CodeVocabulary, "is best a code of ISO 3166-1 alpha-2, as in de")
	}
}

func malwareRules(c *checker, v Value) {
	seenRules(c, v)
	if family, _ := v.Member("is_family").Bool(); family && !c.has(v, "name") {
		c.addAt("name", CodeMissing, true, "is required of a malware family")
	}
}

func malwareAnalysisRules(c *checker, v Value) {
	c.atLeastOne(v, "result", "analysis_sco_refs")
	if product, ok := v.Member("product").Text(); ok && !plainWords([]byte(product)) {
		c.suggest(143, v.Member("product"), CodeFormat, "is best written in lower case, with hyphens")
	}
}

func observedDataRules(c *checker, v Value) {
	c.ordered(v, "first_observed", "last_observed", false)
	if c.has(v, "objects") == c.has(v, "object_refs") {
		c.add(v, CodeTogether, true, "needs either object_refs or the deprecated objects")
	}
	refs := v.Member("object_refs")
	for e := range refs.Elements() {
		if id, _ := e.Text(); IDType(id) != "relationship" && IDType(id) != "sighting" {
			return
		}
	}
	if refs.Len() > 0 {
		c.add(refs, CodeRefType, true, "must name at least one cyber-observable")
	}
}

func artifactRules(c *checker, v Value) {
	if c.has(v, "payload_bin") == c.has(v, "url") {
		c.add(v, CodeTogether, true, "needs either payload_bin or url")
	}
	if c.has(v, "url") && !c.has(v, "hashes") {
		c.addAt(appendName(c.o.pathOf(v.n), "hashes"), CodeMissing, true, "is required with url")
	}
	if c.has(v, "decryption_key") && !c.has(v, "encryption_algorithm") {
		c.add(v.Member("decryption_key"), CodeTogether, true, "must not be present without encryption_algorithm")
	}
	c.mimeType(v)
}

func emailMessageRules(c *checker, v Value) {
	for name, val := range v.Member("additional_header_fields").members() {
		switch s, _ := name.Text(); strings.ToLower(s) {
		case "date", "received", "received_lines", "content-type", "content_type", "from", "from_ref", "sender", "to", "to_refs", "cc", "bcc", "subject":
			c.add(val, CodeTogether, false, "has a property of its own")
		}
	}
	multipart, ok := v.Member("is_multipart").Bool()
	if !ok {
		return
	}
	if multipart && c.has(v, "body") {
		c.add(v.Member("body"), CodeTogether, true, "must not be present in a multipart message")
	}
	if !multipart && c.has(v, "body_multipart") {
		c.add(v.Member("body_multipart"), CodeTogether, true, "must not be present unless is_multipart is true")
	}
}
