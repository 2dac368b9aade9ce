package accord

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// lineError is an error at a line of the text.
type lineError struct {
	line int
	text string
}

func (e *lineError) Error() string { return e.text }

func atLine(line int, format string, args ...any) error {
	return &lineError{line: line, text: fmt.Sprintf(format, args...)}
}

var plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})$`)

// readYAML reads the part of YAML that says what it shows: one document of mappings, lists and
// scalars. Anchors, aliases, merge keys, tags, directives and complex keys are refused, because a
// text that people sign must read the same from top to bottom; that also bounds its expansion.
func readYAML(text []byte, b bounds) (n *node, err error) {
	if len(text) > b.size {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errBounds, len(text), b.size)
	}
	// The module's parser is recursive and not ours: what a text could make it do is bounded here
	// by its tokens, and should it still panic that is an error about this text.
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, errors.New("the YAML cannot be read; check quotes, colons and indentation")
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if err := checkTokens(tokens, b); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
			return nil, atLine(syntax.Token.Position.Line, "the YAML cannot be read: %s", syntax.Message)
		}
		return nil, fmt.Errorf("the YAML cannot be read: %s", clip(err.Error(), 300))
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			return nil, atLine(lineOf(d.Body), "there is more than one YAML document; keep one accord to a file")
		}
		body = d.Body
	}
	if body == nil {
		return nil, errors.New("the text is empty; start from `entente accord example`")
	}
	r := &yamlReader{b: b}
	return r.value(body, 1)
}

func checkTokens(tokens token.Tokens, b bounds) error {
	flow, run, runLine, marks := 0, 0, 0, 0
	for _, t := range tokens {
		line := 0
		if t.Position != nil {
			line = t.Position.Line
			if t.Position.Column > 1024 && t.Type == token.SequenceEntryType {
				return atLine(line, "indented too deeply")
			}
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return atLine(line, "anchors, aliases and merge keys are not accepted; write the value out")
		case token.TagType:
			return atLine(line, "tags (!…) are not accepted; write the plain value")
		case token.DirectiveType:
			return atLine(line, "directives (%%…) are not accepted; remove the line")
		case token.DocumentHeaderType, token.DocumentEndType:
			// The parser takes minutes over a megabyte of document marks, so they stop here.
			if marks++; marks > 2 {
				return atLine(line, "there is more than one YAML document; keep one accord to a file")
			}
		case token.MappingKeyType:
			return atLine(line, "complex keys (?) are not accepted; write name: value")
		case token.SequenceStartType, token.MappingStartType:
			if flow++; flow > b.depth {
				return atLine(line, "nested deeper than %d", b.depth)
			}
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType:
			if line != runLine {
				run, runLine = 0, line
			}
			if run++; run > b.depth {
				return atLine(line, "nested deeper than %d", b.depth)
			}
		}
	}
	if len(tokens) > 8*b.nodes {
		return fmt.Errorf("%w: more than %d tokens", errBounds, 8*b.nodes)
	}
	return nil
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

type yamlReader struct {
	b     bounds
	nodes int
}

func (r *yamlReader) value(v ast.Node, depth int) (*node, error) {
	if v == nil {
		return nil, errors.New("a value is missing")
	}
	line := lineOf(v)
	if depth > r.b.depth {
		return nil, atLine(line, "nested deeper than %d", r.b.depth)
	}
	if r.nodes++; r.nodes > r.b.nodes {
		return nil, atLine(line, "more than %d values", r.b.nodes)
	}
	n := &node{line: line}
	switch v := v.(type) {
	case *ast.MappingNode:
		n.kind = '{'
		return n, r.members(n, v.Values, depth)
	case *ast.MappingValueNode:
		n.kind = '{'
		return n, r.members(n, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		n.kind = '['
		for _, e := range v.Values {
			c, err := r.value(e, depth+1)
			if err != nil {
				return nil, err
			}
			n.elems = append(n.elems, c)
		}
		return n, nil
	case *ast.StringNode:
		n.kind, n.str = '"', v.Value
		return n, nil
	case *ast.LiteralNode:
		n.kind = '"'
		if v.Value != nil {
			n.str = v.Value.Value
		}
		return n, nil
	case *ast.IntegerNode:
		n.kind, n.str = '0', v.Token.Value
		if !plainInteger.MatchString(n.str) || n.str == "-0" {
			return nil, atLine(line, "%q is not a plain whole number; write digits only, or put it in quotes if it is text", clip(n.str, 40))
		}
		return n, nil
	case *ast.BoolNode:
		switch v.Token.Value {
		case "true":
			n.kind = 't'
		case "false":
			n.kind = 'f'
		default:
			return nil, atLine(line, "%q: write true or false", clip(v.Token.Value, 40))
		}
		return n, nil
	case *ast.NullNode:
		return nil, atLine(line, "a field has no value; give it one or leave the field out")
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return nil, atLine(line, "%q: an accord has whole numbers only; put it in quotes if it is text", clip(v.GetToken().Value, 40))
	}
	return nil, atLine(line, "%s is not accepted", strings.ToLower(v.Type().String()))
}

func (r *yamlReader) members(n *node, values []*ast.MappingValueNode, depth int) error {
	seen := make(map[string]bool, len(values))
	for _, m := range values {
		line := lineOf(m.Key)
		var name string
		switch k := m.Key.(type) {
		case *ast.StringNode:
			name = k.Value
		case *ast.IntegerNode, *ast.BoolNode, *ast.NullNode:
			// `no:` or `2026:` as a name: take what is written, the schema says whether it is one.
			name = k.GetToken().Value
		default:
			return atLine(line, "a name here is not plain text; put it in quotes")
		}
		if seen[name] {
			return atLine(line, "%q is given twice; keep one", clip(name, 60))
		}
		seen[name] = true
		v, err := r.value(m.Value, depth+1)
		if err != nil {
			return err
		}
		if v.kind == '{' || v.kind == '[' {
			v.line = line // a mapping or list is looked for at its name
		}
		n.members = append(n.members, member{name: name, value: v})
	}
	return nil
}
