package logs

import "bytes"

// Like is a format of lines that are not JSON, and that tells cheaply, and without a trace, whether a line is one of its own: one that Decode reads without
// looking whether the format changed, and that changes nothing of how the next line is read. Of such lines only those have to be read that hold
// a value that is looked for, wherever in the line it stands. To be told no costs time, and to be told yes of a strange line may hide that the
// format changed.
type Like interface {
	Like(line []byte) bool
}

// particularText tells whether a line looks like one of a format of plain lines: whoever writes to a stream, and when, does not follow from how it began. Lines
// without a hit may be passed over without being asked, since they say the same in either format.
func particularText(line []byte) bool {
	for _, f := range [...]Like{&bindLines{}, &unboundLines{}, &webLines{}, &squidLines{}, &postfixLines{}} {
		if f.Like(line) {
			return true
		}
	}
	return false
}

// Like implements the interface of that name.
func (f *zeekColumns) Like(line []byte) bool {
	return len(line) > 0 && line[0] != '#' && line[0] != '{' && f.fields != nil && bytes.Count(line, []byte{'\t'}) == len(f.fields)-1
}

var (
	bindClient, bindQuery = []byte("client "), []byte(": query: ")
	bindOther             = []byte("): ")
	webRequest            = []byte("] \"")
	postfixName           = []byte(" postfix")
	postfixEnd            = []byte("]: ")
)

// Like implements the interface of that name.
func (f *bindLines) Like(line []byte) bool {
	i := bytes.Index(line, bindClient)
	return i >= 0 && line[0] != '{' && line[0] != '#' && (bytes.Contains(line[i:], bindQuery) || bytes.IndexByte(line[i:], '#') >= 0 && bytes.Contains(line[i:], bindOther))
}

// Like implements the interface of that name.
func (f *unboundLines) Like(line []byte) bool {
	_, _, ok := unboundParts(text8(line))
	return ok && line[0] != '{' && line[0] != '#'
}

// Like implements the interface of that name.
func (f *webLines) Like(line []byte) bool {
	if len(line) == 0 || line[0] == '{' || line[0] == '#' {
		return false
	}
	i := bytes.Index(line, webRequest)
	if i < 0 {
		return false
	}
	rest := line[i+len(webRequest):]
	if i = bytes.IndexByte(rest, '"'); i < 0 || i+5 > len(rest) {
		return false
	}
	rest = rest[i+1:] // ` 200 `
	return rest[0] == ' ' && digit(rest[1]) && digit(rest[2]) && digit(rest[3])
}

// Like implements the interface of that name.
func (f *squidLines) Like(line []byte) bool {
	if len(line) == 0 || !digit(line[0]) {
		return false
	}
	var words [9]string
	n, from, text := 0, -1, text8(line)
	for i, c := range line {
		switch blank := c == ' ' || c == '\t'; {
		case c >= 0x80 || c < ' ' && !blank: // there are other blanks
			return false
		case !blank && from < 0:
			from = i
		case blank && from >= 0:
			if n < len(words) {
				words[n] = text[from:i]
			}
			n, from = n+1, -1
		}
	}
	if from >= 0 && n < len(words) {
		words[n] = text[from:]
		n++
	}
	return n >= len(words) && squidWords(words[:])
}

// Like implements the interface of that name.
func (f *postfixLines) Like(line []byte) bool {
	i := bytes.Index(line, postfixName)
	return i >= 0 && line[0] != '{' && line[0] != '#' && bytes.Contains(line[i:], postfixEnd)
}

// Like implements the interface of that name.
func (f *columns) Like(line []byte) bool {
	switch {
	case !f.began || len(line) == 0 || line[0] == '{' || line[0] == '#':
		return false
	case f.name == "nfdump-csv" && (f.summary || !digit(line[0])): // a header, or what is about all flows
		return false
	}
	n := 1
	if bytes.IndexByte(line, '"') < 0 {
		n = bytes.Count(line, []byte{f.comma}) + 1
	} else {
		quoted := false
		for _, c := range line {
			if c == '"' {
				quoted = !quoted
			} else if c == f.comma && !quoted {
				n++
			}
		}
		if quoted { // a record of several lines may begin
			return false
		}
	}
	if f.cols != nil {
		return n == len(f.cols)
	}
	return n == len(f.cells) && n > 1
}

// Like implements the interface of that name.
func (f *words) Like(line []byte) bool {
	return len(line) > 0 && !foreign(line) && line[0] != '{' && line[0] != '#'
}
