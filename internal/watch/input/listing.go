package input

// fault is why something could not be listed, and whether that was told.
type fault struct {
	text string
	told bool
}

// list finds the files that are read.
func (r *Reader) list(names []string) error {
	r.faults = map[string]fault{}
	found, err := files(names, r.o.Leave, false, func(path string, err error) {
		r.faults[path] = fault{err.Error(), true}
		r.tell(path, "unreadable", err)
	})
	if err != nil {
		return err
	}
	r.add(found)
	return nil
}

// listAgain finds the files that are new, those that sleep and changed, and forgets those that are gone. What cannot be listed is told once, and only if it could not be
// the last time either: while a log is rotated it is not there for a moment.
func (r *Reader) listAgain(names []string) {
	faults := map[string]fault{}
	fails := func(path string, err error) {
		was, text := r.faults[path], err.Error()
		if was.text == text && !was.told {
			r.tell(path, "unreadable", err)
		}
		faults[path] = fault{text, was.text == text}
	}
	found, err := files(names, r.o.Leave, true, fails)
	if err != nil { // there are too many, and those that are known are read on
		fails(names[0], err)
		r.faults = faults
		return
	}
	r.faults = faults
	r.forget(names, found)
	r.add(found)
	if r.o.Book == nil {
		r.book.turn()
	}
}

// forget forgets the files that are gone and were read; not those that are inputs themselves, which are back soon.
func (r *Reader) forget(names []string, found []listed) {
	there := make(map[string]struct{}, len(names)+len(found))
	for _, name := range names {
		there[name] = struct{}{}
	}
	for _, x := range found {
		there[x.path] = struct{}{}
	}
	kept := r.order[:0]
	for _, path := range r.order {
		_, listed := there[path]
		if x := r.files[path]; listed || x != nil && !x.sleeps() {
			kept = append(kept, path)
			continue
		}
		delete(r.files, path)
		delete(r.failed, path)
		delete(r.guessed, path)
	}
	clear(r.order[len(kept):])
	r.order = kept
}

// add adds files that are not known. One that is open under another name is being moved: it is read there, and known by its new name once it is not.
func (r *Reader) add(found []listed) {
	if r.book != nil {
		r.book.round++
	}
	open := map[string]string{}
	for _, x := range r.awake {
		if info, err := x.f.Stat(); err == nil {
			open[known(x.path, info)] = x.path
		}
	}
	for _, x := range found {
		path, isOpen := open[known(x.path, x.info)]
		switch of, isKnown := r.files[x.path]; {
		case of != nil:
			of.wake(x)
		case !isKnown && (!isOpen || path == x.path):
			r.files[x.path] = nil
			r.order = append(r.order, x.path)
			r.total += x.info.Size()
		}
	}
}
