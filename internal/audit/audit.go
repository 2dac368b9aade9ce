// Package audit is the local log of what people and programs did at a node: one line
// of JSON each, and each carries the hash of the line before. It says who did what to
// what, when and with which outcome; never contents and never secrets. It is this
// party's own and leaves the node with nothing.
package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"

	"entente/internal/store"
)

// Line is one act.
type Line struct {
	N       int64     `json:"n"`  // counted from 1, on through all files
	At      time.Time `json:"at"` // with the offset of the node's clock (RFC 3339)
	Kind    string    `json:"kind"`
	Who     string    `json:"who,omitempty"`  // id of an officer or a token; "" if it is not known
	Name    string    `json:"name,omitempty"` // as it was then
	Roles   []string  `json:"roles,omitempty"`
	Claim   string    `json:"claim,omitempty"` // AGENCY:ROLE that it was done under
	From    string    `json:"from,omitempty"`  // address
	Action  string    `json:"action"`
	Ref     string    `json:"ref,omitempty"` // what it was done to
	Outcome string    `json:"outcome"`       // ok, or the code of the refusal
	Prev    string    `json:"prev"`          // SHA-256 of the line before, 64 hexadecimal digits; zeros before the first
}

// Kinds of who acts.
const (
	Officer = "officer"
	Token   = "token"
	Console = "console" // the command line on the node's machine
	Nobody  = "nobody"  // not known: a sign-in that failed
	Node    = "node"    // the node itself
)

// OK is the outcome of what was done.
const OK = "ok"

const (
	maxText  = 200      // characters of one member of a line
	maxLine  = 32 << 10 // bytes of a line
	maxFile  = 4 << 20  // bytes of one file; then the next is begun
	maxHead  = 4 << 10  // bytes of the file head
	maxFiles = 100_000  // the last number of a file
	maxPage  = 1000     // lines of one answer
	zero     = "0000000000000000000000000000000000000000000000000000000000000000"
)

// Damage is the first line that breaks the chain.
type Damage struct {
	File string // name in the folder
	Line int64  // in the file, from 1; 0 for the file as a whole
	Why  string
}

func (d *Damage) Error() string {
	if d.Line == 0 {
		return fmt.Sprintf("audit: %s: %s", d.File, d.Why)
	}
	return fmt.Sprintf("audit: %s, line %d: %s", d.File, d.Line, d.Why)
}

// head says how far the log was written when something was last told: what is missing
// at its end is found by it. It is written after the lines.
type head struct {
	File string `json:"file"`
	Size int64  `json:"size"`
	N    int64  `json:"n"`
	Hash string `json:"hash"` // of the last line
}

// Log is an audit log in a folder of its own. One process at a time writes it.
type Log struct {
	fs  store.FS
	dir string
	now func() time.Time

	mu      sync.Mutex
	end     head
	damaged *Damage
	broken  error // a write failed: what is on the disk has to be looked at first
}

// Dir is the folder of the audit log in a node's folder.
func Dir(node string) string { return filepath.Join(node, "audit") }

var fileForm = regexp.MustCompile(`^audit-[0-9]{6}\.jsonl$`)

func fileName(n int) string { return fmt.Sprintf("audit-%06d.jsonl", n) }

// number is the number of a file by its name.
func number(name string) (n int, err error) {
	_, err = fmt.Sscanf(name, "audit-%06d.jsonl", &n)
	return n, err
}

// Open opens, or begins, the log in a folder. A line that was cut while it was written
// is taken off: nobody was told of it. Where the chain is broken, the log goes on in a
// new file, whose first line says so; [Log.Damage] and [Verify] name the break.
func Open(dir string, fsys store.FS, now func() time.Time) (*Log, error) {
	l := &Log{fs: fsys, dir: dir, now: now}
	return l, l.open()
}

func (l *Log) open() error {
	l.broken, l.damaged = nil, nil
	end, rest, err := follow(l.fs, l.dir, true, nil)
	if err != nil && !errors.As(err, &l.damaged) {
		return err
	}
	l.end = end
	if l.damaged != nil {
		names, err := list(l.fs, l.dir)
		if err != nil {
			return err
		}
		n := 0
		if len(names) > 0 {
			if n, err = number(names[len(names)-1]); err != nil {
				return err
			}
		}
		if n >= maxFiles {
			return l.damaged
		}
		l.end.File, l.end.Size = fileName(n+1), 0
		return l.append(Line{Kind: Node, Action: "audit.broken", Ref: l.damaged.File, Outcome: "damaged"})
	}
	return l.settle(rest)
}

// Damage is where the chain was broken when the log was opened; nil if it was whole as
// far as it was read, which is its last file.
func (l *Log) Damage() *Damage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.damaged
}

