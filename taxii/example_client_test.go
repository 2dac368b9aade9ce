package taxii_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"entente/taxii"
)

// inbox serves a collection that everybody may read and write.
func inbox() *httptest.Server {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	store := taxii.NewMemoryStore(func() time.Time { return at })
	if err := store.AddCollection(taxii.Collection{ID: "91a7b528-80eb-42ed-a74d-c6fbd5a26116", Title: "Inbox", Alias: "inbox", Writable: true}); err != nil {
		panic(err)
	}
	handler, err := taxii.Handler(taxii.Options{
		Title:        "South",
		Roots:        []taxii.Root{{Path: "/api1/", Title: "South", Store: store}},
		Authenticate: taxii.Anonymous(taxii.Principal{Name: "anybody", All: true, WriteAll: true}),
		NextKey:      bytes.Repeat([]byte("secret!!"), 4), // keep a random one
	})
	if err != nil {
		panic(err)
	}
	return httptest.NewServer(handler)
}

// A client finds a collection by its alias, adds objects, and learns what became of each.
func ExampleClient_Push() {
	server := inbox()
	defer server.Close()
	client, err := taxii.NewClient(server.URL, taxii.ClientOptions{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	inbox, info, err := client.Find(ctx, "inbox")
	if err != nil {
		panic(err)
	}
	fmt.Println(info.Title, "may be written to:", info.CanWrite)
	objects := func(yield func([]byte, error) bool) {
		_ = yield([]byte(`{"type":"domain-name","id":"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5","value":"example.com"}`), nil) &&
			yield([]byte(`{"type":"domain-name","value":"has no id"}`), nil)
	}
	report, err := client.Push(ctx, inbox, objects, taxii.PushOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Success, "taken in,", report.Failure, "refused:", report.Failures[0].Message)
	// Output:
	// Inbox may be written to: true
	// 1 taken in, 1 refused: it has no id or no type
}

// A client reads a collection in pages. It keeps the cursor of each page once the objects are safe, and goes on from
// there whenever it comes again.
func ExampleClient_Pages() {
	server := inbox()
	defer server.Close()
	client, err := taxii.NewClient(server.URL, taxii.ClientOptions{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	inbox, _, err := client.Find(ctx, "Inbox")
	if err != nil {
		panic(err)
	}
	add := func(from, to int) {
		_, err := client.Push(ctx, inbox, func(yield func([]byte, error) bool) {
			for n := from; n < to; n++ {
				if !yield(fmt.Appendf(nil, `{"type":"x-note","id":"x-note--00000000-0000-4000-8000-%012d"}`, n), nil) {
					return
				}
			}
		}, taxii.PushOptions{})
		if err != nil {
			panic(err)
		}
	}
	var kept taxii.Cursor
	read := func() {
		for page, err := range client.Pages(ctx, inbox, taxii.Filter{}, kept, 2) {
			if err != nil {
				panic(err)
			}
			fmt.Print(len(page.Objects), " ")
			kept = page.Cursor
		}
		fmt.Println("added until", kept.AddedAfter.Format(time.RFC3339Nano))
	}
	add(0, 5)
	read()
	add(5, 6)
	read()
	read()
	// Output:
	// 2 2 1 added until 2026-01-02T03:04:05.000004Z
	// 1 added until 2026-01-02T03:04:05.000005Z
	// 0 added until 2026-01-02T03:04:05.000005Z
}

// Adding objects is one POST of an envelope (section 5.5), answered with 202 and a status that has a word for each.
func ExampleHandler_post() {
	server := inbox()
	defer server.Close()
	envelope := `{"objects":[{"type":"domain-name","id":"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5","value":"example.com"},{"type":"domain-name"}]}`
	request, err := http.NewRequest(http.MethodPost, server.URL+"/api1/collections/inbox/objects/", strings.NewReader(envelope))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Accept", taxii.MediaType)
	request.Header.Set("Content-Type", taxii.MediaType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	var status taxii.Status
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		panic(err)
	}
	fmt.Println(response.Status)
	fmt.Println(status.Status, status.SuccessCount, status.FailureCount)
	fmt.Println(status.Successes[0].ID)
	fmt.Println(status.Failures[0].Message)
	// Output:
	// 202 Accepted
	// complete 1 1
	// domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5
	// it has no id or no type
}

// A Writer decides about each object by itself, and says why one is refused.
func ExampleWriter() {
	store := taxii.NewMemoryStore(time.Now)
	if err := store.AddCollection(taxii.Collection{ID: "91a7b528-80eb-42ed-a74d-c6fbd5a26116", Title: "Inbox", Writable: true}); err != nil {
		panic(err)
	}
	var writer taxii.Writer = store
	results, err := writer.Put(context.Background(), taxii.Batch{Collection: "91a7b528-80eb-42ed-a74d-c6fbd5a26116", Principal: "sensor",
		Objects: [][]byte{[]byte(`{"type":"domain-name","id":"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5"}`), []byte(`not JSON`)}})
	if err != nil {
		panic(err)
	}
	for _, r := range results {
		fmt.Printf("%v %q %q\n", r.Refused, r.ID, r.Message)
	}
	// Output:
	// false "domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5" ""
	// true "" "not a JSON object"
}
