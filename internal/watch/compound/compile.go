package compound

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/internal/observable"
	"entente/stix/pattern"
)

// ErrTooLarge means that a pattern is beyond a bound of the engine, or that the engine
// has all the patterns that it can have.
var ErrTooLarge = errors.New("the pattern is too large to be watched for")

// compiled is a pattern as the engine has it.
type compiled struct {
	whole *pattern.Pattern
	parts []part
	alone bool // whether one observation can be all of a match
	// horizon is the longest that a match may take.
	horizon time.Duration
	values  []observable.Value
	open    uint64 // the types of object that parts without values look at
}

// part is one "[...]".
type part struct {
	*pattern.Pattern
	values []observable.Value // one of which is there if the part matches; empty if it is open
	types  uint64
}

// compile reads a pattern and brings its constants into the form that [Observe] has
// values in.
func compile(text string, o Options) (*compiled, error) {
	if len(text) > MaxPattern {
		return nil, fmt.Errorf("%w: it has %d bytes, and the most is %d", ErrTooLarge, len(text), MaxPattern)
	}
	tree, err := pattern.Parse(text)
	if err != nil {
		return nil, err
	}
	tree.Source = ""
	c := &compiled{alone: alone(tree.Root), horizon: horizon(tree.Root, o.Horizon)}
	if n := needed(tree.Root); n > MaxNeeded {
		return nil, fmt.Errorf("%w: a match needs %d observations, and the most is %d", ErrTooLarge, n, MaxNeeded)
	}
	var parts []*pattern.Observation
	each(tree.Root, func(x *pattern.Observation) { parts = append(parts, x) })
	if len(parts) > MaxParts {
		return nil, fmt.Errorf("%w: it has %d parts [...], and the most is %d", ErrTooLarge, len(parts), MaxParts)
	}
	for _, x := range parts {
		x.Where = canonical(x.Where)
	}
	if c.whole, err = pattern.Compile(tree.String()); err != nil {
		return nil, err
	}
	for _, x := range parts {
		own := pattern.Tree{Root: x}
		p := part{}
		if p.Pattern, err = pattern.Compile(own.String()); err != nil {
			return nil, err
		}
		values, ok := gate(x.Where)
		p.types = objectTypes(x.Where)
		if ok {
			p.values = values
			c.values = append(c.values, values...)
		} else {
			c.open |= p.types
		}
		c.parts = append(c.parts, p)
	}
	return c, nil
}

func each(e pattern.Expr, f func(*pattern.Observation)) {
	switch e := e.(type) {
	case *pattern.Observation:
		f(e)
	case *pattern.Combination:
		for _, t := range e.Terms {
			each(t, f)
		}
	case *pattern.Qualified:
		each(e.Expr, f)
	}
}

// alone tells whether every match of an expression can be one of a single observation.
func alone(e pattern.Expr) bool {
	switch e := e.(type) {
	case *pattern.Observation:
		return true
	case *pattern.Combination:
		if e.Joint != pattern.Or {
			return false
		}
		for _, t := range e.Terms {
			if !alone(t) {
				return false
			}
		}
		return true
	case *pattern.Qualified:
		for _, q := range e.Qualifiers {
			if r, ok := q.(*pattern.Repeats); ok && r.Times != 1 {
				return false
			}
		}
		return alone(e.Expr)
	}
	return false
}

// needed is how many observations the largest match of an expression needs, or one
// more than any bound.
func needed(e pattern.Expr) int {
	n := 0
	switch e := e.(type) {
	case *pattern.Observation:
		n = 1
	case *pattern.Combination:
		for _, t := range e.Terms {
			if x := needed(t); e.Joint == pattern.Or {
				n = max(n, x)
			} else {
				n = min(n+x, pattern.MaxNumber)
			}
		}
	case *pattern.Qualified:
		n = needed(e.Expr)
		for _, q := range e.Qualifiers {
			if r, ok := q.(*pattern.Repeats); ok {
				n = min(n*r.Times, pattern.MaxNumber)
			}
		}
	}
	return n
}

// horizon is the WITHIN around a whole expression if it is less than the longest.
func horizon(e pattern.Expr, longest time.Duration) time.Duration {
	q, ok := e.(*pattern.Qualified)
	if !ok {
		return longest
	}
	for _, x := range slices.Backward(q.Qualifiers) {
		if _, ok := x.(*pattern.Repeats); ok {
			break // what is before it holds of each time, not of all
		}
		if w, ok := x.(*pattern.Within); ok {
			if s, err := strconv.ParseFloat(w.Seconds, 64); err == nil && s < longest.Seconds() {
				// Rounded up: the pattern itself says it exactly.
				longest = min(longest, time.Duration(s*float64(time.Second))+time.Microsecond)
			}
		}
	}
	return longest
}

