package pattern

import "strings"

// objectPath takes "type:key.key[0]..." (STIX 2.1 §9.7) into a.
func (p *parser) objectPath(a *Atom) error {
	if p.tok.kind != tokName {
		return p.expected("an object path such as domain-name:value")
	}
	a.ObjectType = p.tok.text
	if err := p.advance(); err != nil {
		return err
	}
	if err := p.punct(':', " after the object type"); err != nil {
		return err
	}
	var b pathBuilder
	if err := p.key(&b); err != nil {
		return err
	}
	for steps := 1; ; steps++ {
		if steps > MaxDepth {
			return fault(p.tok.start, "the object path has more than %d steps", MaxDepth)
		}
		switch {
		case p.tok.is('.'):
			if err := p.advance(); err != nil {
				return err
			}
			if err := p.key(&b); err != nil {
				return err
			}
		case p.tok.is('['):
			if err := p.advance(); err != nil {
				return err
			}
			if !p.tok.is('*') && p.tok.kind != tokInt {
				return p.expected("a list index or *")
			}
			b.index(p.tok.text)
			if err := p.advance(); err != nil {
				return err
			}
			if err := p.punct(']', " after the list index"); err != nil {
				return err
			}
		default:
			a.Path = b.path
			return nil
		}
	}
}

// key takes one key of a path: a name without hyphens, or a string.
func (p *parser) key(b *pathBuilder) error {
	switch p.tok.kind {
	case tokName:
		if i := strings.IndexByte(p.tok.text, '-'); i >= 0 {
			return fault(p.tok.start+i, "a key with a hyphen must be quoted, as in file:hashes.'SHA-256'")
		}
		b.key(p.tok.text, true)
	case tokString:
		if p.tok.text == "" {
			return fault(p.tok.start, "a key must not be empty")
		}
		b.key(p.tok.unescaped(), false)
	default:
		return p.expected("a key of the object path")
	}
	return p.advance()
}

// pathBuilder writes a path in the form of [Atom.Path]. A path of one key costs
// no allocation.
type pathBuilder struct{ path string }

func (b *pathBuilder) key(k string, plain bool) {
	if !plain && !plainKey(k) {
		k = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(k) + "'"
	}
	if b.path == "" {
		b.path = k
	} else {
		b.path += "." + k
	}
}

func (b *pathBuilder) index(i string) { b.path += "[" + i + "]" }
