package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ReaderOptions bound and steer a [Reader]. The zero value is ready for use.
type ReaderOptions struct {
	// Limits bound each object.
	Limits
	// MaxObjects ends the stream with ErrTooLarge after so many objects, refused
	// ones included; 0 means no limit.
	MaxObjects int
	// MaxStreamValues ends the stream with ErrTooLarge after objects that together hold
	// so many JSON values and member names; 0 means no limit.
	MaxStreamValues int
	// MaxStreamBytes ends the stream with ErrTooLarge after so many bytes; 0 means
	// no limit.
	MaxStreamBytes int64
	// Strict refuses every object in which [Validate] finds a breach of a MUST.
	Strict bool
}

// BundleInfo is what a bundle says about itself.
type BundleInfo struct {
	// ID is the bundle's identifier. It means nothing beyond the one file.
	ID string
	// Type is "bundle", or empty if it does not say so, as an envelope of TAXII.
	Type string
	// EmptyList is true if it has a list of objects without an object in it.
	EmptyList bool
}

// Problems judges a bundle by STIX 2.1 §8. Its objects are judged by [Validate] one by
// one. It can be called once the bundle has been read to its end.
func (b BundleInfo) Problems() []Problem {
	var out []Problem
	add := func(path, code, section string, must bool, msg string) {
		out = append(out, Problem{Path: path, Code: code, Message: msg, Must: must, Section: section})
	}
	if b.Type != "bundle" {
		add("type", CodeMissing, "8.1", true, "is required, and is bundle")
	}
	switch typ, uuid, ok := SplitID(b.ID); {
	case b.ID == "":
		add("id", CodeMissing, "8.1", true, "is required")
	case !ok || typ != "bundle" || !rfc4122(uuid):
		add("id", CodeIdentifier, "2.9", true, "must be an identifier of the form bundle--UUID")
	case uuid[14] != '4':
		add("id", CodeUUID, "2.9", false, "is best a random UUID (version 4)")
		out[len(out)-1].Check = 103
	}
	if b.EmptyList {
		add("objects", CodeEmpty, "2.12", true, "a list must not be empty; leave the property out")
	}
	return out
}

// Reader reads STIX objects from a stream one at a time. It accepts
//
//   - a bundle, whose members may come in any order and include unknown ones,
//   - an envelope as TAXII has it: the same without type,
//   - a JSON array of objects,
//   - one object, or any number of them, or of any of the above, one after
//     another, with or without line ends between them (NDJSON).
//
// Its memory is that of the largest object, not of the stream. Decompression is
// the caller's business. A Reader must not be used by two goroutines at once.
type Reader struct {
	scan   scanner
	opts   ReaderOptions
	state  readerState
	first  bool // no element of the current list has been read
	index  int  // number of the next object in the stream
	inList int  // number of the next object in the current list
	values int  // of all objects so far

	bundle  BundleInfo
	typ     string              // type of the bundle, "" until it is known
	members map[string]struct{} // names of the bundle's members so far
	pending []error             // faults of the frame, to be told before going on
	take    func([]byte) int    // see Texts
	fatal   error
	last    Position
}

// Position says where an object stood.
type Position struct {
	// Index is the number of the object in the stream, from 0.
	Index int
	// Offset is where its text begins, in bytes from the start of the stream.
	Offset int64
	// Path is its path from the top, as in "objects[17]" or "[17]".
	Path string
}

type readerState uint8

const (
	atTop    readerState = iota // between top-level values
	inArray                     // in a top-level array
	inBundle                    // in the objects of a bundle
)

// maxFrameMembers bounds the members of a bundle beside its objects.
const maxFrameMembers = 1000

// NewReader makes a reader of r.
func NewReader(r io.Reader, opts ReaderOptions) *Reader {
	opts.Limits = opts.Limits.withDefaults()
	return &Reader{opts: opts, scan: scanner{src: r, maxValue: opts.MaxObjectBytes, maxStream: opts.MaxStreamBytes}}
}