// typeOf gives the type of observable that a property of STIX holds, if one does.
func typeOf(p *pattern.ObjectPath) (observable.Type, bool) {
	last := p.Steps[len(p.Steps)-1]
	if len(p.Steps) == 2 && p.Steps[0].Key == "hashes" && p.Steps[1].Kind == pattern.KeyStep && (p.Type == "file" || p.Type == "x509-certificate") {
		return observable.HashType(p.Steps[1].Key)
	}
	if len(p.Steps) == 4 && p.Type == "network-traffic" && p.Steps[1].Key == "http-request-ext" && p.Steps[2].Key == "request_header" {
		switch last.Key {
		case "User-Agent":
			return observable.UserAgent, true
		case "Host":
			return observable.Domain, true
		}
	}
	if len(p.Steps) == 1 {
		switch p.Type + ":" + last.Key {
		case "domain-name:value":
			return observable.Domain, true
		case "ipv4-addr:value":
			return observable.IPv4, true
		case "ipv6-addr:value":
			return observable.IPv6, true
		case "url:value":
			return observable.URL, true
		case "email-addr:value":
			return observable.Email, true
		case "email-message:subject":
			return observable.MailSubject, true
		case "x509-certificate:serial_number":
			return observable.Serial, true
		case "mutex:name":
			return observable.Mutex, true
		case "windows-registry-key:key":
			return observable.RegistryKey, true
		case "user-account:account_login":
			return observable.Account, true
		case "mac-addr:value":
			return observable.MAC, true
		case "file:name":
			return observable.FileName, true
		case "process:command_line":
			return observable.Process, true
		}
	}
	return "", false
}

// referred tells a path that ends in the value of another object: src_ref.value.
func referred(p *pattern.ObjectPath) bool {
	n := len(p.Steps)
	if n < 2 || p.Steps[n-1].Key != "value" {
		return false
	}
	before := p.Steps[n-2]
	if before.Kind != pattern.KeyStep && n > 2 {
		before = p.Steps[n-3]
	}
	return strings.HasSuffix(before.Key, "_ref") || strings.HasSuffix(before.Key, "_refs")
}

// canonicalText tells the types whose values Observe writes in canonical form.
func canonicalText(t observable.Type) bool {
	switch t {
	case observable.Domain, observable.IPv4, observable.IPv6, observable.URL, observable.Email, observable.MAC, observable.Serial,
		observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512, observable.SSDeep:
		return true
	}
	return false
}

// canonical brings constants that are compared for equality, the hives of registry keys and the names of hash algorithms into the form of Observe, and
// has what logs write otherwise than STIX looked at both ways.
func canonical(c pattern.Condition) pattern.Condition {
	if j, ok := c.(*pattern.Junction); ok {
		for i := range j.Terms {
			j.Terms[i] = canonical(j.Terms[i])
		}
		return j
	}
	x, ok := c.(*pattern.Comparison)
	if !ok {
		return c
	}
	t, known := typeOf(&x.Path)
	if known && len(x.Path.Steps) == 2 {
		x.Path.Steps[1].Key = observable.HashName(t)
	}
	last := x.Path.Steps[len(x.Path.Steps)-1].Key
	if t == observable.RegistryKey && (x.Op == pattern.OpLike || x.Op == pattern.OpMatches) || x.Path.Type == "network-traffic" && last == "request_value" {
		c = bothWays(x)
	}
	if t == observable.RegistryKey && x.Op != pattern.OpMatches {
		x.Value.Text = inFull(x.Value.Text)
		for i := range x.Set {
			x.Set[i].Text = inFull(x.Set[i].Text)
		}
	}
	if x.Op != pattern.OpEqual && x.Op != pattern.OpNotEqual && x.Op != pattern.OpIn {
		return c
	}
	bring := func(l *pattern.Literal) {
		if l.Kind != pattern.StringLiteral {
			return
		}
		if known && canonicalText(t) {
			if v, err := observable.New(t, l.Text); err == nil && v.Type == t {
				l.Text = v.Text
			}
		} else if referred(&x.Path) {
			if v, ok := referredValue(l.Text); ok {
				l.Text = v.Text
			}
		}
	}
	bring(&x.Value)
	for i := range x.Set {
		bring(&x.Set[i])
	}
	return c
}

