package input

import "slices"

// maxAwake is the number of files that are open at once while they are followed. Of the others it is looked from time to time whether they changed.
const maxAwake = 256

// makeRoom puts a file to sleep if too many are awake: the one to which nothing was added for longest, of those that wait for nothing.
func (r *Reader) makeRoom() {
	if len(r.awake) < maxAwake {
		return
	}
	i := max(0, slices.IndexFunc(r.awake, func(x *file) bool { return !x.stream.Waits() }))
	r.sleep(r.awake[i])
}

// stays notes that something was added to a file: others sleep before it.
func (r *Reader) stays(x *file) {
	if n := len(r.awake); n > 0 && r.awake[n-1] != x {
		r.asleep(x)
		r.awake = append(r.awake, x)
	}
}

// asleep takes a file from those that are awake.
func (r *Reader) asleep(x *file) {
	if i := slices.Index(r.awake, x); i >= 0 {
		r.awake = slices.Delete(r.awake, i, i+1)
	}
}

// sleep closes a file until it changes, or another one lies at its path. Its entry has what it is read on with.
func (r *Reader) sleep(x *file) {
	info, err := x.f.Stat()
	x.info, x.changed = info, err != nil
	r.shut(x)
}

// wake has a file read on that sleeps and is not what it was.
func (x *file) wake(now listed) {
	if x.sleeps() && (x.info == nil || known(x.path, x.info) != known(now.path, now.info) || x.info.Size() != now.info.Size() || !x.info.ModTime().Equal(now.info.ModTime())) {
		x.changed = true
	}
}
