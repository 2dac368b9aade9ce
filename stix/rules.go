package stix

import (
	"net/netip"
	"strings"
)

func (c *checker) has(v Value, name string) bool { return v.Member(name).Kind() != KindInvalid }

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
}

func granularMarkingRules(c *checker, v Value) {
	if c.has(v, "lang") == c.has(v, "marking_ref") {
		c.add(v, CodeTogether, true, "needs either lang or marking_ref")
	}
	for e := range v.Member("selectors").Elements() {
		if s, ok := e.Text(); ok {
			if _, err := c.o.Select(s); err != nil {
				c.add(e, CodeSelector, true, err.Error())
			}
		}
	}
}

func seenRules(c *checker, v Value) { c.ordered(v, "first_seen", "last_seen", false) }

func indicatorRules(c *checker, v Value) {
	o := c.o
	if !o.ValidFrom.IsZero() && !o.ValidUntil.IsZero() && o.ValidUntil.Compare(o.ValidFrom) <= 0 {
		c.addAt("valid_until", CodeOrder, true, "must be later than valid_from")
	}
	if o.Pattern != "" && (o.PatternType == "stix" || o.PatternType == "" && c.old) {
		c.pattern(o.Pattern)
	}
}

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
}

func malwareRules(c *checker, v Value) {
	seenRules(c, v)
	if family, _ := v.Member("is_family").Bool(); family && !c.has(v, "name") {
		c.addAt("name", CodeMissing, true, "is required of a malware family")
	}
}

func malwareAnalysisRules(c *checker, v Value) { c.atLeastOne(v, "result", "analysis_sco_refs") }

func observedDataRules(c *checker, v Value) {
	c.ordered(v, "first_observed", "last_observed", false)
	if c.has(v, "objects") == c.has(v, "object_refs") {
		c.add(v, CodeTogether, true, "needs either object_refs or the deprecated objects")
	}
}

func relationshipRules(c *checker, v Value) { c.ordered(v, "start_time", "stop_time", true) }

func markingDefinitionRules(c *checker, v Value) {
	if c.has(v, "extensions") {
		return
	}
	for _, name := range []string{"definition_type", "definition"} {
		if !c.has(v, name) {
			c.addAt(name, CodeMissing, true, "is required of a marking without extensions")
		}
	}
}

func artifactRules(c *checker, v Value) {
	if c.has(v, "payload_bin") == c.has(v, "url") {
		c.add(v, CodeTogether, true, "needs either payload_bin or url")
	}
	if c.has(v, "url") && !c.has(v, "hashes") {
		c.addAt("hashes", CodeMissing, true, "is required with url")
	}
	if c.has(v, "decryption_key") && !c.has(v, "encryption_algorithm") {
		c.addAt("decryption_key", CodeTogether, true, "must not be present without encryption_algorithm")
	}
}

func emailMessageRules(c *checker, v Value) {
	multipart, ok := v.Member("is_multipart").Bool()
	if !ok {
		return
	}
	if multipart && c.has(v, "body") {
		c.addAt("body", CodeTogether, true, "must not be present in a multipart message")
	}
	if !multipart && c.has(v, "body_multipart") {
		c.addAt("body_multipart", CodeTogether, true, "must not be present unless is_multipart is true")
	}
}

func networkTrafficRules(c *checker, v Value) {
	c.atLeastOne(v, "src_ref", "dst_ref")
	c.ordered(v, "start", "end", false)
	if active, _ := v.Member("is_active").Bool(); active && c.has(v, "end") {
		c.addAt("end", CodeTogether, true, "must not be present while is_active is true")
	}
}

// ownPropertyRules demands at least one property beyond the common ones.
func ownPropertyRules(c *checker, v Value) {
	for _, p := range c.o.spec.props[len(scoCommonProperties):] {
		if c.has(v, p.Name) {
			return
		}
	}
	if !c.has(v, "extensions") {
		c.add(v, CodeTogether, true, "needs at least one property of its own")
	}
}

func ipRules(c *checker, v Value) {
	text, ok := v.Member("value").Text()
	if !ok {
		return
	}
	addr, err := netip.ParseAddr(text)
	if p, perr := netip.ParsePrefix(text); perr == nil {
		addr, err = p.Addr(), nil
	}
	if err != nil || addr.Is4() != (c.o.Type == "ipv4-addr") || addr.Zone() != "" {
		c.addAt("value", CodeValue, true, "must be an address or a CIDR block of this family")
	}
}

func macRules(c *checker, v Value) {
	text, ok := v.Member("value").Text()
	if !ok {
		return
	}
	good := len(text) == 17 && text == strings.ToLower(text)
	for i := 0; good && i < len(text); i++ {
		good = (i%3 == 2) == (text[i] == ':') && (text[i] == ':' || isHex(text[i]))
	}
	if !good {
		c.addAt("value", CodeValue, true, "must be six pairs of lower-case hexadecimal digits joined by colons")
	}
}
