package watch

import (
	"fmt"

	"entente/internal/observable"
)

// Checked is a value that can be watched for. The zero value is none.
type Checked struct {
	value observable.Value  // as it is kept
	given *observable.Value // what it was given as, if that is another
	kind  kind
	flags uint8
}

// Value is the value as it was given.
func (c *Checked) Value() observable.Value {
	if c.given != nil {
		return *c.given
	}
	return c.value
}

// Check tells whether a value can be watched for. It fails with [ErrTooBroad] for a domain at or above a public suffix or
// the apex of a hoster (there the policy [Exact] is possible) and for blocks of more addresses than an IPv4 /8 or an
// IPv6 /16, and with [ErrIndicator] for one that is not as its type asks. It is safe for use by many at once, also while one adds.
func (b *Builder) Check(given observable.Value, policy Policy) (Checked, error) {
	v, err := known(given)
	if err != nil {
		return Checked{}, err
	}
	c := Checked{value: v, kind: kindOf(v.Type)}
	if v != given {
		was := given // so that others need no room of their own
		c.given = &was
	}
	switch {
	case v.Text == "" || len(v.Text) > observable.MaxText || c.kind == kindHost:
		return Checked{}, fmt.Errorf("%w: %.80q is no value of a type that is known", ErrIndicator, v.Key())
	case v.Type == observable.Domain:
		if why, registry := broad(v.Text, b.above); why != "" && (registry || policy != Exact) {
			return Checked{}, fmt.Errorf("%w: %s: %s", ErrTooBroad, v.Text, why)
		}
		if policy == Exact {
			c.flags |= flagExact
		}
	case v.Type == observable.Prefix:
		p, ok := v.CIDR()
		switch {
		case !ok:
			return Checked{}, fmt.Errorf("%w: %.80q is no block of addresses", ErrIndicator, v.Text)
		case p.Addr().Is4() && p.Bits() < broadestIPv4, p.Addr().Is6() && p.Bits() < broadestIPv6:
			return Checked{}, fmt.Errorf("%w: %s: at least /%d of IPv4 and /%d of IPv6 addresses are watched for", ErrTooBroad, v.Text, broadestIPv4, broadestIPv6)
		}
	case v.Type == observable.URL:
		if _, _, ok := urlKey([]byte(v.Text)); !ok {
			return Checked{}, fmt.Errorf("%w: %.80q is no URL", ErrIndicator, v.Text)
		}
	case v.Type == observable.IPv6:
		if _, ok := v.Addr(); !ok {
			return Checked{}, fmt.Errorf("%w: %.80q is no address", ErrIndicator, v.Text)
		}
	}
	return c, nil
}
