package misp

// automaton finds the first of many strings in a text in one pass (Aho and Corasick,
// 1975).
type automaton struct {
	next  map[edge]int32
	fail  []int32
	found []int32 // entry that ends at a state, or at one of those it falls back to; -1 for none
}

type edge struct {
	state int32
	c     byte
}

func newAutomaton() *automaton {
	return &automaton{next: map[edge]int32{}, fail: []int32{0}, found: []int32{-1}}
}

func (a *automaton) add(s string, index int) {
	var state int32
	for i := range len(s) {
		e := edge{state, s[i]}
		to, ok := a.next[e]
		if !ok {
			to = int32(len(a.fail))
			a.next[e] = to
			a.fail, a.found = append(a.fail, 0), append(a.found, -1)
		}
		state = to
	}
	if a.found[state] < 0 {
		a.found[state] = int32(index)
	}
}

// finish computes where each state falls back to, from the root outwards.
func (a *automaton) finish() {
	children := make([][]edge, len(a.fail))
	for e := range a.next {
		children[e.state] = append(children[e.state], e)
	}
	queue := make([]int32, 0, len(a.fail))
	for _, e := range children[0] {
		queue = append(queue, a.next[e])
	}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		for _, e := range children[state] {
			to := a.next[e]
			back := a.fail[state]
			for {
				if t, ok := a.next[edge{back, e.c}]; ok {
					a.fail[to] = t
					break
				}
				if back == 0 {
					break
				}
				back = a.fail[back]
			}
			if a.found[to] < 0 {
				a.found[to] = a.found[a.fail[to]]
			}
			queue = append(queue, to)
		}
	}
}

// find gives an entry that is a part of the text: of those that end first the longest.
func (a *automaton) find(text string) (index int, ok bool) {
	var state int32
	for i := range len(text) {
		for {
			if to, ok := a.next[edge{state, text[i]}]; ok {
				state = to
				break
			}
			if state == 0 {
				break
			}
			state = a.fail[state]
		}
		if a.found[state] >= 0 {
			return int(a.found[state]), true
		}
	}
	return 0, false
}
