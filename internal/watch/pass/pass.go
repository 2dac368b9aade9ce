// Package pass is one pass over the lines of streams: the format is told and told
// again where it changes, the lines that may hold something are picked out, read exactly and
// matched, and hits become sightings.
//
// It is pure: bytes, time and where they come from are arguments.
package pass

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// Bounds.
const (
	// MaxLine is the longest line that is read, in bytes. Of a longer one the beginning is read, and it is counted.
	MaxLine = 4 << 20
	// maxHits is the number of indicators that one line is told for.
	maxHits = 64
	// maxFailures is the number of lines in a row that are not of the stream's format before it is told anew whatever they are.
	maxFailures = 8
	// maxOwn is of how many values that the format read it is known that the text has them, too.
	maxOwn = 64
	// MaxRecord and maxRecordLines are the most bytes and lines of a record of several lines. A stray quote holds up, and keeps in memory, what is behind it up to
	// there; a cell that is longer is rather that than a text.
	MaxRecord, maxRecordLines = 1 << 20, 4096
	// MaxRecordWait is how long the end of a record of several lines is waited for where nothing more comes.
	MaxRecordWait = time.Minute
)

// ByteOrderMark may stand at the beginning of a stream in UTF-8, where Windows writes it. It is no part of the first line: that is read without it.
const ByteOrderMark = "\ufeff"

// Counts are what was seen.
type Counts struct {
	Lines     int64 `json:"lines"`     // lines, headers and empty ones included
	Bytes     int64 `json:"bytes"`     // of them, with their ends
	Decoded   int64 `json:"decoded"`   // lines that were read exactly; of some formats only those that may hold something are
	Failed    int64 `json:"failed"`    // lines that were cut, damaged, or not of the format; what could be read of them was matched
	AsText    int64 `json:"as_text"`   // those of them that were read as text, too: whatever in them is a value by its form was matched
	Binary    int64 `json:"binary"`    // lines that are no text; what stands before and behind their bytes of zero was matched
	TooLong   int64 `json:"too_long"`  // lines longer than MaxLine, of which the rest was passed over
	Stray     int64 `json:"stray"`     // lines with a quote that begins no record of several lines although it is not closed; they were read one by one
	Changed   int64 `json:"changed"`   // times that the format changed in a stream
	ManyHits  int64 `json:"many_hits"` // lines that met more indicators than are told of
	Backwards int64 `json:"backwards"` // times that the clock of a stream went back by more than an hour, between lines that were read exactly
	Unknown   int64 `json:"unknown"`   // lines before which no format could be told
}

// Options steer a pass.
type Options struct {
	// Set gives the set that is looked for, at every block.
	Set func() *watch.Set
	// Logs are what the lines do not say themselves.
	Logs logs.Options
	// Format is the name of the format of all streams; empty: told by themselves.
	Format string
	// Sightings gathers the hits.
	Sightings *sighting.Table
	// Told is told of each hit and its sighting, which is nil if the table is full; isNew tells the first of a sighting.
	Told func(h *sighting.Hit, s *sighting.Sighting, isNew bool)
	// Each is told of each record of a line that could be read, and where the line stands in the text of its stream;
	// it may be nil. The record is good until Each returns.
	Each func(r *record.Record, stream string, from, to int64)
	// Read is told of each record of a line that was read exactly, with the line's number in its stream; it may be nil. Of some
	// formats only those lines are that may hold something of the set. The record is good until Read returns.
	Read func(r *record.Record, stream string, number int64)
	// All tells, at every block, whether every line is to be read exactly; nil: only those that may hold something are.
	All func() bool
	// Name is told of each name in lines that need not be read, with its hash, and says whether its line has to be; it may be nil. See
	// [watch.Scanner.Names].
	Name func(h uint64, name []byte) bool
	// Known is told when the format of a stream is known, or another than before.
	Known func(stream, format string, e logs.Evidence)
}

// Pass reads streams, one block at a time. It is not safe for concurrent use.
type Pass struct {
	o        Options
	Counts   Counts
	found    []found
	scanners map[string]*watch.Scanner // by the name of a format: one stream is read at a time
	text     logs.Format               // reads what the format of a stream refuses; nil until there is something
	aside    record.Record             // what it read
}

// found is an indicator that a line met.
type found struct {
	hit    watch.Hit
	fields []record.Field
}

// New begins a pass.
func New(o Options) *Pass { return &Pass{o: o} }

