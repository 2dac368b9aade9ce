package intel

import (
	"context"
	"iter"
)

// An object that was imported here may have been shared. When it is deleted here, or a version arrives that revokes it, its id
// is marked; whoever knows what was shared looks whether its readers know. Marks are not taken away: what they mean follows
// from what is here now.

// takenBack marks an id.
func (t *tx) takenBack(id string) {
	t.taken = true
	t.add(activeKey('t', id), nil)
}

// revokedHere marks the id of an object that is revoked if anything under it was imported here.
func (t *tx) revokedHere(id string) error {
	prefix := idPrefix(id)
	for row, err := range t.objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return err
		}
		for _, v := range vs {
			ours := false
			look := func(m more) (bool, error) {
				_, partner, err := t.get(append([]byte{keySource}, m.coll[:]...))
				ours = err == nil && !partner
				return !ours, err
			}
			on, err := look(more{v.seq, v.base, v.coll})
			if err == nil && on {
				err = t.eachMore(v.seq, look)
			}
			if err != nil {
				return err
			}
			if ours {
				t.takenBack(id)
				return nil
			}
		}
	}
	return nil
}

// Taken gives a token whenever TakenBack may have something new, or what it names may stand otherwise.
func (in *Intel) Taken() <-chan struct{} { return in.taken }

// TakenBack yields the ids of objects that were imported here, and deleted or revoked since, whether or not they are back, in
// the order of their bytes from behind one on.
func (in *Intel) TakenBack(ctx context.Context, behind string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range in.cfg.Objects.Scan(activeKey('t', behind+"\x00"), after(activeKey('t', "")), false) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield("", err)
				return
			}
			if !yield(string(row.Key[2:]), nil) {
				return
			}
		}
	}
}

// Newest returns the newest accepted version of an object; ok is false if none is here.
func (in *Intel) Newest(ctx context.Context, id string) (f Found, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return Found{}, false, err
	}
	err = in.view(func(v reading) (err error) {
		f, ok, err = newReader(v).newest(id, false)
		return err
	})
	return f, ok, err
}
