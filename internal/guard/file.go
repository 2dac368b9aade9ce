package guard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"entente/misp"
)

// The bounds on what an operator adds.
const (
	MaxFileBytes   = 64 << 20  // of one list file
	MaxFileEntries = 1_000_000 // of one list
	maxLine        = 8 << 10   // of a plain list, in bytes
	maxWhy         = 200       // bytes of what a list says of itself
	maxRegexes     = 200       // of one list: they are tried one after another
	maxRegexSize   = 10_000    // steps of the program of one expression
	maxRegexTotal  = 100_000   // and of all of a list
	maxTextBytes   = 1 << 20   // of all texts of a list of substrings
)

// ErrFile means that a list file cannot be used at all.
var ErrFile = errors.New("the list cannot be used")

// ReadFile reads a list file by the end of its name: ".json" is a MISP warning list,
// ".txt" has one entry a line, with comments behind "#". file is the file's name
// without its folder.
func ReadFile(file string, r io.Reader) (*List, error) {
	r = io.LimitReader(r, MaxFileBytes+1)
	switch path.Ext(file) {
	case ".json":
		return readMISP(file, r)
	case ".txt":
		return readPlain(file, r)
	}
	return nil, fmt.Errorf("%w: its name ends neither in .json (a MISP warning list) nor in .txt (an entry a line)", ErrFile)
}

func readMISP(file string, r io.Reader) (*List, error) {
	w, err := misp.ReadWarninglist(r, misp.ListLimits{MaxBytes: MaxFileBytes, MaxEntries: MaxFileEntries})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if len(w.List) == 0 {
		return nil, fmt.Errorf("%w: it has no entries", ErrFile)
	}
	switch w.Type {
	case misp.RegexList:
		err = boundedRegexes(w.List)
	case misp.SubstringList:
		err = boundedTexts(w.List)
	}
	if err != nil {
		return nil, err
	}
	return &List{Name: file, Why: "on the list " + quoted(w.Name), Source: fmt.Sprintf("%s, version %d", quoted(w.Name), w.Version), Type: w.Type,
		Entries: w.List, Description: shortened(w.Description), Version: w.Version, Attributes: w.MatchingAttributes}, nil
}

// boundedTexts refuses texts that would make a large automaton: it has a state a byte.
func boundedTexts(list []string) error {
	total := 0
	for _, s := range list {
		total += len(s)
	}
	if total > maxTextBytes {
		return fmt.Errorf("%w: its texts have %d bytes together, and at most %d are looked for", ErrFile, total, maxTextBytes)
	}
	return nil
}

// boundedRegexes refuses expressions that would make large programs. RE2 matches in time
// that grows with the program: a repetition of repetitions multiplies it.
func boundedRegexes(list []string) error {
	if len(list) > maxRegexes {
		return fmt.Errorf("%w: it has %d expressions, and at most %d are tried", ErrFile, len(list), maxRegexes)
	}
	total := 0
	for i, s := range list {
		re, err := syntax.Parse(bare(s), syntax.Perl)
		if err != nil {
			continue // told when it is compiled
		}
		size := programSize(re)
		if total += size; size > maxRegexSize || total > maxRegexTotal {
			return fmt.Errorf("%w: list[%d]: the expressions up to here repeat too much: a program of %d steps, of %d in all; %d and %d are possible", ErrFile, i, size, total, maxRegexSize, maxRegexTotal)
		}
	}
	return nil
}

// bare takes away the delimiters and flags of an expression as PHP writes it.
func bare(s string) string {
	if len(s) > 1 && strings.IndexByte("/#~@%!", s[0]) >= 0 {
		if end := strings.LastIndexByte(s, s[0]); end > 0 {
			return strings.ReplaceAll(s[1:end], `\/`, "/")
		}
	}
	return s
}

// programSize is about how many steps the program of an expression has; it ends at the
// bound.
func programSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		size = min(size+programSize(sub), maxRegexSize+1)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Max, re.Min, 1)
	}
	return min(size, maxRegexSize+1)
}

func readPlain(file string, r io.Reader) (*List, error) {
	l := &List{Name: file, Why: "on the list " + quoted(strings.TrimSuffix(file, ".txt")), Source: file}
	in := bufio.NewReaderSize(r, maxLine)
	size, line := 0, 0
	for {
		text, err := in.ReadSlice('\n')
		size += len(text)
		line++
		if size > MaxFileBytes {
			return nil, fmt.Errorf("%w: it has more than %d bytes", ErrFile, MaxFileBytes)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("%w: line %d has more than %d bytes", ErrFile, line, maxLine)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			return nil, fmt.Errorf("%w: line %d is not text in UTF-8", ErrFile, line)
		}
		entry, _, _ := strings.Cut(string(text), "#")
		if entry = strings.TrimSpace(strings.TrimPrefix(entry, "\ufeff")); entry != "" {
			if len(l.Entries) == MaxFileEntries {
				return nil, fmt.Errorf("%w: it has more than %d entries", ErrFile, MaxFileEntries)
			}
			l.Entries, l.Lines = append(l.Entries, entry), append(l.Lines, line)
		}
		if err != nil {
			break
		}
	}
	if len(l.Entries) == 0 {
		return nil, fmt.Errorf("%w: it has no entries", ErrFile)
	}
	return l, nil
}

// quoted shortens what a list says of itself.
func quoted(s string) string { return strconv.Quote(shortened(s)) }

func shortened(s string) string {
	if len(s) <= maxWhy {
		return s
	}
	return strings.ToValidUTF8(s[:maxWhy], "") + "…"
}