// State is what has to be known to go on in the middle of a stream.
type State struct {
	Offset int64  `json:"offset"` // of the first line that was not read
	Line   int64  `json:"line"`   // its number, from 0
	Format string `json:"format,omitzero"`
	Header string `json:"header,omitzero"` // lines of the format that have to be read again
	Skip   bool   `json:"skip,omitzero"`   // what follows is the rest of a line that was too long
	Since  int64  `json:"since,omitzero"`  // when the record of several lines that begins here was first waited for, in seconds since 1970; 0: none is
}

// Stream is one stream of a pass.
type Stream struct {
	p        *Pass
	name     string
	format   logs.Format
	lent     logs.Format // what reads lines of a stream of text that are of a format; nil until there is one
	forced   bool
	failures int
	rec      record.Record
	pick     picker
	carry    []byte
	skip     bool
	offset   int64 // of the first line that was not read
	number   int64 // of lines before it
	open     open
	over     bool // nothing more comes: what is there of a record of several lines is all
	clock    time.Time
	now      time.Time
	lead     int64 // bytes of the line before what the record is of
}

// Open begins a stream, or goes on in it.
func (p *Pass) Open(name string, at State) (*Stream, error) {
	s := &Stream{p: p, name: name, offset: at.Offset, number: at.Line, skip: at.Skip, forced: p.o.Format != ""}
	format := p.o.Format
	if format == "" {
		format = at.Format
	}
	if format != "" {
		f, err := logs.New(format, p.o.Logs)
		if err != nil {
			return nil, err
		}
		s.format = f
		s.replay([]byte(at.Header))
	}
	if at.Since != 0 {
		s.open.since = time.Unix(at.Since, 0)
	}
	return s, nil
}

// State gives where the stream is; what was given of a line that did not end is not read yet.
func (s *Stream) State() State {
	st := State{Offset: s.offset, Line: s.number, Skip: s.skip}
	if !s.open.since.IsZero() {
		st.Since = s.open.since.Unix()
	}
	if s.format != nil {
		st.Format, st.Header = s.format.Name(), s.format.Header()
	}
	return st
}

// Format is the name of the format, empty while it is not known.
func (s *Stream) Format() string {
	if s.format == nil {
		return ""
	}
	return s.format.Name()
}

// Write takes the next bytes. now is the time at which they are read, for lines that do not say when they were.
func (s *Stream) Write(p []byte, now time.Time) {
	s.now = now
	if s.offset == 0 && len(s.carry) < len(ByteOrderMark) {
		p = s.unmarked(p)
	}
	if s.format == nil && !s.skip { // the format is told by some lines, not by one
		s.carry = append(s.carry, p...)
		if len(s.carry) < logs.MaxSample/4 && bytes.Count(s.carry, []byte("\n")) < 64 {
			return
		}
		s.whole(nil)
		return
	}
	for len(s.carry) > 0 || s.skip { // a record may take many of the lines
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.keep(p)
			return
		}
		head := p[:i+1]
		p = p[i+1:]
		if s.skip {
			s.skip = false
			s.offset += int64(len(head))
			s.p.Counts.Bytes += int64(len(head))
		} else {
			s.carry = append(s.carry, head...)
			s.whole(nil)
		}
	}
	s.whole(p)
}

// unmarked drops the byte order mark at the beginning of a stream, of which some may have come before p, and gives what stands behind it. It counts as bytes
// that were read, so that positions are those in the stream.
func (s *Stream) unmarked(p []byte) []byte {
	if len(s.carry) > 0 {
		p = append(s.carry, p...)
		s.carry = nil
	}
	behind, marked := bytes.CutPrefix(p, []byte(ByteOrderMark))
	if marked {
		s.took(len(ByteOrderMark), 0)
	}
	return behind
}

// whole reads the whole records of the carry, or, if that is empty, of p, and keeps the rest.
func (s *Stream) whole(p []byte) {
	carried := len(s.carry) > 0
	if carried {
		p = s.carry
	}
	end := bytes.LastIndexByte(p, '\n') + 1
	if end > 0 {
		end = s.block(p[:end])
	}
	rest := p[end:]
	if carried {
		n := len(rest)
		if end > 0 {
			s.carry = s.carry[:copy(s.carry, rest)]
		}
		if cap(s.carry) > MaxLine && n < 1<<16 {
			s.carry = bytes.Clone(s.carry)
		}
		rest = nil
	}
	s.keep(rest)
}

