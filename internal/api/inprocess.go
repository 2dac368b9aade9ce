package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
)

// inProcess carries requests to a handler of the same process. Answers stream
// as they would over a connection, trailers included.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t *inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	r := req.Clone(ctx)
	if r.Body == nil {
		r.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &pipedResponse{header: http.Header{}, pipe: pw, ready: make(chan struct{})}
	resp := &http.Response{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: -1, Trailer: http.Header{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.handler.ServeHTTP(w, r)
		_ = r.Body.Close()
		w.WriteHeader(http.StatusOK)
		for name := range strings.SplitSeq(w.trailer, ",") {
			if v := w.header.Get(strings.TrimSpace(name)); v != "" {
				resp.Trailer.Set(strings.TrimSpace(name), v)
			}
		}
		_ = pw.Close()
	}()
	<-w.ready
	resp.StatusCode, resp.Status, resp.Header = w.status, http.StatusText(w.status), w.sent
	resp.Body = &pipedBody{PipeReader: pr, cancel: cancel, done: done}
	return resp, nil
}

// pipedBody waits, when closed, until the handler is done: the node it works
// on may be closed right after.
type pipedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

func (b *pipedBody) Close() error {
	b.cancel()
	err := b.PipeReader.Close()
	<-b.done
	return err
}

type pipedResponse struct {
	header  http.Header
	sent    http.Header // as it was when the answer began
	trailer string
	pipe    *io.PipeWriter
	once    sync.Once
	status  int
	ready   chan struct{}
}

func (w *pipedResponse) Header() http.Header { return w.header }

func (w *pipedResponse) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent, w.trailer = status, w.header.Clone(), w.header.Get("Trailer")
		close(w.ready)
	})
}

func (w *pipedResponse) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// Flush does nothing: every write is seen at once.
func (w *pipedResponse) Flush() {}