// settle makes the end of the log durable: what stands behind the head was written by
// a process that could not say so, perhaps into a cache that a failed sync has dropped.
// It is written again; what is not whole is taken off.
func (l *Log) settle(rest bool) error {
	told, err := readHead(l.fs, l.dir)
	if err != nil || told == l.end && !rest || l.end.File == "" {
		return err
	}
	path := filepath.Join(l.dir, l.end.File)
	text, err := store.ReadFile(l.fs, path, maxFile)
	if err != nil {
		return err
	}
	f, err := l.fs.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(l.end.Size); err != nil {
		return err
	}
	if l.end.Size > 0 {
		if _, err := f.WriteAt(text[:l.end.Size], 0); err != nil {
			return err
		}
	}
	if err := errors.Join(f.Sync(), l.fs.SyncDir(l.dir)); err != nil || l.end.Size == 0 {
		return err
	}
	return l.writeHead()
}

// clean is what is kept of a text: one line, of bounded length.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxText {
		s = string(r[:maxText])
	}
	return s
}

// Append writes a line, durably. N, At and Prev are the log's to say.
func (l *Log) Append(x Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		if err := l.open(); err != nil {
			return fmt.Errorf("audit: an earlier write failed, and the log cannot be read: %w", err)
		}
	}
	return l.append(x)
}

