package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/node"
)

// fuzzNode is a node with a unit, made anew every so often: what the input makes it
// do stays in it.
type fuzzNode struct {
	dir  string
	n    *node.Node
	used int
}

func (x *fuzzNode) handler(t testing.TB) http.Handler {
	t.Helper()
	ctx := context.Background()
	quiet := node.Options{Version: "test", Log: slog.New(slog.DiscardHandler)}
	if x.used++; x.n != nil && x.used%512 == 0 {
		if err := x.n.Close(); err != nil {
			t.Fatal(err)
		}
		_ = os.RemoveAll(x.dir)
		x.n = nil
	}
	if x.n == nil {
		var err error
		if x.dir, err = os.MkdirTemp("", "entente-fuzz-*"); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(x.dir, "node")
		if _, err := node.Init(ctx, dir, node.InitOptions{Name: "North", PeerListen: "127.0.0.1:8443", OrgKeyPath: filepath.Join(x.dir, "org"), Agency: "CERT"}, quiet); err != nil {
			t.Fatal(err)
		}
		if x.n, err = node.Open(ctx, dir, quiet); err != nil {
			t.Fatal(err)
		}
		if _, err := x.n.FoundUnit(ctx, node.UnitFoundRequest{Name: "Joint unit"}); err != nil {
			t.Fatal(err)
		}
	}
	return Handler(x.n, Options{Trusted: true})
}

// FuzzOperations asks a node for any operation with any request and body. It answers
// with JSON, or with bytes and how they ended; nothing a caller can write makes it
// fail. (unit.join is left out: it would call addresses of the input's choice.)
func FuzzOperations(f *testing.F) {
	var ops []Operation
	for _, op := range Operations() {
		if op.Name != "unit.join" {
			ops = append(ops, op)
		}
	}
	for i, op := range ops {
		text, err := json.Marshal(fields(op.Request))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), string(text), []byte(nil))
		f.Add(uint8(i), `{"unit":"Joint unit","ref":"0","origin":"North","text":"a: b","value":"8.8.8.8","state":"all","move":"answer","id":"x","digits":"123456","limit":3}`, []byte(nil))
	}
	for i, op := range ops {
		if op.Kind == Upload {
			f.Add(uint8(i), "{}", []byte(`{"type":"indicator"}`))
			f.Add(uint8(i), `{"source":"x","format":"csv"}`, []byte("a,b\n1,8.8.8.8\n"))
		}
	}
	var x fuzzNode
	f.Cleanup(func() {
		if x.n != nil {
			_ = x.n.Close()
			_ = os.RemoveAll(x.dir)
		}
	})
	f.Fuzz(func(t *testing.T, which uint8, request string, body []byte) {
		op := ops[int(which)%len(ops)]
		h := x.handler(t)
		content := request
		r := httptest.NewRequest(http.MethodPost, Prefix+op.Name, nil)
		r.Header.Set("Accept", "application/json")
		if op.Kind == Upload {
			if strings.ContainsAny(request, "\r\n\x00") {
				return // no header has these
			}
			r.Header.Set(HeaderRequest, request)
			content = string(body)
		}
		r.Body = http.NoBody
		if content != "" {
			r.Body = readCloser{strings.NewReader(content)}
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		res := rec.Result()
		if res.StatusCode >= 500 {
			t.Fatalf("%s %q: status %d: %s", op.Name, request, res.StatusCode, rec.Body)
		}
		if op.Kind == Download && res.StatusCode == http.StatusOK {
			if res.Trailer.Get(HeaderResult) == "" && res.Trailer.Get(HeaderProblem) == "" {
				t.Fatalf("%s %q ends without a word", op.Name, request)
			}
			return
		}
		if !json.Valid(rec.Body.Bytes()) {
			t.Fatalf("%s %q: %s", op.Name, request, rec.Body)
		}
		if res.StatusCode != http.StatusOK {
			var p Problem
			if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Code == "" || p.Title == "" || p.Status != res.StatusCode {
				t.Fatalf("%s %q: %s", op.Name, request, rec.Body)
			}
		}
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