// keep adds to the line that has begun. Of one that is too long the beginning is read.
func (s *Stream) keep(p []byte) {
	if s.skip {
		s.offset += int64(len(p))
		s.p.Counts.Bytes += int64(len(p))
		return
	}
	s.carry = append(s.carry, p...)
	if s.open.size > 0 && len(s.carry) > MaxRecord {
		s.giveUp()
		return
	}
	if len(s.carry) <= MaxLine {
		return
	}
	s.p.Counts.TooLong++
	s.line(s.carry[:MaxLine])
	s.took(len(s.carry), 1)
	s.carry, s.skip = nil, true
}

// Rest reads the whole lines that were held back to tell the format by: nothing more comes for now. A record of several lines that did not end is waited for,
// but not longer than [MaxRecordWait].
func (s *Stream) Rest(now time.Time) {
	s.now = now
	switch {
	case s.format == nil && len(s.carry) > 0 && !s.skip:
		if !s.unfinished() || !s.waits() {
			s.whole(nil)
		}
	case s.open.size > 0 && !s.waits():
		s.giveUp()
	}
	s.release()
}

// maxKept is the number of fields of a record that there is room for while a stream rests.
const maxKept = 256

// release gives back the line that was read last, and the memory that a large one took: there may be many streams that rest.
func (s *Stream) release() {
	if s.rec.Reset(); cap(s.rec.Fields) > maxKept {
		s.rec.Fields = nil
	}
	if len(s.carry) == 0 {
		s.carry = nil
	}
	s.p.aside.Reset()
	for _, f := range [...]logs.Format{s.format, s.lent, s.p.text} {
		if r, ok := f.(logs.Rester); ok {
			r.Rest()
		}
	}
}

// Release reads all whole lines that were held back, those of a record of several lines that did not end each for itself: what it lacks does not come.
func (s *Stream) Release(now time.Time) {
	s.now = now
	if len(s.carry) > 0 {
		s.giveUp()
	}
	s.release()
}

// giveUp reads the whole lines of the carry.
func (s *Stream) giveUp() {
	s.over = true
	s.whole(nil)
	s.over = false
}

// Flush reads what stands there as a line although it has no end: the stream is over, or rests.
func (s *Stream) Flush(now time.Time) {
	s.now = now
	if len(s.carry) == 0 {
		return
	}
	if s.carry[len(s.carry)-1] == '\n' {
		s.giveUp()
		return
	}
	s.carry = append(s.carry, '\n')
	s.giveUp()
	s.offset--
	s.p.Counts.Bytes--
}

// Waits tells whether whole lines are held for the end of a record of several lines.
func (s *Stream) Waits() bool { return !s.open.since.IsZero() && len(s.carry) > 0 }

// block reads whole lines, and gives how many bytes they had: those of a record whose end is not there are left.
func (s *Stream) block(p []byte) int {
	all := len(p)
	p = s.passBlanks(p)
	if s.format == nil && len(p) > 0 {
		s.detect(p)
	}
	every := s.p.o.All != nil && s.p.o.All()
	for ; len(p) > 0; p = s.passBlanks(p) {
		if s.open.size == 0 {
			if n := s.like(p); n > 0 && !every {
				p = p[s.picked(p[:n]):]
				continue
			}
		}
		size, lines := s.next(p)
		if size == 0 {
			break
		}
		line := p[:size-1]
		if len(line) > MaxLine {
			s.p.Counts.TooLong++
			line = line[:MaxLine]
		}
		if s.line(bytes.TrimRight(line, "\r")) {
			s.took(size, lines)
			p = p[size:]
		}
	}
	return all - len(p)
}

// passBlanks passes over the blank lines at the beginning of whole lines, unless they are of a record, and gives what is behind them. They say nothing in any format, and half a
// megabyte of gzip holds 512 MiB of them.
func (s *Stream) passBlanks(p []byte) []byte {
	if s.open.size > 0 {
		return p
	}
	size, lines := blanks(p)
	if size > 0 {
		s.took(size, lines)
	}
	return p[size:]
}

// blanks gives how many bytes and lines there are of blank lines at the beginning of p. One that is too long is none.
func blanks(p []byte) (size, lines int) {
	for i, c := range p {
		switch c {
		case '\n':
			if i-size > MaxLine {
				return size, lines
			}
			size, lines = i+1, lines+1
		case ' ', '\t', '\r':
		default:
			return size, lines
		}
	}
	return size, lines
}

