package misp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// ElementKind says what an [Element] is.
type ElementKind uint8

// The kinds of elements.
const (
	AttributeElement ElementKind = iota + 1 // an attribute that stands in no object
	ObjectElement                           // an object with its attributes
	ReportElement                           // an event report
	EventElement                            // the other members of an event, after all of its elements
)

// Element is one piece of a stream of events.
type Element struct {
	Kind ElementKind
	// Members is the piece itself. Of an EventElement the lists Attribute, Object and
	// EventReport are empty, since what is in them came before.
	Members *Members
	// Event is the number of the event in the stream, from 0.
	Event int
	// Path is the place, as in "response[2].Event.Attribute[17]".
	Path string
	// Offset is where the text ends, in bytes from the start of the stream.
	Offset int64
	// Size is the length of the text in bytes.
	Size int
}

// Reader reads events in the MISP core format from a stream. It accepts
//
//   - one event, {"Event": {…}}, or its contents alone,
//   - the answer of a MISP instance, {"response": [{"Event": {…}}, …]},
//   - an array of any of these, or any number of these one after another.
//
// A byte order mark at the start is left out.
//
// A Reader must not be used by two goroutines at once, and not twice.
type Reader struct {
	src   source
	dec   *jsontext.Decoder
	lim   Limits
	count int
	event int
	yield func(Element, error) bool
}

// errStopped means that the caller wants no more.
var errStopped = errors.New("stopped")

// NewReader makes a reader of r.
func NewReader(r io.Reader, lim Limits) *Reader {
	x := &Reader{src: source{r: &afterMark{r: r}}, lim: lim.orDefault()}
	// Each element is judged by itself, so that one that has a name twice or is no
	// Unicode text does not end the stream.
	x.dec = jsontext.NewDecoder(&x.src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return x
}

// Elements iterates over the pieces of the stream in the order in which they come.
// Its memory is that of the largest piece, whatever the size of an event. A piece
// that is refused gives an *[Error] and the iteration goes on with the next, unless
// the error says that it is fatal.
func (r *Reader) Elements() iter.Seq2[Element, error] {
	return func(yield func(Element, error) bool) {
		r.yield = yield
		for i := 0; ; i++ {
			r.src.renew(r.lim.MaxHeaderBytes)
			if r.dec.PeekKind() == 0 {
				if _, err := r.dec.ReadToken(); err != io.EOF {
					r.fatal(err, "")
				}
				return
			}
			if err := r.value(""); err != nil {
				if !errors.Is(err, errStopped) {
					r.fatal(err, "")
				}
				return
			}
		}
	}
}

// Events iterates over whole events. An event that has a refused piece is given
// without it, after the error.
func (r *Reader) Events() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		var parts [ReportElement + 1][]*Members
		size, tooLarge := 0, false
		for el, err := range r.Elements() {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			size += el.Size
			if size > r.lim.MaxEventBytes && !tooLarge {
				tooLarge = true
				if !yield(nil, refuse(el.Path, el.Offset, ErrTooLarge, "the event has more than the %d bytes allowed", r.lim.MaxEventBytes)) {
					return
				}
			}
			if tooLarge {
				parts = [ReportElement + 1][]*Members{}
			}
			if el.Kind != EventElement {
				parts[el.Kind] = append(parts[el.Kind], el.Members)
				continue
			}
			if !tooLarge {
				fill(el.Members, "Attribute", parts[AttributeElement])
				fill(el.Members, "Object", parts[ObjectElement])
				fill(el.Members, "EventReport", parts[ReportElement])
				if !yield(&Event{el.Members}, nil) {
					return
				}
			}
			parts, size, tooLarge = [ReportElement + 1][]*Members{}, 0, false
		}
	}
}

func fill(m *Members, name string, parts []*Members) {
	if len(parts) > 0 {
		m.SetList(name, parts)
	}
}

// Parse reads one event, which must be all there is in raw. Unlike a [Reader] it
// refuses the event if any piece of it is refused.
func Parse(raw []byte, lim Limits) (*Event, error) {
	lim = lim.orDefault()
	if len(raw) > lim.MaxEventBytes {
		return nil, refuse("", -1, ErrTooLarge, "the event has more than the %d bytes allowed", lim.MaxEventBytes)
	}
	var event *Event
	for e, err := range NewReader(bytes.NewReader(raw), lim).Events() {
		if err != nil {
			return nil, err
		}
		if event != nil {
			return nil, refuse("", -1, ErrFormat, "more than one event")
		}
		event = e
	}
	if event == nil {
		return nil, refuse("", -1, ErrFormat, "no event")
	}
	return event, nil
}

// fatal tells of an error after which nothing can be read.
func (r *Reader) fatal(err error, path string) {
	out := jsonError(err, path, 0)
	if out.Offset == 0 {
		out.Offset = r.dec.InputOffset()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		out.Err = fmt.Errorf("%w: the text ends too early", ErrSyntax)
	}
	if at := joinPointer("", r.dec.StackPointer()); out.Path == "" {
		out.Path = at
	}
	out.Fatal = true
	r.yield(Element{}, out)
}

// refused tells of a piece that is left out.
func (r *Reader) refused(err *Error) error {
	if !r.yield(Element{}, err) {
		return errStopped
	}
	return nil
}

