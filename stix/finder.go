package stix

// finder finds which of a fixed list of names a name is. It is a hash table without
// collisions, for which a seed is looked for once, so that a look takes one
// comparison; a Go map would be a third of the cost of validating.
type finder struct {
	names []string
	seed  uint32
	slots [256]uint8       // index into names plus one
	rest  map[string]uint8 // used instead if no seed was found
}

func newFinder(names []string) finder {
	f := finder{names: names}
search:
	for f.seed = 1; f.seed < 1<<14; f.seed++ {
		f.slots = [256]uint8{}
		for i, name := range names {
			slot := &f.slots[f.slot([]byte(name))]
			if *slot != 0 {
				continue search
			}
			*slot = uint8(i + 1)
		}
		return f
	}
	f.rest = make(map[string]uint8, len(names))
	for i, name := range names {
		f.rest[name] = uint8(i)
	}
	return f
}

func (f *finder) slot(name []byte) uint8 {
	n := len(name)
	if n < 2 {
		return 0
	}
	h := uint32(name[0]) | uint32(name[1])<<8 | uint32(name[n/2])<<16 | uint32(name[n-1])<<24
	h = (h ^ uint32(n)*0x9e3779b1) * (f.seed*2 + 0x85ebca6b)
	return uint8(h >> 24)
}

// index gives the position of the name in the list, or -1.
func (f *finder) index(name []byte) int {
	if f.rest != nil {
		if i, ok := f.rest[string(name)]; ok {
			return int(i)
		}
		return -1
	}
	i := int(f.slots[f.slot(name)]) - 1
	if i >= 0 && f.names[i] == string(name) {
		return i
	}
	return -1
}
