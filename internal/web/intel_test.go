package web

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"entente/internal/node"
)

// intelAddresses are the pages about intelligence.
var intelAddresses = []string{"/graph?id=" + graphMiddle + "&depth=2", "/import", "/share?ids=indicator--x", "/share?value=198.51.100.7"}

const graphMiddle = "malware--00000000-0000-4000-8000-000000000000"

// Around is a wheel: one in the middle, spokes, and behind each spoke one that is not known.
func (s story) Around(_ context.Context, r node.AroundRequest) (*node.AroundResponse, error) {
	found, err := s.Search(context.Background(), node.SearchRequest{})
	if err != nil {
		return nil, err
	}
	out := &node.AroundResponse{Objects: []node.AroundObject{{ID: r.ID, Found: &found.Objects[1]}}, Cut: "objects"}
	for i := range 12 {
		near, far := fmt.Sprintf("indicator--%d", i), fmt.Sprintf("location--%d", i)
		link := node.AroundReference{From: near, Property: "target_ref", To: r.ID}
		out.Objects = append(out.Objects, node.AroundObject{ID: near, Depth: 1, References: []node.AroundReference{link}, Found: &found.Objects[0]},
			node.AroundObject{ID: far, Depth: 2, References: []node.AroundReference{{From: near, Property: "object_refs", To: far}}})
	}
	return out, nil
}

func (story) DecideIntake(_ context.Context, r node.IntakeDecideRequest) (*node.IntakeDecideResponse, error) {
	if len(r.Items) == 0 {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "Nothing is named.", Next: "Tick what you mean."}
	}
	return &node.IntakeDecideResponse{Decided: len(r.Items)}, nil
}

func (story) Import(_ context.Context, r node.ImportRequest, file io.Reader, _ func(node.Progress)) (*node.ImportResponse, error) {
	b, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return &node.ImportResponse{Format: "stix " + r.Name, Read: int64(len(b)), New: 7, DryRun: r.DryRun, Types: map[string]int{"indicator": 7}, Held: true, BadCount: 1,
		Bad:  []node.BadObject{{Path: "objects[3].pattern", Reason: "it is no pattern"}},
		Page: &node.ImportedPage{Title: "Cảnh báo", Language: "vi", Date: "2015-09-12"}, GuardedCount: 1, Guarded: []node.GuardHeld{{Value: "8.8.8.8", Name: "resolver"}}}, nil
}

func (story) Share(_ context.Context, r node.ShareRequest, _ func(node.Progress)) (*node.ShareResponse, error) {
	res := &node.ShareResponse{Shared: 2, WriteResponse: node.WriteResponse{DryRun: r.DryRun, Effects: []string{"South may use them."}}}
	if r.Value == "held.example" {
		res.Stopped, res.Refused = 1, []node.GatedObject{{ID: "indicator--held", TLP: "red", Decision: node.Decision{Verdict: "refuse", Clause: "H1", Code: "tlp-ceiling", Reason: "above the ceiling"}}}
	}
	return res, nil
}

func (hostile) Around(context.Context, node.AroundRequest) (*node.AroundResponse, error) {
	r, err := filled[node.AroundResponse]()
	r.Objects[0].Depth = 0
	return r, err
}
func (hostile) DecideIntake(context.Context, node.IntakeDecideRequest) (*node.IntakeDecideResponse, error) {
	return filled[node.IntakeDecideResponse]()
}
func (hostile) Import(context.Context, node.ImportRequest, io.Reader, func(node.Progress)) (*node.ImportResponse, error) {
	return filled[node.ImportResponse]()
}
func (hostile) Share(context.Context, node.ShareRequest, func(node.Progress)) (*node.ShareResponse, error) {
	return filled[node.ShareResponse]()
}

