package compound

import (
	"bytes"
	"container/list"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"entente/stix/pattern"
)

// stateVersion is that of what Save writes.
const stateVersion = 1

// ErrState means that what an engine has waited for cannot be read, or was written by another version.
var ErrState = errors.New("not the state of patterns")

// savedState is all that an engine waits for.
type savedState struct {
	Version int           `json:"v"`
	Seen    []savedSeen   `json:"seen,omitempty"`
	Hosts   []savedHost   `json:"hosts,omitempty"`
	States  []savedWaiter `json:"states,omitempty"`
}

type savedSeen struct {
	Time    savedTime     `json:"t"`
	Tag     uint64        `json:"tag,omitempty"`
	Note    string        `json:"note,omitempty"`
	Objects []savedObject `json:"o"`
}

type savedObject struct {
	Type    string        `json:"type"`
	ID      string        `json:"id"`
	Members []savedMember `json:"m"`
}

type savedMember struct {
	Name  string     `json:"n"`
	Value savedValue `json:"v"`
}

// savedValue is one of these.
type savedValue struct {
	Text    *string       `json:"s,omitempty"`
	Bytes   []byte        `json:"b,omitempty"` // a text that is not UTF-8
	Integer *int64        `json:"i,omitempty"`
	List    []savedValue  `json:"l,omitempty"`
	Dict    []savedMember `json:"d,omitempty"`
}

type savedHost struct {
	Name   []byte    `json:"name"` // logs name hosts as they like
	Latest savedTime `json:"latest"`
}

// savedWaiter is what is kept for one pattern and host. Kept are pairs: the place of an observation, and its parts.
type savedWaiter struct {
	Pattern string      `json:"p"`
	Host    int         `json:"h"`
	Done    [][2]uint64 `json:"done,omitempty"`
	Waiting [][2]uint64 `json:"wait,omitempty"`
}

// Save writes what the engine waits for, so that another one can go on. name gives the lasting name of a pattern, which changes with its text;
// where it is empty nothing of the pattern is written. At most [MaxSaved] observations are; what is left out is counted.
func (e *Engine) Save(name func(ID) string) ([]byte, error) {
	s := savedState{Version: stateVersion}
	places, hosts := map[*observation]uint64{}, map[string]int{}
	e.counts.Unsaved = 0
	for el := e.states.Back(); el != nil; el = el.Prev() {
		st := el.Value.(*state)
		w := savedWaiter{Pattern: name(st.pattern)}
		if w.Pattern == "" {
			continue
		}
		if len(s.Seen)+len(st.done)+len(st.waiting) > MaxSaved {
			e.counts.Unsaved++
			continue
		}
		at, known := hosts[st.host]
		if !known {
			at = len(s.Hosts)
			hosts[st.host] = at
			s.Hosts = append(s.Hosts, savedHost{[]byte(st.host), savedTime(e.hosts[st.host].latest)})
		}
		w.Host = at
		put := func(list []kept) (out [][2]uint64) {
			for _, k := range list {
				place, known := places[k.observation]
				if !known {
					place = uint64(len(s.Seen))
					places[k.observation] = place
					s.Seen = append(s.Seen, savedSeen{Time: savedTime(k.First), Tag: k.tag, Note: k.note, Objects: saveObjects(k.Objects)})
				}
				out = append(out, [2]uint64{place, k.parts})
			}
			return out
		}
		w.Done, w.Waiting = put(st.done), put(st.waiting)
		s.States = append(s.States, w)
	}
	// In the order of coming, by which equal ones are told apart.
	order := make([]uint64, 0, len(places))
	number := make([]uint64, len(s.Seen))
	for o, place := range places {
		order, number[place] = append(order, place), o.number
	}
	slices.SortFunc(order, func(a, b uint64) int { return compareNumbers(number[a], number[b]) })
	moved, seen := make([]uint64, len(order)), make([]savedSeen, len(order))
	for to, from := range order {
		moved[from], seen[to] = uint64(to), s.Seen[from]
	}
	s.Seen = seen
	for i := range s.States {
		for _, list := range [][][2]uint64{s.States[i].Done, s.States[i].Waiting} {
			for j := range list {
				list[j][0] = moved[list[j][0]]
			}
		}
	}
	slices.Reverse(s.States) // the one used longest ago first
	text, err := json.Marshal(s)
	if err == nil && len(text) > MaxState {
		err = fmt.Errorf("it has %d bytes, and the most is %d", len(text), MaxState)
	}
	if err != nil {
		return nil, fmt.Errorf("what patterns wait for: %w", err)
	}
	return text, nil
}

