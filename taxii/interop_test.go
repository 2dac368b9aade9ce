package taxii_test

import (
	"net/http"
	"strings"
	"testing"

	"entente/taxii"
)

// TestForeignClients sends what clients in use send, as their published source has it: headers, parameters and the order
// of requests. Each line names the client and the part of it.
func TestForeignClients(t *testing.T) {
	store := writable(t)
	o := writeOptions(store)
	o.Authenticate = taxii.AnyOf(
		taxii.Basic(taxii.Credential{Principal: writer, Digest: taxii.Digest("Password0")}),
		taxii.Bearer(taxii.Credential{Principal: writer, Digest: taxii.Digest("key")}))
	h := newHandler(t, o)
	one, two := indicatorText(1, "2024-01-01T00:00:00.123456Z", ""), indicatorText(2, "2024-01-02T00:00:00.000Z", "")
	const python = "application/taxii+json;version=2.1"
	s := readStatus(t, post(h, scratch+"objects/", envelopeOf(one, two), "Authorization", "Token key"), 202) // taxii2-client TokenAuth, Collection.add_objects
	for _, tt := range []struct {
		client, method, target string
		header                 []string
		status                 int
		want                   string // part of the body
	}{
		// oasis-open/cti-taxii-client 2.3, taxii2client/v21: _HTTPConnection.get sends this Accept always, and refuses an
		// answer whose Content-Type lacks any part of it.
		{"taxii2-client Server.refresh", "GET", "/taxii2/", []string{"Accept", python}, 200, `"title":"Test"`},
		{"taxii2-client ApiRoot.refresh_information", "GET", "/api1/", []string{"Accept", python}, 200, `"max_content_length":8388608`},
		{"taxii2-client ApiRoot.refresh_collections", "GET", "/api1/collections/", []string{"Accept", python}, 200, `"can_write":true`},
		{"taxii2-client Collection.get_objects", "GET", scratch + "objects/", []string{"Accept", python}, 200, one},
		{"taxii2-client as_pages(per_request=1)", "GET", scratch + "objects/?limit=1", []string{"Accept", python}, 200, `"more":true`},
		{"taxii2-client get_objects(added_after=datetime)", "GET", scratch + "objects/?added_after=2020-01-01T00%3A00%3A00.5Z", []string{"Accept", python}, 200, one},
		{"taxii2-client get_objects(type=[..], version='all')", "GET", scratch + "objects/?match%5Btype%5D=indicator%2Cmalware&match%5Bversion%5D=all", []string{"Accept", python}, 200, two},
		{"taxii2-client get_objects(version=datetime)", "GET", scratch + "objects/?match%5Bversion%5D=2024-01-01T00%3A00%3A00.123456Z", []string{"Accept", python}, 200, one},
		{"taxii2-client get_manifest(spec_version)", "GET", scratch + "manifest/?match%5Bspec_version%5D=2.1", []string{"Accept", python}, 200, `"version":"2024-01-01T00:00:00.123456Z"`},
		{"taxii2-client get_object", "GET", scratch + "objects/" + id("indicator", 1) + "/", []string{"Accept", python}, 200, one},
		{"taxii2-client object_versions", "GET", scratch + "objects/" + id("indicator", 1) + "/versions/", []string{"Accept", python}, 200, `"versions":["2024-01-01T00:00:00.123456Z"]`},
		// Status: urljoin(collection URL, "../../status/ID") with a slash put behind.
		{"taxii2-client Status.refresh", "GET", "/api1/status/" + s.ID + "/", []string{"Accept", python}, 200, `"status":"complete"`},
		// Callers in the manner of cabby (TAXII 1, adapted): requests' default Accept, or a list with weights.
		{"requests without Accept set", "GET", scratch + "objects/", []string{"Accept", "*/*", "Accept-Encoding", "gzip, deflate", "User-Agent", "python-requests/2.31"}, 200, ""},
		{"a list of versions with weights", "GET", scratch + "objects/", []string{"Accept", "application/taxii+json;version=2.1, application/vnd.oasis.taxii+json; version=2.0;q=0.9, */*;q=0.1"}, 200, one},
		{"without a version", "GET", "/taxii2/", []string{"Accept", "application/taxii+json"}, 200, `"api_roots"`},
		{"curl", "GET", "/taxii2/", []string{"Accept", "*/*"}, 200, `"api_roots"`},
		// A TAXII 2.0 client is told, in a TAXII error, that this is 2.1.
		{"taxii2-client v20", "GET", "/taxii2/", []string{"Accept", "application/vnd.oasis.taxii+json; version=2.0"}, 406, `"http_status":"406"`},
		{"taxii2-client v20 objects", "GET", scratch + "objects/", []string{"Accept", "application/vnd.oasis.stix+json; version=2.0"}, 406, python},
		{"taxii2-client delete_object", "DELETE", scratch + "objects/" + id("indicator", 1) + "/?match%5Bversion%5D=2024-01-01T00%3A00%3A00.123456Z", []string{"Accept", python}, 200, ""},
	} {
		t.Run(tt.client, func(t *testing.T) {
			header := append([]string{"Authorization", "Basic d3JpdGVyOlBhc3N3b3JkMA=="}, tt.header...)
			w := do(h, tt.method, tt.target, header...)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || w.Header().Get("Content-Type") != python {
				t.Errorf("%d %q %s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
		})
	}
	if w := do(h, http.MethodGet, "/taxii2/", "Accept", python); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