// took notes that lines are done with.
func (s *Stream) took(size, lines int) {
	s.p.Counts.Lines += int64(lines)
	s.p.Counts.Bytes += int64(size)
	s.number += int64(lines)
	s.offset += int64(size)
	s.open.since = time.Time{}
}

// detect tells the format of what follows.
func (s *Stream) detect(sample []byte) bool {
	f, e, ok := logs.Detect(sample, s.p.o.Logs)
	if !ok {
		return false
	}
	if s.format != nil {
		s.p.Counts.Changed++
	}
	s.format, s.failures = f, 0
	if s.p.o.Known != nil {
		s.p.o.Known(s.name, f.Name(), e)
	}
	return true
}

// vague are formats that anything may look like.
func vague(name string) bool { return name == "text" || name == "csv" || name == "jsonl" }

// line reads and matches one line, or one record of several. It is false if that is not done: the format changed, and a record of several lines may begin here.
func (s *Stream) line(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	if bytes.IndexByte(line[:min(len(line), 4096)], 0) >= 0 {
		s.torn(line)
		return true
	}
	if s.format == nil {
		if !s.detect(line) {
			s.p.Counts.Unknown++
			s.p.Counts.Failed++
			return true
		}
		if s.opens(line) {
			return false
		}
	}
	err := s.format.Decode(line, &s.rec)
	vague, isVague := s.format.(logs.Vague)
	changed := false
	switch {
	case err == nil && !s.forced && isVague && vague.Foreign() && !s.lend(line) && s.other(line, true):
		changed = true
	case err == nil:
		s.failures = 0
	case errors.Is(err, logs.ErrNothing):
		s.nothing(line)
		return true
	default:
		s.failures++
		changed = s.other(line, errors.Is(err, logs.ErrOther))
	}
	if changed {
		if bytes.IndexByte(line, '\n') >= 0 || s.opens(line) {
			return false
		}
		if err = s.format.Decode(line, &s.rec); errors.Is(err, logs.ErrNothing) {
			s.nothing(line)
			return true
		}
	}
	if err != nil {
		s.p.Counts.Failed++
		if s.asText(line, err) {
			s.p.Counts.AsText++
		}
	} else {
		s.p.Counts.Decoded++
		s.learn(line)
	}
	s.match()
	return true
}

// torn reads a line that is no text: what stands before its first byte of zero and behind its last. A machine that lost power leaves zeros where a line was not
// written to its end, and what it writes afterwards stands behind them.
func (s *Stream) torn(line []byte) {
	s.p.Counts.Binary++
	s.p.Counts.Failed++
	if s.format == nil {
		return
	}
	first, behind := bytes.IndexByte(line, 0), bytes.LastIndexByte(line, 0)+1
	for _, at := range [][2]int{{0, first}, {behind, len(line)}} {
		part := line[at[0]:at[1]]
		if len(part) == 0 || part[0] == '#' { // half a header would be taken for one
			continue
		}
		err := s.format.Decode(part, &s.rec)
		if errors.Is(err, logs.ErrNothing) {
			continue
		}
		if err != nil {
			s.asText(part, err)
		}
		s.lead = int64(at[0])
		s.match()
	}
	s.lead = 0
}

// lend reads a line of a stream that is taken for text, or for a table without a header, in the format of plain lines that it is of: others may write there, too. The
// stream stays what it is, since lines that hold nothing are passed over without being asked what they are.
func (s *Stream) lend(line []byte) bool {
	own, ok := s.lent.(logs.Like)
	if !ok || !own.Like(line) {
		f, e, ok := logs.Detect(line, s.p.o.Logs)
		if _, rows := f.(logs.Rows); !ok || rows || vague(f.Name()) {
			return false
		}
		if _, plain := f.(logs.Like); !plain || line[0] == '#' {
			return false
		}
		if s.lent = f; s.p.o.Known != nil {
			s.p.o.Known(s.name, f.Name(), e)
		}
	}
	if s.lent.Decode(line, &s.p.aside) == nil {
		s.rec, s.p.aside = s.p.aside, s.rec
	}
	return true
}

// nothing reads a line that is no event in its format: a service writes more than what its format is for, and a value may stand there as well.
func (s *Stream) nothing(line []byte) {
	if line[0] != '#' && s.asText(line, nil) {
		s.match()
	}
}

