package accord

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

func (c *checker) exclusions() {
	for i, x := range c.d.Scope.Exclusions {
		if len(x.Kinds)+len(x.ObjectTypes)+len(x.IncidentKinds)+len(x.Sectors) == 0 {
			c.bad(at("scope", "exclusions", i), "excludes nothing; name kinds, object_types, incident_kinds or sectors")
		}
	}
}

func (c *checker) handling() {
	seen := map[string]bool{}
	for i, l := range c.d.Handling.Ceiling {
		c.party(l.From, true, at("handling", "ceiling", i, "from"))
		c.party(l.To, true, at("handling", "ceiling", i, "to"))
		if l.From == l.To && l.From != Any {
			c.bad(at("handling", "ceiling", i, "to"), "is the same party as from; name the other one")
		}
		key := l.Kind + " from " + short(l.From) + " to " + short(l.To)
		c.unique(seen, key, at("handling", "ceiling", i), "given a ceiling")
	}
	for _, from := range c.d.Signatories {
		for _, to := range c.d.Signatories {
			if from.Party != to.Party && c.d.ceiling("share", from.Party, to.Party) == nil {
				c.warn(at("handling", "ceiling"), "no ceiling covers share from %s to %s, so nothing may be shared that way", from.Name, to.Name)
			}
		}
	}
	v := c.d.Handling.Victims
	if (v.Rule == "after") != v.After.Set() {
		c.bad(at("handling", "victim_notice", "after"), "the rule after needs a time in after, and only that rule has one")
	}
}

func (c *checker) fields() {
	rules := map[string]bool{}
	for i, r := range c.d.Fields.Rules {
		rules[r.ID] = true
		c.party(r.From, true, at("fields", "rules", i, "from"))
		c.party(r.To, true, at("fields", "rules", i, "to"))
		if _, err := parsePath(r.Path); err != nil {
			c.bad(at("fields", "rules", i, "path"), "%s", err)
		}
		k := r.Coarsen
		some := k.Time != "" || k.IPv4 != 0 || k.IPv6 != 0 || k.Numbers
		if (r.Action == "coarsen") != some {
			c.bad(at("fields", "rules", i, "coarsen"), "coarsen says how much stays, for the action coarsen and no other; set time, ipv4, ipv6 or numbers")
		}
		if k.Digits != 0 && !k.Numbers {
			c.bad(at("fields", "rules", i, "coarsen", "digits"), "needs numbers: true")
		}
		if r.Mask != "" && r.Action != "mask" {
			c.bad(at("fields", "rules", i, "mask"), "belongs to the action mask only")
		}
		if r.Salt != "" && r.Action != "hash" {
			c.bad(at("fields", "rules", i, "salt"), "belongs to the action hash only")
		}
	}
	known := func(id string, place []string) {
		if !rules[id] {
			c.bad(place, "%q is not the id of a field rule; it has %s", clip(id, 64), join(slices.Sorted(maps.Keys(rules))))
		}
	}
	for i, id := range c.d.PersonalData.Scrub {
		known(id, at("personal_data", "scrub", i))
	}
	tiers := map[string]bool{}
	for i, t := range c.d.Fields.Tiers {
		c.unique(tiers, t.Tier, at("fields", "tiers", i, "tier"), "the name of a tier")
		for j, id := range t.Rules {
			known(id, at("fields", "tiers", i, "rules", j))
		}
		for j, id := range t.To {
			c.party(id, false, at("fields", "tiers", i, "to", j))
		}
	}
}

var domainName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (c *checker) quality() {
	for i, v := range c.d.Quality.NeverSend {
		if _, err := netip.ParseAddr(v); err == nil {
			continue
		}
		if p, err := netip.ParsePrefix(v); err == nil && p == p.Masked() {
			continue
		}
		if domainName.MatchString(v) && !strings.Contains(v, "..") {
			continue
		}
		c.bad(at("quality", "never_send", i), "%q is not a domain in lower case, an address or a CIDR prefix without host bits", clip(v, 80))
	}
}

// release checks that every author a rule concerns has the offices to meet it.
func (c *checker) release() {
	for i, r := range c.d.Release {
		c.party(r.Party, true, at("release", i, "party"))
		for _, p := range c.d.Signatories {
			if r.Party != Any && r.Party != p.Party {
				continue
			}
			var offices []Claim
			for _, a := range p.Agencies {
				for _, role := range a.Roles {
					offices = append(offices, Claim{Agency: a.Agency, Role: role.Role})
				}
			}
			if !satisfies(r.Claims, relevant(r.Claims, offices)) {
				c.bad(at("release", i, "claims"), "%s does not have %s, so it could never release; name agencies and roles that it has", p.Name, claimNames(r.Claims))
			}
		}
	}
}
