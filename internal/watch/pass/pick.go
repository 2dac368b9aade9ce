package pass

import (
	"bytes"

	"entente/internal/watch"
	"entente/internal/watch/logs"
)

// maxShape is the longest beginning of a line that its format is known again by, in bytes.
const maxShape = 64

// picker picks, of the lines of a stream, those that may hold something; the others are not read.
//
// In JSON, which values are worth a look is a matter of the format. So only lines are passed over that begin as the last one of the
// format began that was read exactly, with the same bytes up to the first colon, and that have a member which tells the format, as that one had: many programs begin their lines
// with a time. Any other line is read, by which a change of format is seen in the line in which it happens. In other formats every token is looked at, whatever it means, of lines of which the format says that they
// are its own.
type picker struct {
	scan   *watch.Scanner
	format string // that it was made for
	shape  []byte // how lines of it begin
	mark   []byte // what else is in each of them, as it is written; empty where the beginning tells enough
	at     int    // where it stood last
	own    logs.Like
	reach  int // how many bytes are looked at at once
}

// firstReach and lastReach bound what is looked at at once, in bytes. It begins small where a format begins and doubles while it stays, so that a
// stream that changes with each line does not have the same bytes looked at again and again.
const firstReach, lastReach = 4 << 10, 1 << 20

// learn notes how a line of a format begins that was read exactly.
func (s *Stream) learn(line []byte) {
	if s.p.o.Each != nil { // every record is asked for
		return
	}
	name := s.format.Name()
	if s.pick.format != name {
		own, _ := s.format.(logs.Like)
		s.pick = picker{format: name, reach: firstReach, own: own, scan: s.scanner(name, own != nil)}
	}
	if s.pick.own != nil {
		s.pick.own, _ = s.format.(logs.Like) // another of the same name may have taken its place
	}
	if k := &s.pick; k.scan != nil && k.own == nil && !k.is(line) {
		k.take(line)
	}
}

// take has lines passed over from now on that are of the format as this one is. Of one that does not show plainly what it is none are.
func (k *picker) take(line []byte) {
	k.shape = k.shape[:0]
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i >= maxShape || line[0] != '{' {
		return
	}
	shape, marks := line[:i+1], logs.Marks(k.format)
	for _, name := range marks {
		mark := []byte(`"` + name + `":`)
		if k.at = bytes.Index(line, mark); k.at < 0 {
			continue
		}
		if k.mark = mark; k.at < len(shape) {
			k.mark = nil
		}
		marks = nil
		break
	}
	if marks == nil {
		k.shape = append(k.shape, shape...)
	}
}

// is tells whether a line is of the format as the last one was. Behind a quotation mark within a text stands a backslash or no colon, so that what is found is a member.
func (k *picker) is(line []byte) bool {
	if len(k.shape) == 0 || !bytes.HasPrefix(line, k.shape) {
		return false
	}
	if len(k.mark) == 0 {
		return true
	}
	const near = 16 // what stands before it is about as long in most lines
	if from, to := max(0, k.at-near), min(len(line), k.at+len(k.mark)+near); from < to && bytes.Contains(line[from:to], k.mark) {
		return true
	}
	i := bytes.Index(line, k.mark)
	if i >= 0 {
		k.at = i
	}
	return i >= 0
}

// scanner gives the scanner for a format. They are kept: a stream may change with each line.
func (s *Stream) scanner(format string, plain bool) *watch.Scanner {
	scan, made := s.p.scanners[format]
	if made {
		return scan
	}
	keys, err := logs.Keys(format, s.p.o.Logs)
	switch {
	case err != nil:
	case plain:
		scan = watch.NewScanner(s.p.o.Set, nil)
	case keys != nil:
		scan = watch.NewScanner(s.p.o.Set, keys)
	default:
		scan = watch.NewTokenScanner(s.p.o.Set)
	}
	if scan != nil {
		scan.Names(s.p.o.Name)
	}
	if s.p.scanners == nil {
		s.p.scanners = map[string]*watch.Scanner{}
	}
	s.p.scanners[format] = scan
	return scan
}

// like gives how many bytes of whole lines, from the beginning of p on, begin as the format's lines do, with the blank ones behind them, about as many as are looked at at once.
func (s *Stream) like(p []byte) int {
	k := &s.pick
	if k.scan == nil || len(k.shape) == 0 && k.own == nil || s.format == nil || s.format.Name() != k.format {
		return 0
	}
	n := 0
	if k.own != nil {
		for n < len(p) && n < k.reach {
			i := bytes.IndexByte(p[n:], '\n')
			if i > MaxLine || !k.own.Like(bytes.TrimRight(p[n:n+i], "\r")) {
				break
			}
			n += i + 1
			n += blankBytes(p[n:])
		}
		return n
	}
	for n < len(p) && n < k.reach {
		i := bytes.IndexByte(p[n:], '\n')
		if i > MaxLine || !k.is(p[n:n+i]) {
			break
		}
		n += i + 1
		n += blankBytes(p[n:])
	}
	return n
}

func blankBytes(p []byte) int {
	size, _ := blanks(p)
	return size
}

// picked reads those of whole lines that may hold something, up to one in which the format changes: what is worth a look behind it is another
// matter. It gives how many bytes it is done with.
func (s *Stream) picked(p []byte) int {
	begin, done, changed := s.offset, 0, false
	pass := func(to int) { // what comes before is read, or need not be
		lines := bytes.Count(p[done:to], []byte{'\n'})
		if n, _ := blanks(p[done:to]); n < to-done {
			s.failures = 0 // they are of the format; blank ones are of none
		}
		s.took(to-done, lines)
		done = to
	}
	scan, format := s.pick.scan, s.pick.format
	scan.Reset(begin)
	scan.Scan(p, func(line []byte, at int64) {
		if changed {
			return
		}
		pass(int(at - begin))
		if s.line(line) {
			end := bytes.IndexByte(p[done:], '\n') + 1
			s.took(end, 1)
			done += end
		}
		changed = s.format.Name() != format
	})
	if !changed {
		pass(len(p))
		s.pick.reach = min(2*s.pick.reach, lastReach)
	}
	return done
}
