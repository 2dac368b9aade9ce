package pattern

import (
	"strconv"
	"strings"
)

// parser is a recursive descent over the grammar with one token in hand.
type parser struct {
	lex         lexer
	tok         token
	depth       int
	observation int
	atoms       []Atom
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *parser) expected(what string) error {
	return fault(p.tok.start, "expected %s, found %s", what, p.tok.describe())
}

// punct takes one punctuation mark.
func (p *parser) punct(c byte, where string) error {
	if !p.tok.is(c) {
		return p.expected(strconv.Quote(string(c)) + where)
	}
	return p.advance()
}

// word takes a keyword if it is next.
func (p *parser) word(w string) (bool, error) {
	if !p.tok.isWord(w) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return fault(p.tok.start, "parentheses are nested deeper than %d", MaxDepth)
	}
	return nil
}

// observations takes observation expressions joined by AND, OR and FOLLOWEDBY.
func (p *parser) observations() error {
	for {
		if err := p.observationTerm(); err != nil {
			return err
		}
		if !p.tok.isWord("AND") && !p.tok.isWord("OR") && !p.tok.isWord("FOLLOWEDBY") {
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

// observationTerm takes "[...]" or "(...)", and the qualifiers after it.
func (p *parser) observationTerm() error {
	simple := p.tok.is('[')
	switch {
	case p.tok.is('['):
		if err := p.advance(); err != nil {
			return err
		}
		if err := p.comparisons(); err != nil {
			return err
		}
		if err := p.punct(']', " at the end of the observation"); err != nil {
			return err
		}
		p.observation++
	case p.tok.is('('):
		if err := p.enter(); err != nil {
			return err
		}
		if err := p.advance(); err != nil {
			return err
		}
		if err := p.observations(); err != nil {
			return err
		}
		if err := p.punct(')', ""); err != nil {
			return err
		}
		p.depth--
	default:
		return p.expected(`"[" or "("`)
	}
	return p.qualifiers(simple)
}

// qualifiers takes START..STOP, WITHIN and REPEATS; directly after an observation
// each at most once. (After parentheses each qualifies the expression before it.)
func (p *parser) qualifiers(once bool) error {
	var seen [3]bool
	for {
		at, which := p.tok.start, -1
		for i, w := range [...]string{"START", "WITHIN", "REPEATS"} {
			if p.tok.isWord(w) {
				which = i
			}
		}
		if which < 0 {
			return nil
		}
		if once && seen[which] {
			return fault(at, "the qualifier %s stands twice", p.tok.text)
		}
		seen[which] = true
		if err := p.advance(); err != nil {
			return err
		}
		if err := p.qualifier(which); err != nil {
			return err
		}
	}
}

func (p *parser) qualifier(which int) error {
	after := ""
	switch which {
	case 0:
		start := p.tok
		if start.kind != tokTime {
			return p.expected("t'...' after START")
		}
		if err := p.advance(); err != nil {
			return err
		}
		if ok, err := p.word("STOP"); !ok || err != nil {
			if err == nil {
				err = p.expected("STOP")
			}
			return err
		}
		if p.tok.kind != tokTime {
			return p.expected("t'...' after STOP")
		}
		return p.advance()
	case 1:
		after = "SECONDS"
		if p.tok.kind != tokInt && p.tok.kind != tokFloat || p.tok.text[0] == '-' {
			return p.expected("a number of seconds")
		}
	case 2:
		after = "TIMES"
		if p.tok.kind != tokInt || p.tok.text[0] == '-' || strings.Trim(p.tok.text, "+0") == "" {
			return p.expected("a number of times, from 1")
		}
	}
	if err := p.advance(); err != nil {
		return err
	}
	ok, err := p.word(after)
	if err == nil && !ok {
		err = p.expected(after)
	}
	return err
}

// comparisons takes comparisons joined by AND and OR.
func (p *parser) comparisons() error {
	for {
		if p.tok.is('(') {
			if err := p.enter(); err != nil {
				return err
			}
			if err := p.advance(); err != nil {
				return err
			}
			if err := p.comparisons(); err != nil {
				return err
			}
			if err := p.punct(')', ""); err != nil {
				return err
			}
			p.depth--
		} else if err := p.comparison(); err != nil {
			return err
		}
		if !p.tok.isWord("AND") && !p.tok.isWord("OR") {
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

// comparison takes "path [NOT] op constant" or "[NOT] EXISTS path".
func (p *parser) comparison() error {
	if len(p.atoms) >= MaxAtoms {
		return fault(p.tok.start, "more than %d comparisons", MaxAtoms)
	}
	a := Atom{Observation: p.observation, Offset: p.tok.start}
	if p.tok.isWord("NOT") || p.tok.isWord("EXISTS") {
		var err error
		if a.Negated, err = p.word("NOT"); err != nil {
			return err
		}
		ok, err := p.word("EXISTS")
		if err != nil {
			return err
		}
		if !ok {
			return p.expected("EXISTS")
		}
		a.Op = OpExists
		if err := p.objectPath(&a); err != nil {
			return err
		}
		p.atoms = append(p.atoms, a)
		return nil
	}
	err := p.objectPath(&a)
	if err != nil {
		return err
	}
	if a.Negated, err = p.word("NOT"); err != nil {
		return err
	}
	if a.Op = p.operator(); a.Op == "" {
		return p.expected("a comparison operator")
	}
	if err = p.advance(); err != nil {
		return err
	}
	if a.Op == OpIn {
		a.Set, err = p.set()
	} else {
		a.Value, err = p.literal(a.Op)
	}
	if err == nil {
		p.atoms = append(p.atoms, a)
	}
	return err
}

func (p *parser) operator() Op {
	if p.tok.kind == tokOp {
		switch p.tok.text {
		case "==":
			return OpEqual
		case "<>":
			return OpNotEqual
		}
		return Op(p.tok.text)
	}
	if p.tok.kind == tokName {
		switch op := Op(p.tok.text); op {
		case OpIn, OpLike, OpMatches, OpSubset, OpSuperset:
			return op
		}
	}
	return ""
}

// set takes "(constant, ...)".
func (p *parser) set() ([]Literal, error) {
	if err := p.punct('(', " after IN"); err != nil {
		return nil, err
	}
	out := []Literal{}
	if p.tok.is(')') {
		return out, p.advance()
	}
	for {
		lit, err := p.literal(OpIn)
		if err != nil {
			return nil, err
		}
		if out = append(out, lit); len(out) > MaxAtoms {
			return nil, fault(p.tok.start, "more than %d constants in a set", MaxAtoms)
		}
		if p.tok.is(')') {
			return out, p.advance()
		}
		if err := p.punct(',', " or \")\""); err != nil {
			return nil, err
		}
	}
}

// literal takes a constant that may stand on the right of op.
func (p *parser) literal(op Op) (Literal, error) {
	lit := Literal{Text: p.tok.text}
	switch p.tok.kind {
	case tokString:
		lit = Literal{StringLiteral, p.tok.unescaped()}
	case tokInt:
		lit.Kind = IntLiteral
	case tokFloat:
		lit.Kind = FloatLiteral
	case tokHex:
		lit.Kind = HexLiteral
	case tokBinary:
		lit.Kind = BinaryLiteral
	case tokTime:
		lit.Kind = TimeLiteral
	case tokName:
		if p.tok.text == "true" || p.tok.text == "false" {
			lit.Kind = BoolLiteral
		}
	}
	switch op {
	case OpLike, OpMatches, OpSubset, OpSuperset:
		if lit.Kind != StringLiteral {
			return lit, p.expected("a string after " + string(op))
		}
	case OpLess, OpLessOrEqual, OpGreater, OpGreaterOrEqual:
		if lit.Kind == BoolLiteral {
			return lit, p.expected("a constant that has an order after " + string(op))
		}
	}
	if lit.Kind == NoLiteral {
		return lit, p.expected("a constant")
	}
	return lit, p.advance()
}