// Objects iterates over the objects of the stream. A refused object gives a nil
// object and a [*ReadError]; the iteration then goes on with the next one, unless
// the error says that it is fatal.
func (r *Reader) Objects() iter.Seq2[*Object, error] {
	return func(yield func(*Object, error) bool) {
		for {
			o, err := r.Next()
			if err == io.EOF || !yield(o, err) || r.fatal != nil {
				return
			}
		}
	}
}

// Next gives the next object, io.EOF at the end of the stream, or a [*ReadError].
// After one that is not fatal Next may be called again and gives the object after
// the refused one; after a fatal one it gives the same error again.
func (r *Reader) Next() (*Object, error) {
	for r.fatal == nil {
		if len(r.pending) > 0 {
			err := r.pending[0]
			r.pending = r.pending[1:]
			return nil, err
		}
		t, err := r.step()
		if t != nil {
			o, bad := t.Object()
			if bad == nil {
				r.values += len(o.nodes)
				return o, nil
			}
			err = bad
		}
		if err == io.EOF {
			return nil, err
		}
		if err != nil {
			return nil, r.failed(err)
		}
	}
	return nil, r.fatal
}

// failed makes a [*ReadError] of what went wrong, and notes whether reading can go on.
func (r *Reader) failed(err error) error {
	var re *ReadError
	if !errors.As(err, &re) {
		re = r.frameError("", r.scan.pos, err)
		re.Fatal = true
	}
	if re.Fatal {
		r.fatal = re
	}
	return re
}

