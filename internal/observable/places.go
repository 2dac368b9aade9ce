package observable

import (
	"iter"
	"slices"
	"strings"

	"entente/stix/pattern"
)

// places are the names of places, as they are told to others.
var places = [...]string{Anywhere: "anywhere", AtSource: "source", AtDestination: "destination", AtSender: "sender", AtRecipient: "recipient", InAnswer: "answer", OfProcess: "process"}

// String is the name of a place.
func (p Place) String() string { return places[p] }

// ParsePlace reads the name of a place.
func ParsePlace(name string) (Place, bool) {
	i := slices.Index(places[:], name)
	return Place(max(i, 0)), i >= 0
}

// Places are those in which one value is looked for. The zero value is none.
type Places uint8

// AnyPlace is [Anywhere], which includes all others.
const AnyPlace Places = 1 << Anywhere

// In are places.
func In(list ...Place) (all Places) {
	for _, p := range list {
		all |= 1 << p
	}
	if all&AnyPlace != 0 {
		return AnyPlace
	}
	return all
}

// All yields the places, in the order of their numbers.
func (s Places) All() iter.Seq[Place] {
	return func(yield func(Place) bool) {
		for p := range Place(len(places)) {
			if s>>p&1 != 0 && !yield(p) {
				return
			}
		}
	}
}

// Known tells whether all of them are places.
func (s Places) Known() bool { return s>>len(places) == 0 }

// PlacesOf gives, for each of the values that [Alone] lists for a pattern, in which places it has to stand to be, by itself, what the indicator looks for. Where these
// leave something of the pattern out it is not whole, and [AppendPlaced] has none: there it is the pattern that says all.
func PlacesOf(text string, alone []Value) (all []Places, whole bool) {
	all = make([]Places, len(alone))
	var list []Placed
	if _, ok := onlyOne(text); ok {
		return append(all[:0], AnyPlace), true
	}
	if tree, err := pattern.Parse(text); err == nil {
		list, whole = placedOf(tree.Root)
	}
	at := make(map[Value]int, len(alone))
	for i, v := range alone {
		at[v] = i
	}
	for _, p := range list {
		i, ok := at[p.Value]
		if !ok {
			whole = false
			continue
		}
		all[i] = In(append(slices.Collect(all[i].All()), p.Place)...)
	}
	return all, whole && len(alone) > 0 && !slices.Contains(all, 0)
}

// Sought is what logs have for a value that stands in some places: the name of a process is that of its file.
func Sought(v Value, in Places) Value {
	if v.Type == Process && in == In(OfProcess) {
		return Value{Type: FileName, Text: strings.ToLower(v.Text)}
	}
	return v
}
