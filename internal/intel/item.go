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
	values [][16]byte

	guarded *Guarded // the first guarded value of an indicator, if that was asked for

	o     *stix.Object // while it is judged
	row   []byte       // of its id and version, as it was before the record, if
	read  bool         // it was fetched;
	group []byte       // likewise that of its id
}

// newItem makes an item; g may be nil.
func newItem(o *stix.Object, g *Guard) item {
	m := metaOf(o)
	it := item{meta: m, verKey: versionKey(m.version), raw: o.Raw, digest: sha256.Sum256(o.Raw), o: o}
	for _, v := range observable.FromObject(o) {
		it.values = append(it.values, valueHash(v))
		if g == nil || it.guarded != nil || o.Type != "indicator" {
			continue
		}
		if hit, ok := g.Match(v); ok {
			it.guarded = &Guarded{ID: o.ID, Name: o.Name, Value: v, Hit: hit}
		}
	}
	return it
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
func newItems(objects []*stix.Object, g *Guard) []item {
	out := make([]item, len(objects))
	workers := min(runtime.GOMAXPROCS(0), 1+len(objects)/256)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := len(objects) * w / workers; i < len(objects)*(w+1)/workers; i++ {
				out[i] = newItem(objects[i], g)
			}
		})
	}
	wg.Wait()
	return out
}

// valueOfVersion names an id and version in a dry run.
func valueOfVersion(it *item) [16]byte {
	sum := sha256.Sum256(idKey(it.meta.id, it.verKey))
	return [16]byte(sum[:16])
}
