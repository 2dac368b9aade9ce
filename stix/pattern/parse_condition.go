package pattern

import "strconv"

// junction takes conditions joined by j (AND or OR) or by what binds closer.
func (p *parser) junction(j Joint) (Condition, error) {
	operand := func() (Condition, error) {
		if j == And {
			return p.conditionTerm()
		}
		return p.junction(And)
	}
	first, err := operand()
	if err != nil || !p.tok.isWord(string(j)) {
		return first, err
	}
	out := &Junction{Offset: first.Pos(), Joint: j}
	out.add(first)
	for p.tok.isWord(string(j)) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := operand()
		if err != nil {
			return nil, err
		}
		out.add(c)
	}
	return out, nil
}

// add appends a term; the terms of a junction with the same word join the list.
func (j *Junction) add(c Condition) {
	if in, ok := c.(*Junction); ok && in.Joint == j.Joint {
		j.Terms = append(j.Terms, in.Terms...)
		return
	}
	j.Terms = append(j.Terms, c)
}

// conditionTerm takes a comparison or "(...)".
func (p *parser) conditionTerm() (Condition, error) {
	if !p.tok.is('(') {
		return p.comparison()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	c, err := p.junction(Or)
	if err == nil {
		err = p.leave()
	}
	return c, err
}

// comparison takes "path [NOT] op constant" or "[NOT] EXISTS path".
func (p *parser) comparison() (*Comparison, error) {
	c, err := p.newComparison()
	if err != nil {
		return nil, err
	}
	c.Offset = p.tok.start
	if p.tok.isWord("NOT") || p.tok.isWord("EXISTS") {
		if c.Negated, err = p.word("NOT"); err != nil {
			return nil, err
		}
		if !p.tok.isWord("EXISTS") {
			return nil, p.expected("EXISTS after NOT (elsewhere NOT stands between path and operator)")
		}
		c.Op = OpExists
		if err = p.advance(); err == nil {
			err = p.objectPath(&c.Path)
		}
		return c, err
	}
	if err = p.objectPath(&c.Path); err != nil {
		return nil, err
	}
	if c.Negated, err = p.word("NOT"); err != nil {
		return nil, err
	}
	if c.Op = p.operator(); c.Op == "" {
		return nil, p.expected("a comparison operator")
	}
	if err = p.advance(); err != nil {
		return nil, err
	}
	if c.Op == OpIn {
		c.Set, err = p.set()
	} else {
		c.Value, err = p.literal(c.Op)
	}
	return c, err
}

func (p *parser) operator() Op {
	switch p.tok.kind {
	case tokOp:
		switch p.tok.text {
		case "==":
			return OpEqual
		case "<>":
			return OpNotEqual
		}
		return Op(p.tok.text)
	case tokName:
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
		if len(out) == MaxAtoms {
			return nil, p.fault(p.tok.start, RuleLimit, "at most "+strconv.Itoa(MaxAtoms)+" constants in a set", "one more")
		}
		lit, err := p.literal(OpIn)
		if err != nil {
			return nil, err
		}
		out = append(out, lit)
		if p.tok.is(')') {
			return out, p.advance()
		}
		if err := p.punct(',', ` or ")" after a constant of the set`); err != nil {
			return nil, err
		}
	}
}

// literal takes a constant that may stand on the right of op.
func (p *parser) literal(op Op) (Literal, error) {
	lit := Literal{Text: p.tok.text, Offset: p.tok.start}
	switch p.tok.kind {
	case tokString:
		lit.Kind, lit.Text = StringLiteral, p.tok.unescaped()
	case tokInt:
		lit.Kind, lit.Text = IntLiteral, canonicalNumber(p.tok.text)
	case tokFloat:
		lit.Kind, lit.Text = FloatLiteral, canonicalNumber(p.tok.text)
	case tokHex:
		lit.Kind, lit.Text = HexLiteral, canonicalHex(p.tok.text)
	case tokBinary:
		lit.Kind, lit.Text = BinaryLiteral, canonicalBase64(p.tok.text)
	case tokTime:
		lit.Kind, lit.Text = TimeLiteral, shortTimestamp(p.tok.text)
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
		return lit, p.expected("a constant (strings stand in single quotes)")
	}
	return lit, p.advance()
}