// Texts iterates over the texts of the objects of the stream, for those who read them side by side: what [Text.Object] gives
// of each, in their order, is what [Reader.Objects] gives, up to the first error that is fatal. MaxStreamValues does not count then.
//
// To find where an object ends takes about as long as to read it. So whoever can read some by themselves gives take, or else nil: it is shown what is at hand, some
// kilobytes at most, from where an object begins on, and says how many bytes it takes if it has read it, with white space behind it perhaps, or 0. The text and the error of one that it has read are nil. It must
// read none but whole objects that Objects gives, of no type bundle and without a list of objects, and not hold what it was shown.
func (r *Reader) Texts(take func(rest []byte) int) iter.Seq2[*Text, error] {
	return func(yield func(*Text, error) bool) {
		if r.take = take; r.opts.Strict {
			r.take = nil
		}
		defer func() { r.take = nil }()
		for r.fatal == nil {
			var t *Text
			var err error
			if len(r.pending) > 0 {
				err, r.pending = r.pending[0], r.pending[1:]
			} else if t, err = r.step(); err == io.EOF {
				return
			} else if err != nil {
				err = r.failed(err)
			} else if t == nil {
				continue
			} else if t == taken {
				t = nil
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// taken stands for the text of an object that was taken by another.
var taken = &Text{}

// maxTaken is how much is shown to those who take objects, in bytes: far less than what any limit of an object is by default.
const maxTaken = 16 << 10

// taken tells whether another takes the object that begins at the scanner's position.
func (r *Reader) taken() bool {
	if r.take == nil || r.opts.MaxObjects > 0 && r.index >= r.opts.MaxObjects {
		return false
	}
	if r.scan.pos+maxTaken > r.scan.base+int64(len(r.scan.buf)) {
		_ = r.scan.fill() // what is wrong with it is told to who needs more
	}
	rest := r.scan.buf[r.scan.pos-r.scan.base:]
	n := r.take(rest[:min(len(rest), maxTaken, r.opts.MaxObjectBytes)])
	if n == 0 {
		return false
	}
	r.scan.pos += int64(n)
	r.index++
	if r.inList >= 0 {
		r.inList++
	}
	return true
}

// Text is the text of an object in a stream.
type Text struct {
	raw    []byte
	at     Position
	limits Limits
	strict bool
}

// Raw is the text itself. It must not be changed.
func (t *Text) Raw() []byte { return t.raw }

// Object reads the object, or gives a [*ReadError].
func (t *Text) Object() (*Object, error) {
	o, err := ParseLimited(t.raw, t.limits)
	if err != nil {
		return nil, t.at.objectError(err)
	}
	if o.Type == "bundle" {
		return nil, t.at.objectError(&ParseError{Path: "type", Kind: ErrStream, Detail: "a bundle inside a list of objects"})
	}
	if t.strict {
		for _, p := range ValidateMust(o) {
			return nil, t.at.objectError(&ParseError{Path: p.Path, Kind: ErrProperty, Detail: p.Message})
		}
	}
	return o, nil
}

// Position tells where the object that Next gave last stood.
func (r *Reader) Position() Position { return r.last }

// Bundle tells what the bundle being read says about itself, as far as it has
// been read: members may come after the objects. ok is false outside of one.
func (r *Reader) Bundle() (info BundleInfo, ok bool) { return r.bundle, r.members != nil }

// step reads on until there is an object, an error, or a change of state (nil, nil).
func (r *Reader) step() (*Text, error) {
	if r.state == atTop {
		return r.top()
	}
	more, err := r.scan.element(&r.first)
	if err != nil {
		return nil, err
	}
	if more {
		if r.taken() {
			return taken, nil
		}
		return r.text(r.scan.pos, nil)
	}
	if r.state == inBundle {
		r.bundle.EmptyList = r.inList == 0
		return nil, r.frame()
	}
	r.state = atTop
	return nil, nil
}

// top reads the next top-level value, or enters it.
func (r *Reader) top() (*Text, error) {
	c, err := r.scan.peek()
	if err != nil {
		return nil, err // io.EOF here is the proper end
	}
	r.inList = -1
	switch c {
	case '[':
		r.scan.pos++
		r.state, r.first, r.inList = inArray, true, 0
		return nil, nil
	case '{':
		if r.taken() {
			r.bundle, r.typ, r.members = BundleInfo{}, "", nil
			return taken, nil
		}
		if from := r.scan.pos; r.scan.line() {
			r.bundle, r.typ, r.members = BundleInfo{}, "", nil
			return r.text(from, r.scan.buf[from-r.scan.base:r.scan.pos-r.scan.base])
		}
		return r.openFrame()
	}
	return r.text(r.scan.pos, nil)
}

// text takes the value at the scanner's position as the text of an object. If the scanner
// has already passed over it, whole is that.
func (r *Reader) text(from int64, whole []byte) (*Text, error) {
	if r.opts.MaxObjects > 0 && r.index >= r.opts.MaxObjects {
		re := r.frameError("", from, fmt.Errorf("%w: more than %d objects", ErrTooLarge, r.opts.MaxObjects))
		re.Fatal = true
		return nil, re
	}
	lim := r.opts.Limits.withDefaults()
	if most := r.opts.MaxStreamValues; most > 0 {
		if r.values >= most {
			re := r.frameError("", from, fmt.Errorf("%w: more than %d values in all objects", ErrTooLarge, most))
			re.Fatal = true
			return nil, re
		}
		lim.MaxValues = min(lim.MaxValues, most-r.values)
	}
	r.last = Position{Index: r.index, Offset: from, Path: r.objectPath()}
	r.index++
	if r.inList >= 0 {
		r.inList++
	}
	if whole == nil {
		var err error
		if whole, err = r.scan.value(from); err != nil {
			return nil, r.last.objectError(err)
		}
	}
	return &Text{raw: bytes.Clone(whole), at: r.last, limits: lim, strict: r.opts.Strict}, nil
}

// objectPath is the path of the next object from the top of the stream.
func (r *Reader) objectPath() string {
	switch r.state {
	case inBundle:
		return appendIndex("objects", r.inList)
	case inArray:
		return appendIndex("", r.inList)
	}
	return appendIndex("", r.index)
}

func (p Position) objectError(err error) error {
	re := &ReadError{Index: p.Index, Offset: p.Offset, Path: p.Path, Err: err}
	var pe *ParseError
	if errors.As(err, &pe) {
		re.Offset += pe.Offset
		switch {
		case pe.Path == "":
		case pe.Path[0] == '[':
			re.Path += pe.Path
		default:
			re.Path += "." + pe.Path
		}
	}
	// Too large an object has been skipped, wrong names and UTF-8 leave the
	// brackets where they are; but after a syntax error nothing can be believed.
	re.Fatal = errors.Is(err, ErrSyntax) || errors.Is(err, errStreamEnds)
	return re
}

func (r *Reader) frameError(path string, at int64, err error) *ReadError {
	return &ReadError{Index: -1, Offset: at, Path: path, Err: err}
}
