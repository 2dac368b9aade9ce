package pattern

import "strings"

// evaluator asks conditions of observations, within a budget of steps.
type evaluator struct {
	observed []Observed
	steps    int // taken
	limit    int
	ids      map[int]map[string]Object // of observations with many objects
	now      []Value                   // what the steps so far lead to, and room for the next
	next     []Value
	seen     map[string]bool
}

// spend takes steps from the budget and tells whether it lasts.
func (e *evaluator) spend(n int) bool {
	if n > e.limit-e.steps {
		e.steps = e.limit + 1
		return false
	}
	e.steps += n
	return true
}

func (e *evaluator) exhausted() bool { return e.steps > e.limit }

// holds tells whether an object of the observation satisfies the condition: all
// comparisons look at one object.
func (e *evaluator) holds(l *leaf, observation int) bool {
	for _, o := range e.observed[observation].Objects {
		if o != nil && e.test(&l.where, observation, o, o.ObjectType()) {
			return true
		}
		if !e.spend(1) {
			return false
		}
	}
	return false
}

func (e *evaluator) test(t *test, observation int, o Object, typ string) bool {
	if t.comparison != nil {
		return e.compare(t.comparison, observation, o, typ)
	}
	for i := range t.terms {
		if e.test(&t.terms[i], observation, o, typ) == t.or {
			return t.or
		}
		if e.exhausted() {
			return false
		}
	}
	return !t.or
}

func (e *evaluator) compare(c *comparison, observation int, o Object, typ string) bool {
	if c.typ != typ || !e.spend(1) {
		return false
	}
	key, ok := e.walk(c.steps, observation, o)
	if !ok {
		return false
	}
	if c.op == OpExists {
		return (len(e.now) > 0) != c.negated
	}
	for i := range e.now {
		s := sampleOf(e.now[i], key)
		if !e.spend(1 + len(s.string)/256) {
			return false
		}
		if c.accepts(e, &s) {
			return !e.exhausted()
		}
	}
	return false
}

// walk follows a path from an object and leaves what it leads to in e.now; key is
// the last name on it. A name after a reference (_ref, _refs) is one of the object
// that it refers to; each object is entered once a step, so that references in
// circles cost no more than others.
func (e *evaluator) walk(steps []Step, observation int, o Object) (key string, ok bool) {
	e.now = append(e.now[:0], DictValue(o))
	for i := range steps {
		s := &steps[i]
		e.next = e.next[:0]
		entered := false
		for _, v := range e.now {
			if !e.spend(1) {
				return "", false
			}
			switch s.Kind {
			case KeyStep:
				p := v.dict
				if v.kind == String && (strings.HasSuffix(key, "_ref") || strings.HasSuffix(key, "_refs")) {
					if !entered && len(e.now) > 1 {
						entered = true
						clear(e.seen)
					}
					if entered && e.enteredBefore(v.string) {
						continue
					}
					if to := e.object(observation, v.string); to != nil {
						p = to
					}
				}
				if p == nil {
					continue
				}
				if x, ok := p.Property(s.Key); ok && e.spend(len(x.list)/16) {
					e.next = append(e.next, x)
				}
			case IndexStep:
				if v.kind == List && s.Index >= 0 && s.Index < len(v.list) {
					e.next = append(e.next, v.list[s.Index])
				}
			case EachStep:
				if !e.spend(len(v.list)) {
					return "", false
				}
				e.next = append(e.next, v.list...)
				if v.kind == Dict {
					v.dict.Each(func(_ string, x Value) bool {
						e.next = append(e.next, x)
						return e.spend(1)
					})
				}
			}
		}
		if s.Kind == KeyStep {
			key = s.Key
		}
		e.now, e.next = e.next, e.now
		if len(e.now) == 0 {
			break
		}
	}
	return key, !e.exhausted()
}

func (e *evaluator) enteredBefore(id string) bool {
	if e.seen[id] {
		return true
	}
	if e.seen == nil {
		e.seen = map[string]bool{}
	}
	e.seen[id] = true
	return false
}

// object finds the object that a reference names.
func (e *evaluator) object(observation int, id string) Object {
	const few = 8
	o := &e.observed[observation]
	if len(o.Objects) <= few {
		for _, x := range o.Objects {
			if x != nil && x.ObjectID() == id {
				return x
			}
		}
	} else {
		ids := e.ids[observation]
		if ids == nil {
			ids = make(map[string]Object, len(o.Objects))
			for i := len(o.Objects) - 1; i >= 0; i-- {
				if x := o.Objects[i]; x != nil {
					ids[x.ObjectID()] = x
				}
			}
			if e.ids == nil {
				e.ids = map[int]map[string]Object{}
			}
			e.ids[observation] = ids
			e.spend(len(o.Objects))
		}
		if x := ids[id]; x != nil {
			return x
		}
	}
	if o.Resolve != nil {
		return o.Resolve(id)
	}
	return nil
}