// append does what Append says. The lock must be held.
func (l *Log) append(x Line) error {
	for _, s := range []*string{&x.Kind, &x.Who, &x.Name, &x.Claim, &x.From, &x.Action, &x.Ref, &x.Outcome} {
		*s = clean(*s)
	}
	x.Roles = slices.Clone(x.Roles[:min(len(x.Roles), 16)])
	for i := range x.Roles {
		x.Roles[i] = clean(x.Roles[i])
	}
	x.N, x.Prev, x.At = l.end.N+1, l.end.Hash, l.now().Truncate(time.Millisecond)
	if x.Prev == "" {
		x.Prev = zero
	}
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	if len(text) >= maxLine {
		return fmt.Errorf("audit: a line has %d bytes", len(text))
	}
	next := l.end
	if next.File == "" {
		next.File = fileName(1)
	}
	if next.Size+int64(len(text))+1 > maxFile {
		n, err := number(next.File)
		if err != nil || n >= maxFiles {
			return errors.New("audit: the log is full")
		}
		next.File, next.Size = fileName(n+1), 0
	}
	if err := l.write(&next, text); err != nil {
		l.broken = err
		return fmt.Errorf("audit: %w", err)
	}
	next.N, next.Hash = x.N, hashOf(text)
	l.end = next
	if err := l.writeHead(); err != nil {
		l.broken = err
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

func (l *Log) write(next *head, text []byte) (err error) {
	if next.Size == 0 {
		if err := store.MakeDir(l.fs, l.dir); err != nil {
			return err
		}
	}
	f, err := l.fs.OpenFile(filepath.Join(l.dir, next.File), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(append(text, '\n'), next.Size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if next.Size == 0 {
		if err := l.fs.SyncDir(l.dir); err != nil {
			return err
		}
	}
	next.Size += int64(len(text)) + 1
	return nil
}

func (l *Log) writeHead() error {
	text, err := json.Marshal(l.end)
	if err != nil {
		return err
	}
	return store.WriteFile(l.fs, filepath.Join(l.dir, "head"), append(text, '\n'))
}

func hashOf(line []byte) string {
	h := sha256.Sum256(line)
	return hex.EncodeToString(h[:])
}

// list is the files of a log, in their order.
func list(fsys store.FS, dir string) ([]string, error) {
	names, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(n string) bool { return !fileForm.MatchString(n) }), err
}

func readHead(fsys store.FS, dir string) (head, error) {
	var h head
	text, err := store.ReadFile(fsys, filepath.Join(dir, "head"), maxHead)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	return parseHead(text)
}

func parseHead(text []byte) (head, error) {
	var h head
	err := jsonv2.Unmarshal(text, &h, jsonv2.RejectUnknownMembers(true))
	if err != nil || !fileForm.MatchString(h.File) || h.Size <= 0 || h.Size > maxFile || h.N <= 0 || len(h.Hash) != 2*sha256.Size {
		return head{}, &Damage{File: "head", Why: "it cannot be read"}
	}
	return h, nil
}

// parseLine reads a line strictly: a line is as this package writes it, to the byte.
func parseLine(text []byte) (Line, error) {
	var x Line
	if len(text) >= maxLine {
		return x, errors.New("it is too long")
	}
	if err := jsonv2.Unmarshal(text, &x, jsonv2.RejectUnknownMembers(true)); err != nil {
		return x, errors.New("it is no line of this log")
	}
	again, err := json.Marshal(x)
	if err != nil || !bytes.Equal(again, text) {
		return x, errors.New("it is not as it was written")
	}
	return x, nil
}

// follow reads the log from its first file on, or, if last is set, only its last, and
// calls each with every line. It returns where the log ends and whether something that
// was cut stands behind that. Damage is a *Damage.
func follow(fsys store.FS, dir string, last bool, each func(file string, x Line) error) (end head, rest bool, err error) {
	names, err := list(fsys, dir)
	if err != nil {
		return end, false, err
	}
	told, err := readHead(fsys, dir)
	if err != nil {
		return end, false, err
	}
	if len(names) == 0 {
		if told.File != "" {
			return told, false, &Damage{File: told.File, Why: "the file is missing"}
		}
		return end, false, nil
	}
	first, prev := 1, zero
	met := told.File == "" // the line that the head names was met
	if last {
		names = names[len(names)-1:]
		if first, err = number(names[0]); err != nil {
			return end, false, err
		}
		switch {
		case told.File == fileName(first-1): // nothing was told of this file yet
			met, prev, end.N, end.Hash = true, told.Hash, told.N, told.Hash
		case first > 1:
			prev = "" // what the file before ends with is for a verification
		}
	}
	for i, name := range names {
		if name != fileName(first+i) {
			return told, false, &Damage{File: fileName(first + i), Why: "the file is missing"}
		}
		text, err := store.ReadFile(fsys, filepath.Join(dir, name), maxFile)
		if err != nil {
			return told, false, &Damage{File: name, Why: err.Error()}
		}
		end.File, end.Size = name, 0
		for n := int64(1); len(text) > 0; n++ {
			line, after, whole := bytes.Cut(text, []byte("\n"))
			x, why := parseLine(line)
			switch {
			case !whole:
				why = errors.New("it is cut")
			case why != nil:
			case prev != "" && x.Prev != prev:
				why = errors.New("it does not carry the hash of the line before")
			case prev != "" && x.N != end.N+1:
				why = fmt.Errorf("it has the number %d", x.N)
			}
			if why != nil && met && i == len(names)-1 && (told.File != "" || end.N == 0) {
				return end, true, nil // a crash left it: it was never told that it was written
			}
			if why != nil {
				return told, false, &Damage{File: name, Line: n, Why: why.Error()}
			}
			if each != nil {
				if err := each(name, x); err != nil {
					return end, false, err
				}
			}
			prev, text = hashOf(line), after
			end.Size += int64(len(line)) + 1
			end.N, end.Hash = x.N, prev
			met = met || end == told
		}
	}
	if told.File == "" && end.N > 1 {
		return end, false, &Damage{File: "head", Why: "it is missing"}
	}
	if !met {
		return told, false, &Damage{File: told.File, Why: fmt.Sprintf("the log does not reach its line %d, which was written", told.N)}
	}
	return end, false, nil
}

// Report is what a verification found.
type Report struct {
	Lines int64  `json:"lines"`
	Files int    `json:"files"`
	Hash  string `json:"hash,omitempty"` // of the last line: whoever notes it can hold the log to it later
}

// Verify reads a whole log. The first break is a *Damage; lines are counted up to it.
func Verify(fsys store.FS, dir string) (Report, error) {
	var r Report
	last := ""
	end, _, err := follow(fsys, dir, false, func(file string, _ Line) error {
		r.Lines++
		if file != last {
			r.Files++
			last = file
		}
		return nil
	})
	if err == nil {
		r.Hash = end.Hash
	}
	return r, err
}

// Verify is [Verify] of an open log, while nothing is appended.
func (l *Log) Verify() (Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Verify(l.fs, l.dir)
}

// Filter says which lines are asked for.
type Filter struct {
	Who    string // id, or name as it was then
	Action string // or what it begins with, before a dot
	Failed bool   // only what was refused
	Before int64  // numbers below; 0: from the newest on
	Limit  int    // 0: 100; at most 1000
	// From and Until bound the time, From being within; zero: they do not.
	From, Until time.Time
}

func (f *Filter) fits(x *Line) bool {
	return (f.Who == "" || x.Who == f.Who || x.Name == f.Who) && (f.Before <= 0 || x.N < f.Before) && (!f.Failed || x.Outcome != OK) &&
		(f.From.IsZero() || !x.At.Before(f.From)) && (f.Until.IsZero() || x.At.Before(f.Until)) &&
		(f.Action == "" || x.Action == f.Action || strings.HasPrefix(x.Action, f.Action+"."))
}

// Lines returns lines, the newest first, and whether there are more. What cannot be read
// is passed over: [Verify] names it.
func (l *Log) Lines(f Filter) (out []Line, more bool, err error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.Limit = min(f.Limit, maxPage)
	l.mu.Lock()
	names, err := list(l.fs, l.dir)
	l.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	for _, name := range slices.Backward(names) {
		text, err := store.ReadFile(l.fs, filepath.Join(l.dir, name), maxFile)
		if err != nil {
			return out, false, err
		}
		lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		for _, line := range slices.Backward(lines) {
			if !bytes.Contains(line, []byte(f.Action)) { // as it is written, an action stands there as it is: most lines need not be parsed
				continue
			}
			x, err := parseLine(line)
			if err != nil || !f.fits(&x) {
				continue
			}
			if len(out) == f.Limit {
				return out, true, nil
			}
			out = append(out, x)
		}
	}
	return out, false, nil
}

// Export writes the whole log, file behind file, byte for byte as it lies. What is appended meanwhile is not in it.
func (l *Log) Export(ctx context.Context, w io.Writer) error {
	l.mu.Lock()
	end := l.end
	names, err := list(l.fs, l.dir)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := store.ReadFile(l.fs, filepath.Join(l.dir, name), maxFile)
		if err != nil {
			return err
		}
		if name == end.File {
			text = text[:min(int64(len(text)), end.Size)]
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		if name == end.File {
			return nil
		}
	}
	return nil
}