// send posts a form with a file at its end.
func (v *visitor) send(t *testing.T, path string, form url.Values, name, content string) (*http.Response, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k := range form {
		if err := w.WriteField(k, form.Get(k)); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		f, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	resp := v.do(r)
	return resp, html.UnescapeString(readAll(t, resp))
}

// TestImportPage: a file is read as it comes, and the page says what it was seen to be.
func TestImportPage(t *testing.T) {
	v := signedIn(t, story{})
	resp, body := v.send(t, "/import", url.Values{"dry_run": {"true"}, "unmarked": {"amber"}}, "bundle.json", strings.Repeat("x", 3<<20))
	for _, want := range []string{"What would come in; nothing was changed", "stix bundle.json", "objects[3].pattern", "Cảnh báo", "8.8.8.8", `value="amber" selected`} {
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d, and the page does not say %q", resp.StatusCode, want)
		}
	}
	for what, form := range map[string]url.Values{"no file": {}, "a field that is not one": {"colour": {"red"}}, "too much typed": {"note": {strings.Repeat("n", maxForm+1)}}} {
		name := "bundle.json"
		if what == "no file" {
			name = ""
		}
		if resp, _ := v.send(t, "/import", form, name, "{}"); resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", what, resp.StatusCode)
		}
	}
	if resp, _ := v.post(t, "/import", url.Values{"name": {"x"}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a form that has no parts: %d", resp.StatusCode)
	}
}

