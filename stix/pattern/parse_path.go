package pattern

import (
	"strconv"
	"strings"
)

// objectPath takes "type:key.key[0]..." (STIX 2.1 §9.7).
func (p *parser) objectPath(out *ObjectPath) error {
	if p.tok.kind != tokName || keyword(p.tok.text) {
		return p.expected("an object path such as domain-name:value")
	}
	out.Type = p.tok.text
	if err := p.advance(); err != nil {
		return err
	}
	if err := p.punct(':', " after the object type"); err != nil {
		return err
	}
	p.steps = p.steps[:0]
	if b := p.block; !b.taken.steps {
		p.steps = b.steps[:0]
	}
	if err := p.key(); err != nil {
		return err
	}
	for {
		if len(p.steps) > MaxDepth {
			return p.fault(p.tok.start, RuleLimit, "an object path of at most "+strconv.Itoa(MaxDepth)+" steps", "one more")
		}
		var err error
		switch {
		case p.tok.is('.'):
			if err = p.advance(); err == nil {
				err = p.key()
			}
		case p.tok.is('['):
			if err = p.advance(); err == nil {
				err = p.index()
			}
		default:
			p.keepSteps(out)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// keepSteps gives the steps in hand to a path. Those of the first path stand in the
// block already, if it has room for them.
func (p *parser) keepSteps(out *ObjectPath) {
	if b := p.block; !b.taken.steps {
		b.taken.steps = true
		out.Steps, p.steps = p.steps[:len(p.steps):len(p.steps)], nil
		return
	}
	out.Steps = append([]Step(nil), p.steps...)
}

// key takes one key of a path: a name without hyphens that is no keyword, or a string.
func (p *parser) key() error {
	switch p.tok.kind {
	case tokName:
		if i := strings.IndexByte(p.tok.text, '-'); i >= 0 {
			return p.fault(p.tok.start+i, RuleSyntax, "quotes around a key with a hyphen, as in file:hashes.'SHA-256'", quoteShort(p.tok.text))
		}
		if keyword(p.tok.text) {
			return p.expected("a key of the object path (a key that is a word of the language stands in quotes)")
		}
		p.steps = append(p.steps, Step{Key: p.tok.text})
	case tokString:
		p.steps = append(p.steps, Step{Key: p.tok.unescaped()})
	default:
		return p.expected("a key of the object path")
	}
	return p.advance()
}

// index takes a list index or *, and the bracket after it.
func (p *parser) index() error {
	switch {
	case p.tok.is('*'):
		p.steps = append(p.steps, Step{Kind: EachStep})
	case p.tok.kind == tokInt:
		n, err := p.smallNumber()
		if err != nil {
			return err
		}
		p.steps = append(p.steps, Step{Kind: IndexStep, Index: n})
	default:
		return p.expected("a list index or *")
	}
	if err := p.advance(); err != nil {
		return err
	}
	return p.punct(']', " after the list index")
}
