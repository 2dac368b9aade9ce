package pattern

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads a pattern (STIX 2.1 §9). It takes what the grammar takes; whether
// the pattern can mean something is for [Tree.Check]. The error is an [*Error].
func Parse(text string) (*Tree, error) {
	if len(text) > MaxBytes {
		return nil, faultAt(text, MaxBytes, RuleLimit, "a pattern of at most "+strconv.Itoa(MaxBytes)+" bytes", strconv.Itoa(len(text)))
	}
	if !utf8.ValidString(text) {
		at := 0
		for at < len(text) {
			r, n := utf8.DecodeRuneInString(text[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return nil, faultAt(text, at, RuleLiteral, "UTF-8", "the byte "+strconv.Quote(text[at:at+1]))
	}
	b := &block{}
	p := parser{lex: lexer{src: text}, block: b}
	err := p.advance()
	if err == nil {
		b.tree.Root, err = p.observations()
	}
	if err == nil && p.tok.kind != tokEnd {
		err = p.expected("AND, OR, FOLLOWEDBY, a qualifier or the end of the pattern")
	}
	if err != nil {
		return nil, err
	}
	b.tree.Source = text
	return &b.tree, nil
}

// block holds what the most common pattern, one comparison, needs, in one piece of
// memory.
type block struct {
	tree        Tree
	observation Observation
	comparison  Comparison
	steps       [3]Step
	taken       struct{ observation, comparison, steps bool }
}

// parser is a recursive descent over the grammar with one token in hand.
type parser struct {
	lex         lexer
	tok         token
	block       *block
	depth       int
	comparisons int
	more        []Comparison // room for further ones
	steps       []Step       // of the path in hand
}

func (p *parser) advance() error { return p.lex.next(&p.tok) }

func (p *parser) fault(at int, rule Rule, expected, found string) error {
	return p.lex.fault(at, rule, expected, found)
}

// expected reports the token in hand.
func (p *parser) expected(what string) error {
	found := "the end of the pattern"
	switch t := &p.tok; {
	case t.kind == tokName && keyword(t.text):
		found = "the word " + t.text
	case t.kind != tokEnd:
		found = quoteShort(p.lex.src[t.start:t.end])
	}
	return p.fault(p.tok.start, RuleSyntax, what, found)
}

// punct takes one punctuation mark.
func (p *parser) punct(c byte, where string) error {
	if !p.tok.is(c) {
		return p.expected(strconv.Quote(string(rune(c))) + where)
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

// enter takes an opening parenthesis.
func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return p.fault(p.tok.start, RuleLimit, "at most "+strconv.Itoa(MaxDepth)+" parentheses in one another", "one more")
	}
	return p.advance()
}

// leave takes a closing parenthesis.
func (p *parser) leave() error {
	p.depth--
	return p.punct(')', "")
}

// observations takes observation expressions joined by FOLLOWEDBY, the loosest.
func (p *parser) observations() (Expr, error) { return p.combination(FollowedBy) }

// tighter is the word that binds next closer.
func tighter(j Joint) Joint {
	if j == FollowedBy {
		return Or
	}
	return And
}

// combination takes expressions joined by j or by what binds closer.
func (p *parser) combination(j Joint) (Expr, error) {
	operand := func() (Expr, error) {
		if j == And {
			return p.term()
		}
		return p.combination(tighter(j))
	}
	first, err := operand()
	if err != nil || !p.tok.isWord(string(j)) {
		return first, err
	}
	out := &Combination{Offset: first.Pos(), Joint: j}
	out.add(first)
	for p.tok.isWord(string(j)) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := operand()
		if err != nil {
			return nil, err
		}
		out.add(e)
	}
	return out, nil
}

// add appends a term; the terms of a combination with the same word join the list.
func (c *Combination) add(e Expr) {
	if in, ok := e.(*Combination); ok && in.Joint == c.Joint {
		c.Terms = append(c.Terms, in.Terms...)
		return
	}
	c.Terms = append(c.Terms, e)
}

// term takes "[...]" or "(...)", and the qualifiers after it.
func (p *parser) term() (Expr, error) {
	switch {
	case p.tok.is('['):
		o := p.newObservation()
		o.Offset = p.tok.start
		err := p.advance()
		if err == nil {
			o.Where, err = p.junction(Or)
		}
		if err == nil {
			err = p.punct(']', " at the end of the observation, AND or OR")
		}
		if err != nil {
			return nil, err
		}
		return p.qualifiers(o, true)
	case p.tok.is('('):
		if err := p.enter(); err != nil {
			return nil, err
		}
		e, err := p.observations()
		if err == nil {
			err = p.leave()
		}
		if err != nil {
			return nil, err
		}
		return p.qualifiers(e, false)
	}
	return nil, p.expected(`"[" or "("`)
}

func (p *parser) newObservation() *Observation {
	if !p.block.taken.observation {
		p.block.taken.observation = true
		return &p.block.observation
	}
	return &Observation{}
}

func (p *parser) newComparison() (*Comparison, error) {
	if p.comparisons++; p.comparisons > MaxAtoms {
		return nil, p.fault(p.tok.start, RuleLimit, "at most "+strconv.Itoa(MaxAtoms)+" comparisons", "one more")
	}
	if p.comparisons == 1 {
		return &p.block.comparison, nil
	}
	if len(p.more) == cap(p.more) {
		p.more = make([]Comparison, 0, min(p.comparisons, 64))
	}
	p.more = append(p.more, Comparison{})
	return &p.more[len(p.more)-1], nil
}

// qualifiers takes START..STOP, WITHIN and REPEATS; directly after an observation
// each at most once. (After parentheses each qualifies all that is before it.)
func (p *parser) qualifiers(e Expr, once bool) (Expr, error) {
	var seen [3]bool
	var out *Qualified
	for {
		which := -1
		switch {
		case p.tok.kind != tokName:
		case p.tok.text == "START":
			which = kindStartStop
		case p.tok.text == "WITHIN":
			which = kindWithin
		case p.tok.text == "REPEATS":
			which = kindRepeats
		}
		if which < 0 {
			break
		}
		if once && seen[which] {
			return nil, p.fault(p.tok.start, RuleQualifier, "each qualifier once (parentheses around the expression make more of one kind possible)", "a second "+p.tok.text)
		}
		seen[which] = true
		if out == nil {
			if in, ok := e.(*Qualified); ok {
				out = in
			} else {
				out = &Qualified{Expr: e}
			}
		}
		if len(out.Qualifiers) == MaxDepth {
			return nil, p.fault(p.tok.start, RuleLimit, "at most "+strconv.Itoa(MaxDepth)+" qualifiers of one expression", "one more")
		}
		q, err := p.qualifier(which)
		if err != nil {
			return nil, err
		}
		out.Qualifiers = append(out.Qualifiers, q)
	}
	if out == nil {
		return e, nil
	}
	return out, nil
}

func (p *parser) qualifier(which int) (Qualifier, error) {
	at := p.tok.start
	err := p.advance()
	if err != nil {
		return nil, err
	}
	var q Qualifier
	var after string
	switch which {
	case kindStartStop:
		s := &StartStop{Offset: at}
		if s.Start, err = p.bound("START"); err != nil {
			return nil, err
		}
		if !p.tok.isWord("STOP") {
			return nil, p.expected("STOP")
		}
		if err = p.advance(); err == nil {
			s.Stop, err = p.bound("STOP")
		}
		return s, err
	case kindWithin:
		if p.tok.kind != tokInt && p.tok.kind != tokFloat || p.tok.text[0] == '-' {
			return nil, p.expected("a number of seconds, without a minus sign, after WITHIN")
		}
		// As a time, 5.0 is 5.
		q, after = &Within{Offset: at, Seconds: strings.TrimSuffix(canonicalNumber(p.tok.text), ".0")}, "SECONDS"
	default:
		if p.tok.kind != tokInt || p.tok.text[0] == '-' {
			return nil, p.expected("a whole number of times, without a minus sign, after REPEATS")
		}
		n, err := p.smallNumber()
		if err != nil {
			return nil, err
		}
		q, after = &Repeats{Offset: at, Times: n}, "TIMES"
	}
	if err = p.advance(); err != nil {
		return nil, err
	}
	if !p.tok.isWord(after) {
		return nil, p.expected(after)
	}
	return q, p.advance()
}

// bound takes the timestamp after START or STOP.
func (p *parser) bound(word string) (Literal, error) {
	if p.tok.kind != tokTime {
		return Literal{}, p.expected("t'...' after " + word)
	}
	lit := Literal{Kind: TimeLiteral, Text: shortTimestamp(p.tok.text), Offset: p.tok.start}
	return lit, p.advance()
}

// smallNumber is the value of the integer in hand.
func (p *parser) smallNumber() (int, error) {
	n, err := strconv.ParseInt(p.tok.text, 10, 64)
	if err != nil || n > MaxNumber || n < -MaxNumber {
		return 0, p.fault(p.tok.start, RuleLimit, "a number of at most "+strconv.Itoa(MaxNumber), quoteShort(p.tok.text))
	}
	return int(n), nil
}