// TestIntakeAndSharePages: what is ticked is decided; before anything leaves the page shows it field by field,
// and what the gate holds back with its clause.
func TestIntakeAndSharePages(t *testing.T) {
	v := signedIn(t, story{})
	if resp, _ := v.post(t, "/intake/decide", url.Values{"items": {"17", "18"}, "accept": {"false"}, "reason": {"resolver"}}); resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Location"), "done.rejected") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if resp, body := v.post(t, "/intake/decide", url.Values{"accept": {"true"}, "reason": {"my words"}}); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "my words") || !strings.Contains(body, "Tick what you mean.") {
		t.Errorf("nothing ticked: %d", resp.StatusCode)
	}
	_, body := v.get(t, "/share?ids=indicator--x&lang=en")
	for _, want := range []string{"Login attempts against voter registries", "pattern_type", `name="ids" value="indicator--x"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the form does not say %q", want)
		}
	}
	if strings.Contains(body, "Share now") {
		t.Error("it can be shared before anybody looked")
	}
	if _, body := v.post(t, "/share", url.Values{"unit": {unitID}, "value": {"held.example"}, "dry_run": {"true"}}); !strings.Contains(body, "2 objects would leave") || !strings.Contains(body, "1 object was held back") || !strings.Contains(body, "H1") || !strings.Contains(body, "Share now") {
		t.Errorf("%s", body)
	}
	if resp, _ := v.post(t, "/share", url.Values{"unit": {unitID}, "value": {"198.51.100.7"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
}

// TestGraph: every object is in the picture, no two at one place, and every line in words below it; the same
// neighbourhood is drawn the same way.
func TestGraph(t *testing.T) {
	around, err := story{}.Around(t.Context(), node.AroundRequest{ID: graphMiddle})
	if err != nil {
		t.Fatal(err)
	}
	d := draw(graphMiddle, 2, around)
	places := map[[2]int]bool{}
	for _, n := range d.Nodes {
		places[[2]int{n.X, n.Y}] = true
		if n.X < n.R || n.Y < n.R || n.X > d.Size-n.R || n.Y > d.Size-n.R {
			t.Errorf("%s lies outside: %d, %d of %d", n.ID, n.X, n.Y, d.Size)
		}
	}
	if len(d.Nodes) != 25 || len(places) != 25 || strings.Count(d.Lines, "M") != 24 || len(d.References) != 24 || d.Nodes[0].ID != graphMiddle {
		t.Errorf("%d objects at %d places, %d lines", len(d.Nodes), len(places), strings.Count(d.Lines, "M"))
	}
	slices.Reverse(around.Objects[1:])
	if again := draw(graphMiddle, 2, around); !slices.EqualFunc(again.Nodes, d.Nodes, func(a, b *drawn) bool { return *a == *b }) {
		t.Error("another order is drawn another way")
	}
	many := &node.AroundResponse{Objects: []node.AroundObject{{ID: graphMiddle}}}
	for i := range maxDrawn {
		many.Objects = append(many.Objects, node.AroundObject{ID: fmt.Sprint(i), Depth: 1 + i%3})
	}
	places = map[[2]int]bool{}
	for _, n := range draw(graphMiddle, 2, many).Nodes {
		places[[2]int{n.X, n.Y}] = true
	}
	if size := draw(graphMiddle, 2, many).Size; size > 4000 {
		t.Errorf("a picture of %d objects has %d units a side: each is too small to be hit", maxDrawn, size)
	}
	if len(places) != maxDrawn+1 {
		t.Errorf("%d objects lie at %d places", maxDrawn+1, len(places))
	}
	_, body := signedIn(t, story{}).get(t, "/graph?id="+graphMiddle+"&depth=2")
	if !strings.Contains(body, "There is more than is drawn") || strings.Count(body, "<circle") != 25 {
		t.Errorf("%d circles", strings.Count(body, "<circle"))
	}
}

var broadObject = []byte(`{"type":"indicator","spec_version":"2.1","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"part","pattern":"[ipv4-addr:value = '203.0.113.7']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00.000Z"}`)

// broad is a node with an object that 2,499 others hang on.
type broad struct{ story }

func (broad) Around(_ context.Context, r node.AroundRequest) (*node.AroundResponse, error) {
	from, _ := strconv.Atoi(r.Next)
	out := &node.AroundResponse{}
	for i := from; i < min(from+r.Limit, 2500); i++ {
		o := node.AroundObject{ID: fmt.Sprintf("indicator--%d", i), Depth: min(i, 1), Found: &node.FoundObject{Type: "indicator", Object: broadObject}}
		if i > 0 {
			o.References = []node.AroundReference{{From: o.ID, Property: "target_ref", To: "indicator--0"}}
		}
		out.Objects = append(out.Objects, o)
	}
	if end := from + r.Limit; end < 2500 {
		out.Next = strconv.Itoa(end)
	}
	return out, nil
}

// TestLargeGraph: a large neighbourhood is drawn up to the bound and said to be cut; its list
// has pages, and each reference is on one of them.
func TestLargeGraph(t *testing.T) {
	v := signedIn(t, broad{})
	seen := map[string]bool{}
	path := "/graph?id=indicator--0"
	for pages := 1; path != ""; pages++ {
		_, body := v.get(t, path)
		if n := strings.Count(body, "<circle"); n != maxDrawn || !strings.Contains(body, "There is more than is drawn") {
			t.Fatalf("%s: %d circles", path, n)
		}
		_, list, _ := strings.Cut(body, "<tbody>")
		for _, m := range regexp.MustCompile(`/object\?id=(indicator--\d+)`).FindAllStringSubmatch(list, -1) {
			seen[m[1]] = true
		}
		next := regexp.MustCompile(`rel="next" href="([^"#]+)`).FindStringSubmatch(list)
		if next == nil {
			if pages != maxDrawn/maxRows {
				t.Errorf("%d pages", pages)
			}
			break
		}
		path = html.UnescapeString(next[1])
	}
	if len(seen) != maxDrawn {
		t.Errorf("the list names %d objects", len(seen))
	}
}

// TestObjectName: an object is called by the first of its members that names it, wherever it stands and whatever stands beside it.
func TestObjectName(t *testing.T) {
	for object, want := range map[string]string{
		`{"type":"tool","name":"N"}`:                                                      "N",
		`{"name":"N","value":"V"}`:                                                        "N",
		`{"pattern":"P","value":"V","x":{"name":"inner"},"y":["name",1]}`:                 "V",
		`{"type":"indicator","pattern":"[a:b = 'c']","name":""}`:                          "[a:b = 'c']",
		`{"abstract":"A","type":"note","name":{"name":"no text"},"value":7}`:              "A",
		`{"type":"relationship","relationship_type":"uses","source_ref":"a","name":null}`: "uses",
		"{\"type\":\"tool\",\n\t\"name\" : \"\\u0041\\\"\\ud83d\\ude00\"}":                "A\"😀",
		`{"type":"grouping"}`:                                                             "grouping",
		`{}`:                                                                              "", `[]`: "", ``: "", `null`: "",
	} {
		if got := objectName([]byte(object)); got != want {
			t.Errorf("%s is called %q, not %q", object, got, want)
		}
	}
}
