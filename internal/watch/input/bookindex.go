package input

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
)

// identified is what the system knows a file by; a name is only where it lies at the moment. Without an inode it is nothing.
type identified struct{ device, inode uint64 }

func (e *Entry) id() identified { return identified{e.Device, e.Inode} }

// index finds the entries of a book: there may be as many as there are files. What a key has stands in the order in which it was added.
type index struct {
	files  map[identified][]*Entry
	paths  map[string][]*Entry
	prints map[int]map[string][]*Entry // by length, then by print; not those that say nothing
}

func newIndex() index {
	return index{map[identified][]*Entry{}, map[string][]*Entry{}, map[int]map[string][]*Entry{}}
}

func (x *index) add(e *Entry) {
	if e.Inode != 0 {
		x.files[e.id()] = append(x.files[e.id()], e)
	}
	if e.Path != "" {
		x.paths[e.Path] = append(x.paths[e.Path], e)
	}
	if e.Length == 0 {
		return
	}
	if x.prints[e.Length] == nil {
		x.prints[e.Length] = map[string][]*Entry{}
	}
	x.prints[e.Length][e.Print] = append(x.prints[e.Length][e.Print], e)
}

func (x *index) remove(e *Entry) {
	without(x.files, e.id(), e)
	without(x.paths, e.Path, e)
	if e.Length == 0 {
		return
	}
	if of := x.prints[e.Length]; of != nil {
		if without(of, e.Print, e); len(of) == 0 {
			delete(x.prints, e.Length)
		}
	}
}

func without[K comparable](of map[K][]*Entry, key K, e *Entry) {
	list := slices.DeleteFunc(of[key], func(x *Entry) bool { return x == e })
	if len(list) == 0 {
		delete(of, key)
		return
	}
	of[key] = list
}

// alike gives the entries of which a file that begins with head may be, what says most first, and of those that say the same the newest: at most
// [maxAlike].
func (x *index) alike(head []byte) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		lengths := slices.Sorted(maps.Keys(x.prints))
		prints := make([]string, 0, len(lengths))
		sum, at := sha256.New(), 0
		for _, n := range lengths {
			if n > len(head) {
				break
			}
			sum.Write(head[at:n])
			at = n
			prints = append(prints, hex.EncodeToString(sum.Sum(nil)))
		}
		tried := 0
		for i := len(prints) - 1; i >= 0; i-- {
			list := x.prints[lengths[i]][prints[i]]
			for _, e := range slices.Backward(list) {
				if tried++; tried > maxAlike || !yield(e) {
					return
				}
			}
		}
	}
}
