package intel

import (
	"crypto/sha256"
	"runtime"
	"sync"

	"entente/internal/observable"
	"entente/stix"
)

// item is one object on its way in.
type item struct {
	meta   meta
	verKey string
	raw    []byte // nil: the text is in an earlier record
	digest [sha256.Size]byte
	keys   [][]byte // the beginnings of the rows that find it by its values
	lists  listKeys // and of those that find it by what it says and refers to
	logged bool     // an import whose text an earlier one brought

	guarded *Guarded      // the first guarded value of an indicator, if that was asked for
	breach  *stix.Problem // the first MUST that an object of a partner's breaks

	o     *stix.Object // while it is judged
	row   []byte       // of its id and version, as it was before the record, if
	read  bool         // it was fetched;
	group []byte       // likewise that of its id
}

// newItem makes an item; g may be nil.
func newItem(o *stix.Object, g *Guard) item {
	it, values := bareItem(o, g)
	it.lists = listKeysOf(o, values)
	return it
}

// bareItem makes an item that is found by its values alone.
func bareItem(o *stix.Object, g *Guard) (item, []observable.Value) {
	m := metaOf(o)
	values := observable.FromObject(o)
	it := item{meta: m, verKey: versionKey(m.version), raw: o.Raw, digest: sha256.Sum256(o.Raw), keys: keysOf(values), o: o}
	if g == nil || o.Type != "indicator" {
		return it, values
	}
	for _, v := range values {
		if hit, ok := g.Match(v); ok {
			it.guarded = &Guarded{ID: o.ID, Name: o.Name, Value: v, Hit: hit}
			break
		}
	}
	return it, values
}

func parseItem(raw []byte) (item, error) {
	o, err := stix.Parse(raw)
	if err != nil {
		return item{}, err
	}
	return newItem(o, nil), nil
}

// newItems makes items on all processors. With a guard it notes which indicators name
// what is guarded.
func (in *Intel) newItems(objects []*stix.Object, g *Guard) []item {
	out := make([]item, len(objects))
	eachOf(len(objects), func(i int) {
		if in.cfg.bare {
			out[i], _ = bareItem(objects[i], g)
		} else {
			out[i] = newItem(objects[i], g)
		}
	})
	return out
}

// eachOf calls f with every number below n, on all processors if there are many.
func eachOf(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), 1+n/256)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := n * w / workers; i < n*(w+1)/workers; i++ {
				f(i)
			}
		})
	}
	wg.Wait()
}

// breach gives the first MUST of STIX that keeps an object out; nil if there is none.
func breach(o *stix.Object) *stix.Problem {
	for _, p := range stix.ValidateMust(o) {
		if grave(p) {
			return &p
		}
	}
	return nil
}

// valueOfVersion names an id and version in a dry run.
func valueOfVersion(it *item) [16]byte {
	sum := sha256.Sum256(idKey(it.meta.id, it.verKey))
	return [16]byte(sum[:16])
}