func compareNumbers(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Load takes over what another engine waited for. id finds a pattern by its lasting name; of what it does not find nothing is
// taken. The engine must not have taken a record. It fails with [ErrState], and then has taken nothing.
func (e *Engine) Load(text []byte, id func(string) (ID, bool)) error {
	if len(text) > MaxState {
		return fmt.Errorf("%w: it has %d bytes, and the most is %d", ErrState, len(text), MaxState)
	}
	var s savedState
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("%w: it has version %d, and this program writes %d", ErrState, s.Version, stateVersion)
	}
	seen := make([]*observation, len(s.Seen))
	for i, x := range s.Seen {
		objects, err := loadObjects(x.Objects)
		if err != nil {
			return err
		}
		if len(x.Note) > MaxNote {
			return fmt.Errorf("%w: a note has %d bytes", ErrState, len(x.Note))
		}
		at := time.Time(x.Time)
		seen[i] = &observation{Observed: pattern.Observed{First: at, Last: at, Count: 1, Objects: objects}, tag: x.Tag, note: x.Note, number: uint64(i)}
	}
	if len(s.Seen) > MaxSaved || len(s.States) > MaxStates {
		return fmt.Errorf("%w: it has %d observations of %d pairs of pattern and host", ErrState, len(s.Seen), len(s.States))
	}
	for _, w := range s.States {
		if w.Host < 0 || w.Host >= len(s.Hosts) || len(s.Hosts[w.Host].Name) == 0 {
			return fmt.Errorf("%w: a host is missing", ErrState)
		}
		for _, k := range slices.Concat(w.Done, w.Waiting) {
			if k[0] >= uint64(len(seen)) || k[1] == 0 {
				return fmt.Errorf("%w: an observation is missing", ErrState)
			}
		}
	}
	for _, w := range s.States {
		if p, ok := id(w.Pattern); ok && e.patterns[p] != nil {
			e.load(p, s.Hosts[w.Host], w, seen)
		}
	}
	e.number = uint64(len(seen))
	return nil
}

// load takes over what is kept for one pattern and host.
func (e *Engine) load(id ID, from savedHost, w savedWaiter, seen []*observation) {
	c := e.patterns[id]
	name := string(from.Name)
	h := e.hosts[name]
	if h == nil {
		h = &host{states: map[ID]*list.Element{}, waiting: map[ID]struct{}{}, latest: time.Time(from.Latest)}
	}
	if h.states[id] != nil || e.total >= MaxObservations {
		return
	}
	s := &state{stateKey: stateKey{id, name}}
	take := func(list [][2]uint64) (out []kept) {
		for _, k := range list {
			if parts := k[1] & (1<<len(c.parts) - 1); parts != 0 && len(out) < MaxKept*8 {
				out = append(out, kept{seen[k[0]], parts})
			}
		}
		slices.SortFunc(out, inOrder)
		out = slices.CompactFunc(out, func(a, b kept) bool { return a.observation == b.observation })
		e.total += len(out)
		return e.crowd(out)
	}
	s.done, s.waiting = take(w.Done), take(w.Waiting)
	if len(s.done)+len(s.waiting) == 0 {
		return
	}
	e.hosts[name] = h
	h.states[id] = e.states.PushBack(s)
	if len(s.waiting) > 0 {
		if first := s.waiting[0].First; len(h.waiting) == 0 || first.Before(h.due) {
			h.due = first
		}
		h.waiting[id] = struct{}{}
	}
}

func saveObjects(list []pattern.Object) []savedObject {
	out := make([]savedObject, 0, len(list))
	for _, x := range list {
		if o, ok := x.(*object); ok {
			out = append(out, savedObject{o.typ, o.id, saveMembers(o.members)})
		}
	}
	return out
}

func saveMembers(p pattern.Properties) []savedMember {
	out := []savedMember{}
	p.Each(func(name string, v pattern.Value) bool {
		out = append(out, savedMember{name, saveValue(v)})
		return true
	})
	return out
}

func saveValue(v pattern.Value) savedValue {
	if s, ok := v.Text(); ok {
		if !utf8.ValidString(s) {
			return savedValue{Bytes: []byte(s)}
		}
		return savedValue{Text: &s}
	}
	if n, ok := v.Integer(); ok {
		return savedValue{Integer: &n}
	}
	if d, ok := v.Members(); ok {
		return savedValue{Dict: saveMembers(d)}
	}
	out := savedValue{List: []savedValue{}}
	list, _ := v.Elements()
	for _, x := range list {
		out.List = append(out.List, saveValue(x))
	}
	return out
}

// maxObjects is the most objects of an observation: what MaxFields can make.
const maxObjects = 4 * MaxFields

func loadObjects(list []savedObject) ([]pattern.Object, error) {
	if len(list) > maxObjects {
		return nil, fmt.Errorf("%w: an observation has %d objects", ErrState, len(list))
	}
	var out []pattern.Object
	for _, x := range list {
		m, err := loadMembers(x.Members, 0)
		if err != nil {
			return nil, err
		}
		o := &object{typ: x.Type, id: x.ID, members: m}
		if h, ok := o.Property("hashes"); ok {
			if d, ok := h.Members(); ok {
				o.hashes, _ = d.(members)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// maxNested is how deep values lie in others; Observe makes three.
const maxNested = 8

func loadMembers(list []savedMember, depth int) (members, error) {
	out := make(members, 0, len(list))
	for _, x := range list {
		v, err := loadValue(x.Value, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, member{x.Name, v})
	}
	return out, nil
}

func loadValue(x savedValue, depth int) (pattern.Value, error) {
	switch {
	case depth > maxNested:
		return pattern.Value{}, fmt.Errorf("%w: values lie too deep in others", ErrState)
	case x.Text != nil:
		return pattern.StringValue(*x.Text), nil
	case x.Bytes != nil:
		return pattern.StringValue(string(x.Bytes)), nil
	case x.Integer != nil:
		return pattern.IntValue(*x.Integer), nil
	case x.Dict != nil:
		m, err := loadMembers(x.Dict, depth)
		return pattern.DictValue(m), err
	}
	out := make([]pattern.Value, 0, len(x.List))
	for _, y := range x.List {
		v, err := loadValue(y, depth+1)
		if err != nil {
			return pattern.Value{}, err
		}
		out = append(out, v)
	}
	return pattern.ListValue(out...), nil
}
