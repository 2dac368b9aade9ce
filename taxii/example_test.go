package taxii_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"entente/taxii"
)

// A collection in memory, served to whoever bears a token.
func Example() {
	store := taxii.NewMemoryStore(func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
	const collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
	if err := store.AddCollection(taxii.Collection{ID: collection, Title: "Indicators", Alias: "indicators"}); err != nil {
		panic(err)
	}
	if _, err := store.Add(collection, taxii.Record{
		ID: "domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5", Type: "domain-name",
		Raw: []byte(`{"type":"domain-name","id":"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5","value":"example.com"}`),
	}); err != nil {
		panic(err)
	}

	token, err := taxii.NewToken(rand.Reader) // show it once, keep its digest
	if err != nil {
		panic(err)
	}
	sensor := taxii.Credential{
		Principal: taxii.Principal{Name: "sensor", Collections: []string{collection}},
		Digest:    taxii.Digest(token),
	}
	handler, err := taxii.Handler(taxii.Options{
		Title:        "North",
		Roots:        []taxii.Root{{Path: "/api1/", Title: "Accepted", Store: store}},
		Authenticate: taxii.AnyOf(taxii.Bearer(sensor), taxii.Basic(sensor)),
		NextKey:      bytes.Repeat([]byte("secret!!"), 4), // keep a random one
	})
	if err != nil {
		panic(err)
	}

	server := httptest.NewServer(handler)
	defer server.Close()
	request, err := http.NewRequest(http.MethodGet, server.URL+"/api1/collections/indicators/objects/?match[type]=domain-name", nil)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Accept", taxii.MediaType)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		panic(err)
	}
	fmt.Println(response.Status)
	fmt.Println(response.Header.Get("X-TAXII-Date-Added-Last"))
	fmt.Println(string(body))
	// Output:
	// 200 OK
	// 2026-01-02T03:04:05.000000Z
	// {"more":false,"objects":[{"type":"domain-name","id":"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5","value":"example.com"}]}
}

// Tokens that come and go are looked up by whoever keeps them.
func ExampleAuthenticate() {
	digests := map[[32]byte]taxii.Principal{
		taxii.Digest("a token from NewToken"): {Name: "sensor", All: true},
	}
	var authenticate taxii.Authenticate = func(r *http.Request) (taxii.Principal, error) {
		token, ok := taxii.BearerToken(r)
		if !ok {
			return taxii.Principal{}, taxii.ErrUnauthenticated
		}
		p, ok := digests[taxii.Digest(token)]
		if !ok {
			return taxii.Principal{}, taxii.ErrUnauthenticated
		}
		return p, nil
	}
	r := httptest.NewRequest(http.MethodGet, "/taxii2/", nil)
	r.Header.Set("Authorization", "Bearer a token from NewToken")
	p, err := authenticate(r)
	fmt.Println(p.Name, err)
	// Output: sensor <nil>
}