// bothWays is a comparison of a property, and of what the log has written for it.
func bothWays(x *pattern.Comparison) pattern.Condition {
	y := *x
	y.Set = slices.Clone(x.Set)
	y.Path.Steps = slices.Clone(x.Path.Steps)
	y.Path.Steps[len(y.Path.Steps)-1].Key = asWritten
	joint := pattern.Or
	if x.Negated != (x.Op == pattern.OpNotEqual) {
		joint = pattern.And
	}
	return &pattern.Junction{Offset: x.Offset, Joint: joint, Terms: []pattern.Condition{x, &y}}
}

// referredValue is what the value of an object of any type is.
func referredValue(text string) (observable.Value, bool) {
	for _, t := range []observable.Type{observable.IPv4, observable.IPv6, observable.Email, observable.Domain} {
		if v, err := observable.New(t, text); err == nil && v.Type == t {
			return v, true
		}
	}
	return observable.Value{}, false
}

// commonName is the host that a distinguished name is of, as readers of logs find it.
func commonName(dn string) (observable.Value, bool) {
	for part := range strings.FieldsFuncSeq(dn, func(r rune) bool { return r == ',' || r == '/' || r == '+' }) {
		key, name, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name = strings.TrimPrefix(name, "*."); strings.EqualFold(strings.TrimSpace(key), "cn") && strings.IndexByte(name, '.') > 0 && strings.IndexByte(name, ' ') < 0 {
			return referredValue(name)
		}
	}
	return observable.Value{}, false
}

// gate gives values of which one is in every record that satisfies a condition; ok is
// false if there are none such.
func gate(c pattern.Condition) (values []observable.Value, ok bool) {
	switch c := c.(type) {
	case *pattern.Comparison:
		return atomValues(c)
	case *pattern.Junction:
		if c.Joint == pattern.Or {
			for _, t := range c.Terms {
				v, ok := gate(t)
				if !ok {
					return nil, false
				}
				values = append(values, v...)
			}
			return values, true
		}
		for _, t := range c.Terms {
			if v, has := gate(t); has && (!ok || len(v) < len(values)) {
				values, ok = v, true
			}
		}
		return values, ok
	}
	return nil, false
}

func atomValues(c *pattern.Comparison) ([]observable.Value, bool) {
	if c.Negated {
		return nil, false
	}
	t, known := typeOf(&c.Path)
	named := c.Path.Type == "x509-certificate" && (c.Path.Steps[0].Key == "subject" || c.Path.Steps[0].Key == "issuer")
	if !known && !named && !referred(&c.Path) {
		return nil, false
	}
	literals := c.Set
	switch c.Op {
	case pattern.OpEqual:
		literals = []pattern.Literal{c.Value}
	case pattern.OpSubset:
		v, err := observable.New(observable.Prefix, c.Value.Text)
		return []observable.Value{v}, err == nil
	case pattern.OpIn:
	default:
		return nil, false
	}
	var out []observable.Value
	for _, l := range literals {
		if l.Kind != pattern.StringLiteral {
			return nil, false
		}
		v, ok := referredValue(l.Text)
		if named {
			v, ok = commonName(l.Text)
		} else if known {
			var err error
			v, err = observable.New(t, l.Text)
			ok = err == nil && v.Type == t
		}
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

// The types of object that Observe makes, as bits; the last is any other.
var objectBits = map[string]uint64{
	"domain-name": 1 << 0, "ipv4-addr": 1 << 1, "ipv6-addr": 1 << 2, "url": 1 << 3, "email-addr": 1 << 4, "email-message": 1 << 5,
	"file": 1 << 6, "directory": 1 << 7, "x509-certificate": 1 << 8, "network-traffic": 1 << 9, "process": 1 << 10, "mutex": 1 << 11,
	"windows-registry-key": 1 << 12, "user-account": 1 << 13, "mac-addr": 1 << 14, "autonomous-system": 1 << 15,
}

const otherObject = 1 << 63

func objectTypes(c pattern.Condition) (types uint64) {
	switch c := c.(type) {
	case *pattern.Comparison:
		if b, ok := objectBits[c.Path.Type]; ok {
			return b
		}
		return otherObject
	case *pattern.Junction:
		for _, t := range c.Terms {
			types |= objectTypes(t)
		}
	}
	return types
}
