package taxii_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"entente/taxii"
)

// TestPagingWhileOthersWrite runs readers against writers that do not wait for them. Objects that were there at the start must be
// seen exactly once by each reader, although writers keep adding new versions of them and new objects.
func TestPagingWhileOthersWrite(t *testing.T) {
	const atStart = 300
	store := taxii.NewMemoryStore(time.Now)
	if err := store.AddCollection(taxii.Collection{ID: openID, Title: "x"}); err != nil {
		t.Fatal(err)
	}
	for n := range atStart {
		add(t, store, object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000000Z"))
	}
	h := newHandler(t, options(store))
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := w; i < 40_000; i += 2 {
				select {
				case <-stop:
					return
				default:
				}
				// Every third is a new object, the others are new versions.
				n := i % atStart
				if i%3 == 0 {
					n = atStart + i
				}
				version := fmt.Sprintf("2024-01-01T00:00:01.%06dZ", i)
				if _, err := store.Add(openID, object(id("indicator", n), "2.1", version)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for r := range 3 {
		readers.Go(func() {
			for range 3 {
				seen := map[string]int{}
				params := []string{"limit", fmt.Sprint(7 + r*20)}
				for {
					e := readEnvelope(t, get(h, base+"manifest/", params...))
					for _, text := range texts(e.Objects) {
						seen[text[len(`{"id":"`):len(`{"id":"`)+len(id("indicator", 0))]]++
					}
					if !e.More {
						break
					}
					params = append(params[:2], "next", e.Next)
				}
				for n := range atStart {
					if got := seen[id("indicator", n)]; got != 1 {
						t.Errorf("object %d was seen %d times in one run", n, got)
						return
					}
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	writers.Wait()
}
