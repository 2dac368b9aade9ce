package journal

import (
	"bytes"
	"fmt"
)

const (
	textBeforeKind = `{"v":1,"kind":"`
	textBeforeTime = `","at":"`
)

// learn remembers what the next entry probably says between its time and its
// index, and between its index and its body.
func (p *Parser) learn(e *Entry) {
	p.middle = fmt.Appendf(p.middle[:0], `,"by":%s,"unit":"%s","author":"%s","epoch":%d,"index":`, p.byRaw, e.Unit, e.Author, e.Epoch)
	p.after = append(append(p.after[:0], `,"seen":`...), p.seenRaw...)
	p.epoch = e.Epoch
}

// likeLast reads an entry that says, byte for byte, what the last one said
// apart from kind, time, index and what follows seen. It returns where that
// begins, or 0 if the entry has to be read the long way. Because the bytes
// compared are those of values already read, both ways give the same.
func (p *Parser) likeLast(e *Entry) int {
	if len(p.middle) == 0 {
		return 0
	}
	rest, ok := bytes.CutPrefix(e.Raw, []byte(textBeforeKind))
	if !ok {
		return 0
	}
	n := bytes.IndexByte(rest[:min(len(rest), 65)], '"')
	if n < 0 || !validKind(rest[:n]) {
		return 0
	}
	if p.kind != string(rest[:n]) {
		p.kind = string(rest[:n])
	}
	if rest, ok = bytes.CutPrefix(rest[n:], []byte(textBeforeTime)); !ok {
		return 0
	}
	if n = bytes.IndexByte(rest[:min(len(rest), 36)], '"'); n < 0 {
		return 0
	}
	at := len(e.Raw) - len(rest) - 1
	t, text, err := parseTime(e.Raw[at : at+n+2])
	if err != nil {
		return 0
	}
	if rest, ok = bytes.CutPrefix(rest[n+1:], p.middle); !ok {
		return 0
	}
	for n = 0; n < len(rest) && n < 17 && rest[n] >= '0' && rest[n] <= '9'; n++ {
	}
	index, err := parseInt(rest[:n], maxIndex)
	if err != nil {
		return 0
	}
	if rest, ok = bytes.CutPrefix(rest[n:], p.after); !ok || len(rest) == 0 || rest[0] != ',' && string(rest) != "}" {
		return 0
	}
	e.V, e.Kind, e.At, e.AtText, e.By = 1, p.kind, t, text, p.by
	e.Unit, e.Author, e.Epoch, e.Index, e.Seen = p.unit, p.author, p.epoch, index, p.seen
	return len(e.Raw) - len(rest)
}
