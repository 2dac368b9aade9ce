package taxii_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"entente/taxii"
)

func exampleObject(id, version string) []byte {
	return []byte(`{"type":"tool","spec_version":"2.1","id":"` + id + `","created":"2026-01-01T00:00:00.000Z","modified":"` + version + `","name":"n"}`)
}

// atInbox is a client that has found the collection of [inbox].
func atInbox() (*taxii.Client, taxii.Ref, func()) {
	server := inbox()
	client, err := taxii.NewClient(server.URL, taxii.ClientOptions{})
	if err != nil {
		panic(err)
	}
	ref, _, err := client.Find(context.Background(), "inbox")
	if err != nil {
		panic(err)
	}
	return client, ref, server.Close
}

// A client that knows nothing of a server finds its way from the discovery to the collections.
func ExampleDiscovery() {
	server := inbox()
	defer server.Close()
	client, err := taxii.NewClient(server.URL, taxii.ClientOptions{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	d, err := client.Discovery(ctx)
	fmt.Println(d.Title, len(d.APIRoots), err)
	roots, err := client.Roots(ctx)
	if err != nil {
		panic(err)
	}
	root, err := client.Root(ctx, roots[0])
	fmt.Println(root.Title, root.Versions, err)
	list, err := client.Collections(ctx, roots[0])
	fmt.Println(list[0].Title, err)
	// Output:
	// South 1 <nil>
	// South [application/taxii+json;version=2.1] <nil>
	// Inbox <nil>
}

// The manifest names every version without its content; Versions those of one object.
func ExampleManifestEntry() {
	client, inbox, done := atInbox()
	defer done()
	ctx := context.Background()
	const id = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd03"
	objects := func(yield func([]byte, error) bool) {
		_ = yield(exampleObject(id, "2026-01-01T00:00:00.000Z"), nil) && yield(exampleObject(id, "2026-01-02T00:00:00.000Z"), nil)
	}
	if _, err := client.Push(ctx, inbox, objects, taxii.PushOptions{}); err != nil {
		panic(err)
	}
	for entry, err := range client.Manifest(ctx, inbox, taxii.Filter{}, taxii.Cursor{}, 100) {
		fmt.Println(entry.Version, err) // without a filter the last version is meant
	}
	for version, err := range client.Versions(ctx, inbox, id) {
		fmt.Println(version, err)
	}
	// Output:
	// 2026-01-02T00:00:00.000Z <nil>
	// 2026-01-01T00:00:00.000Z <nil>
	// 2026-01-02T00:00:00.000Z <nil>
}

// TAXII has no word for what was deleted: who keeps copies asks which of them are gone.
func ExampleClient_Gone() {
	client, inbox, done := atInbox()
	defer done()
	ctx := context.Background()
	const kept, deleted = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd03", "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd04"
	objects := func(yield func([]byte, error) bool) {
		_ = yield(exampleObject(kept, "2026-01-01T00:00:00.000Z"), nil) && yield(exampleObject(deleted, "2026-01-01T00:00:00.000Z"), nil)
	}
	if _, err := client.Push(ctx, inbox, objects, taxii.PushOptions{}); err != nil {
		panic(err)
	}
	if err := client.Delete(ctx, inbox, deleted); err != nil {
		panic(err)
	}
	gone, err := client.Gone(ctx, inbox, []string{kept, deleted})
	fmt.Println(gone, err)
	// Output: [tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd04] <nil>
}

// A store gives each record a date of its own, later than the one before.
func ExampleMemoryStore() {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	store := taxii.NewMemoryStore(func() time.Time { return at })
	const inbox = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
	if err := store.AddCollection(taxii.Collection{ID: inbox, Title: "Inbox"}); err != nil {
		panic(err)
	}
	for _, id := range []string{"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd03", "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd04"} {
		r, err := store.Add(inbox, taxii.Record{ID: id, Type: "tool", Raw: exampleObject(id, "2026-01-01T00:00:00.000Z")})
		fmt.Println(r.Added.Format(time.RFC3339Nano), err)
	}
	// Output:
	// 2026-01-02T03:04:05Z <nil>
	// 2026-01-02T03:04:05.000001Z <nil>
}

// statuses keeps status resources in a map. A server that is started again keeps them in files.
type statuses struct {
	mu   sync.Mutex
	kept map[taxii.StatusName][]byte
}

func (s *statuses) Statuses() (out []taxii.StatusName, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.kept {
		out = append(out, name)
	}
	return out, nil
}

func (s *statuses) LoadStatus(name taxii.StatusName) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, ok := s.kept[name]; ok {
		return text, nil
	}
	return nil, fs.ErrNotExist
}

func (s *statuses) SaveStatus(name taxii.StatusName, text []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[name] = text
	return nil
}

func (s *statuses) DropStatus(name taxii.StatusName) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, name)
	return nil
}

// A status store is what lets a client ask after a restart what became of its objects.
func ExampleStatusStore() {
	var store taxii.StatusStore = &statuses{kept: map[taxii.StatusName][]byte{}}
	name := taxii.StatusName{ID: "2d086da7-4bdc-4f91-900e-d77486753710", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Total: 1}
	fmt.Println(store.SaveStatus(name, []byte(`{"status":"complete"}`)))
	text, err := store.LoadStatus(name)
	fmt.Println(string(text), err)
	fmt.Println(store.DropStatus(name))
	_, err = store.LoadStatus(name)
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// <nil>
	// {"status":"complete"} <nil>
	// <nil>
	// true
}