// asText adds to the record what is a value by its form in a line that the format refuses: in a stream of several writers it is one of somebody else, and of a
// damaged line the rest counts, too. Objects of JSON are not read so, since of these the scanner looks only at what the format reads; nor are rows of a table,
// whose cells were read where they stand, and lines of which the user named the values.
func (s *Stream) asText(line []byte, why error) bool {
	p := s.p
	_, table := s.format.(logs.Rows)
	o := bytes.Trim(line, " \t\r")
	if len(o) > 0 && o[0] == '{' && o[len(o)-1] == '}' || table && !errors.Is(why, logs.ErrOther) || vague(s.format.Name()) && p.o.Logs.Fields.Values() {
		return false
	}
	if p.text == nil {
		o := p.o.Logs
		o.Fields = logs.Map{}
		var err error
		if p.text, err = logs.New("text", o); err != nil {
			return false
		}
	}
	if p.text.Decode(line, &p.aside) != nil {
		return false
	}
	r := &s.rec
	r.Line = line
	own := r.Fields[:min(len(r.Fields), maxOwn)]
	if len(own) == 0 {
		r.Format = p.aside.Format
	}
	if r.Time.IsZero() {
		r.Time = p.aside.Time
	}
	for _, f := range p.aside.Fields {
		if !slices.ContainsFunc(own, func(x record.Field) bool { return x.Text == f.Text }) {
			r.Fields = append(r.Fields, f)
		}
	}
	return true
}

// other tells the format anew by a line that is not of the one before. A damaged line may look like text: it takes more of
// them to give up a format for one that anything is of.
func (s *Stream) other(line []byte, whole bool) bool {
	if s.forced {
		return false
	}
	f, e, ok := logs.Detect(line, s.p.o.Logs)
	if !ok || f.Name() == s.format.Name() || vague(f.Name()) && !(whole && f.Name() == "jsonl") && s.failures < maxFailures {
		return false
	}
	s.p.Counts.Changed++
	s.format, s.failures = f, 0
	if s.p.o.Known != nil {
		s.p.o.Known(s.name, f.Name(), e)
	}
	return true
}

// match matches the record.
func (s *Stream) match() {
	p := s.p
	s.rec.Time = p.o.Logs.At(s.rec.Time)
	if p.o.Each != nil {
		from := s.offset + s.lead
		p.o.Each(&s.rec, s.name, from, from+int64(len(s.rec.Line))+1)
	}
	if p.o.Read != nil {
		p.o.Read(&s.rec, s.name, s.number+1)
	}
	at := s.rec.Time
	if !at.IsZero() {
		if at.Before(s.clock.Add(-time.Hour)) {
			p.Counts.Backwards++
			s.clock = at
		} else if at.After(s.clock) {
			s.clock = at
		}
	}
	if at.IsZero() {
		at = s.now
	}
	p.found = p.found[:0]
	many := false
	set := p.o.Set()
	for _, f := range s.rec.Fields {
		set.Match(f, at, func(h watch.Hit) {
			if h.Indicator.Atom != 0 {
				return // a part of a pattern is not what it looks for
			}
			for i := range p.found {
				if x := &p.found[i]; x.hit.Indicator.ID == h.Indicator.ID && x.hit.Indicator.Value == h.Indicator.Value {
					if x.fields[len(x.fields)-1] != f { // one indicator may name a value in two places
						x.fields = append(x.fields, f)
					}
					return
				}
			}
			if len(p.found) >= maxHits {
				many = true
				return
			}
			p.found = append(p.found, found{h, []record.Field{f}})
		})
	}
	if many {
		p.Counts.ManyHits++
	}
	for i := range p.found {
		x := &p.found[i]
		id, _, _ := strings.Cut(x.hit.Indicator.ID, "#") // behind it is what tells values of one indicator apart
		h := sighting.Hit{ID: id, Value: x.hit.Indicator.Value, Source: x.hit.Indicator.Source, TLP: x.hit.Indicator.TLP, Seen: x.hit.Seen,
			Fields: x.fields, Time: s.rec.Time, Host: hostKey(s.rec.Host), Way: s.rec.Direction, Format: s.rec.Format, Input: s.name, Number: s.number + 1, Line: s.rec.Line, Record: &s.rec}
		t, isNew := p.o.Sightings.Add(h)
		if p.o.Told != nil {
			p.o.Told(&h, t, isNew)
		}
	}
}

// hostKey brings an address into one form, so that a machine is one machine.
func hostKey(host string) string {
	if v, err := observable.New(observable.IPv6, host); err == nil {
		return v.Text
	}
	return host
}