func (r *Reader) value(path string) error {
	switch k := r.dec.PeekKind(); k {
	case '{':
		return r.object(path)
	case '[':
		_, err := r.dec.ReadToken()
		for i := 0; err == nil && r.dec.PeekKind() != ']'; i++ {
			if r.dec.StackDepth() > 4 {
				return refuse(path, r.dec.InputOffset(), ErrFormat, "lists within lists")
			}
			r.src.renew(r.lim.MaxHeaderBytes)
			err = r.value(path + "[" + strconv.Itoa(i) + "]")
		}
		if err == nil {
			_, err = r.dec.ReadToken()
		}
		return err
	default:
		at := r.dec.InputOffset()
		if err := r.dec.SkipValue(); err != nil {
			return err
		}
		return r.refused(refuse(path, at, ErrKind, "must be an event, not %s", kindName(k)))
	}
}

// object reads an event, or what stands around one.
func (r *Reader) object(path string) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	head := &Members{}
	seen := map[string]struct{}{}
	var bad *Error
	wrapper, size := false, 0
	for r.dec.PeekKind() != '}' {
		r.src.renew(r.lim.MaxHeaderBytes)
		at := r.dec.InputOffset()
		tok, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		here := joinName(path, name)
		if _, twice := seen[name]; twice {
			bad = first(bad, refuse(here, at, ErrDuplicateName, ""))
			if err := r.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		seen[name] = struct{}{}
		kind := r.dec.PeekKind()
		switch {
		case (name == "Event" || name == "response") && (kind == '{' || kind == '[') && r.dec.StackDepth() <= 6:
			wrapper = true
			if err := r.value(here); err != nil {
				return err
			}
		case elementKind(name) != 0 && kind == '[':
			head.SetList(name, []*Members{})
			if err := r.elements(elementKind(name), here); err != nil {
				return err
			}
		default:
			n, err := r.member(head, name, path)
			if err != nil {
				var own *Error
				if !errors.As(err, &own) || own.Fatal {
					return err
				}
				bad = first(bad, own)
			}
			if size += n; size > r.lim.MaxHeaderBytes {
				return refuse(here, r.dec.InputOffset(), ErrTooLarge, "the members of one event have more than the %d bytes allowed", r.lim.MaxHeaderBytes)
			}
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	if wrapper {
		if bad == nil && len(head.list) > 0 {
			bad = refuse(joinName(path, head.list[0].name), -1, ErrFormat, "stands beside an event and is not read")
		}
		if bad != nil {
			return r.refused(bad)
		}
		return nil
	}
	return r.header(head, path, size, bad)
}

func first(a, b *Error) *Error {
	if a != nil {
		return a
	}
	return b
}

// header gives the members of an event that are not lists of elements.
func (r *Reader) header(head *Members, path string, size int, bad *Error) error {
	if bad == nil && !head.Has("uuid") && !head.Has("info") {
		why := "an event has uuid and info"
		if head.Has("Attribute") || head.Has("Object") {
			why += "; attributes or objects without it, as an instance answers a search for them, are not taken for one"
		}
		bad = refuse(path, r.dec.InputOffset(), ErrFormat, "%s", why)
	}
	event := r.event
	r.event++
	if err := r.counted(path); err != nil {
		return err
	}
	if bad != nil {
		return r.refused(bad)
	}
	if !r.yield(Element{Kind: EventElement, Members: head, Event: event, Path: path, Offset: r.dec.InputOffset(), Size: size}, nil) {
		return errStopped
	}
	return nil
}

func elementKind(name string) ElementKind {
	switch name {
	case "Attribute":
		return AttributeElement
	case "Object":
		return ObjectElement
	case "EventReport":
		return ReportElement
	}
	return 0
}

func (r *Reader) counted(path string) error {
	if r.count++; r.count > r.lim.MaxElements {
		return refuse(path, r.dec.InputOffset(), ErrTooLarge, "more than the %d elements allowed", r.lim.MaxElements)
	}
	return nil
}

// elements reads one list of elements, each by itself.
func (r *Reader) elements(kind ElementKind, path string) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; r.dec.PeekKind() != ']'; i++ {
		here := path + "[" + strconv.Itoa(i) + "]"
		if err := r.counted(here); err != nil {
			return err
		}
		r.src.renew(r.lim.MaxElementBytes)
		raw, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		end := r.dec.InputOffset()
		m, err := parseMembers(raw, here, end-int64(len(raw)), r.lim.MaxDepth)
		if err == nil && len(raw) > r.lim.MaxElementBytes {
			err = refuse(here, end, ErrTooLarge, "more than the %d bytes allowed", r.lim.MaxElementBytes)
		}
		if err != nil {
			if err := r.refused(jsonError(err, here, end)); err != nil {
				return err
			}
			continue
		}
		if !r.yield(Element{Kind: kind, Members: m, Event: r.event, Path: here, Offset: end, Size: len(raw)}, nil) {
			return errStopped
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// member reads one other member of an event.
func (r *Reader) member(head *Members, name, path string) (int, error) {
	raw, err := r.dec.ReadValue()
	if err != nil {
		return 0, fatalError(err)
	}
	start := r.dec.InputOffset() - int64(len(raw))
	quoted := quote(name)
	text := make([]byte, 0, len(raw)+len(quoted)+3)
	text = append(append(append(append(text, '{'), quoted...), ':'), raw...)
	text = append(text, '}')
	one, err := parseMembers(text, path, start-int64(len(quoted))-2, r.lim.MaxDepth)
	if err != nil {
		return len(raw), err
	}
	head.list = append(head.list, one.list[0])
	return len(text), nil
}

// fatalError keeps an error of the stream apart from one of a piece.
func fatalError(err error) error { return fmt.Errorf("%w", err) }
