package taxii

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxPostObjects = 100_000          // objects of one request
	maxPosts       = 8                // requests to add objects that are read or worked on at a time
	maxPostTime    = 10 * time.Minute // for the body of a request to arrive
	maxPostWait    = 2 * time.Second  // for one of maxPosts to end before another is turned away
	postBatch      = 5000             // objects that are put into the store at once
)

// addObjects is section 5.5.
func (c *call) addObjects() (*response, error) {
	col, err := c.lookup()
	if err != nil {
		return nil, err
	}
	writer, err := c.writer(col)
	if err != nil {
		return nil, err
	}
	if !isTAXII(c.Header.Values("Content-Type")) {
		return nil, &problem{status: http.StatusUnsupportedMediaType, code: "unsupported-media-type", title: "Unsupported media type",
			detail: "Objects are added with an envelope in " + MediaType + "; send that as Content-Type."}
	}
	zipped, err := contentCoding(c.Header.Values("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	if c.ContentLength > c.h.MaxContentLength {
		return nil, c.tooLarge()
	}
	leave, err := c.h.enter(c.Context())
	if err != nil {
		return nil, err
	}
	p, err := c.receive(zipped)
	if err != nil {
		leave()
		return nil, err
	}
	c.h.warn(c.Context(), c.h.posts.drop(c.h.posts.add(p)))
	ctx := context.WithoutCancel(c.Context())
	go func() {
		defer leave()
		c.h.store(ctx, p, writer, col.ID)
	}()
	timer := time.NewTimer(c.h.PostWait)
	defer timer.Stop()
	defer p.let(&p.answered)
	select {
	case <-p.done:
		if err := p.nothing(); err != nil {
			return nil, err
		}
	case <-timer.C:
		c.h.warn(ctx, c.h.posts.save(p)) // whoever knows its name can ask for it when this process has ended
	case <-c.Context().Done():
		return nil, c.Context().Err()
	}
	res, err := resourceResponse(p.resource())
	if err != nil {
		return nil, err
	}
	res.status = http.StatusAccepted
	return res, nil
}

// enter waits for room to take in another request. What it returns leaves again.
func (h *handler) enter(ctx context.Context) (leave func(), err error) {
	timer := time.NewTimer(maxPostWait)
	defer timer.Stop()
	select {
	case h.room <- struct{}{}:
		return func() { <-h.room }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, &problem{status: http.StatusServiceUnavailable, code: "busy", title: "Busy",
			detail: "The server works on other requests to add objects. Send this one again in a moment.", header: retryAfter(5)}
	}
}

// receive reads the body and takes it apart.
func (c *call) receive(zipped bool) (*posted, error) {
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(maxPostTime)) // not every server has one
	data, err := c.body(zipped)
	if err != nil {
		return nil, err
	}
	e, err := readEnvelope(data, maxPostObjects)
	if errors.Is(err, errTooMany) {
		return nil, &problem{status: http.StatusRequestEntityTooLarge, code: "too-large", title: "Too many objects",
			detail: fmt.Sprintf("At most %d objects are taken in one request; send the rest in others.", maxPostObjects)}
	}
	if err == nil && e.objects == nil && e.foreign != "" {
		// An object that is sent bare, say. Answered as an empty envelope it would be lost, and called a success.
		err = fmt.Errorf("it has %q, but no \"objects\": put what you send into a list of that name", cutText(e.foreign, maxMatchValue))
	}
	if err != nil {
		return nil, &problem{status: http.StatusBadRequest, code: "bad-envelope", title: "Malformed envelope",
			detail: "The body is not an envelope (TAXII 2.1, section 3.7), and nothing of it was taken in: " + cutText(err.Error(), maxMessage)}
	}
	id, err := c.h.statusID()
	if err != nil {
		return nil, err
	}
	return &posted{id: id, root: c.root.Path, principal: c.principal.Name, at: c.h.now().UTC().Truncate(time.Microsecond), objects: e.objects, total: len(e.objects), done: make(chan struct{})}, nil
}

// body reads the whole body, plain, within max_content_length before and after decompression.
func (c *call) body(zipped bool) ([]byte, error) {
	most := c.h.MaxContentLength
	wire := &io.LimitedReader{R: c.Body, N: most + 1}
	var from io.Reader = wire
	if zipped {
		z, err := gzip.NewReader(wire)
		if err != nil {
			return nil, c.bodyProblem(wire, err)
		}
		from = &io.LimitedReader{R: z, N: most + 1}
	}
	var b bytes.Buffer
	if n := c.ContentLength; n > 0 && !zipped {
		b.Grow(int(min(n, most)) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(from); err != nil {
		return nil, c.bodyProblem(wire, err)
	}
	if wire.N <= 0 || int64(b.Len()) > most {
		return nil, c.tooLarge()
	}
	return b.Bytes(), nil
}

func (c *call) bodyProblem(wire *io.LimitedReader, err error) error {
	if wire.N <= 0 {
		return c.tooLarge()
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return c.tooLarge()
	}
	if c.Context().Err() != nil {
		return c.Context().Err()
	}
	return &problem{status: http.StatusBadRequest, code: "bad-body", title: "The body cannot be read", cause: err,
		detail: "The body broke off or is not what Content-Encoding says; nothing of it was taken in. Send it again."}
}

func (c *call) tooLarge() error {
	return &problem{status: http.StatusRequestEntityTooLarge, code: "too-large", title: "Request too large",
		detail: fmt.Sprintf("The body has more than max_content_length, %d bytes (before or after decompression). Send fewer objects at a time.", c.h.MaxContentLength)}
}

// store puts the objects of a request into the store, some at a time.
func (h *handler) store(ctx context.Context, p *posted, w Writer, collection string) {
	var failed error
	defer func() {
		if failed != nil {
			h.log.LogAttrs(ctx, slog.LevelError, "taxii: objects could not be stored", slog.String("status", p.id), slog.Any("cause", failed))
		}
		p.end(failed)
		err := h.posts.save(p)
		h.warn(ctx, err)
		if err == nil && h.posts.store != nil {
			p.let(&p.saved)
		}
		close(p.done)
	}()
	for rest := p.objects; len(rest) > 0; {
		batch := rest[:min(postBatch, len(rest))]
		results, err := w.Put(ctx, Batch{Collection: collection, Principal: p.principal, Objects: batch})
		if err == nil && len(results) != len(batch) {
			err = fmt.Errorf("taxii: the store gave %d results for %d objects", len(results), len(batch))
		}
		if err != nil {
			failed = err
			return
		}
		p.decide(results)
		rest = rest[len(batch):]
	}
}

// writer returns what writes to a collection, if the caller may.
func (c *call) writer(col Collection) (Writer, error) {
	w, ok := c.root.Store.(Writer)
	switch {
	case !ok || !col.Writable:
		return nil, &problem{status: http.StatusForbidden, code: "read-only", title: "Collection is read only",
			detail: "can_write is false for this collection: nothing can be added to it or deleted from it here."}
	case !c.principal.MayWrite(col.ID):
		return nil, &problem{status: http.StatusForbidden, code: "read-only", title: "Collection is read only for you",
			detail: "can_write is false for this collection: your credential may read it, but neither add to it nor delete from it."}
	}
	return w, nil
}

// removeObject is section 5.7. Without match[version] all versions go, of all specification versions unless one is named.
func (c *call) removeObject() (*response, error) {
	col, err := c.lookup()
	if err != nil {
		return nil, err
	}
	writer, err := c.writer(col)
	if err != nil {
		return nil, err
	}
	if !c.principal.MayRead(col.ID) {
		return nil, forbidRead()
	}
	params, err := parseQuery(c.URL.RawQuery, matchFields{spec: true, version: true})
	if err != nil {
		return nil, badRequest(err)
	}
	if _, given := c.URL.Query()["match[version]"]; !given {
		params.filter.versions = versionFilter{all: true}
	}
	id := c.args[3]
	if err := exists(c.Context(), c.root.Store, col.ID, id); err != nil {
		return nil, err
	}
	var records []Record
	sel := selector{store: c.root.Store, collection: col.ID, filter: params.filter, upTo: 1<<64 - 1}
	for r, err := range c.root.Store.Versions(c.Context(), col.ID, id) {
		if err != nil {
			return nil, err
		}
		if !oneOf(params.filter.specs, r.specVersion()) {
			continue
		}
		keep := params.filter.versions.all
		if !keep {
			if keep, err = sel.keeps(c.Context(), r); err != nil {
				return nil, err
			}
		}
		if keep {
			records = append(records, r)
		}
	}
	n := 0
	if len(records) > 0 {
		if n, err = writer.Remove(c.Context(), Removal{Collection: col.ID, Principal: c.principal.Name, ID: id, Records: records}); err != nil {
			return nil, err
		}
	}
	if n == 0 {
		return nil, notFound("The object has no such version in this collection; nothing was deleted.")
	}
	return resourceResponse(struct{}{})
}

func forbidRead() error {
	return &problem{status: http.StatusForbidden, code: "write-only", title: "Collection is write only for you",
		detail: "can_read is false for this collection: your credential may add to it, but not read it."}
}

// isTAXII tells whether a Content-Type is TAXII 2.1, with or without its version.
func isTAXII(lines []string) bool {
	if len(lines) != 1 || len(lines[0]) > maxAcceptBytes {
		return false
	}
	media, params := cutParam(lines[0])
	if !strings.EqualFold(media, "application/taxii+json") {
		return false
	}
	for params != "" {
		var param string
		param, params = cutParam(params)
		name, value, _ := strings.Cut(param, "=")
		value = unquote(strings.TrimSpace(value))
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "version":
			if value != "2.1" {
				return false
			}
		case "charset":
			if !strings.EqualFold(value, "utf-8") {
				return false
			}
		}
	}
	return true
}

// contentCoding tells whether a body is compressed with gzip, the one coding that is understood.
func contentCoding(lines []string) (zipped bool, err error) {
	var codings []string
	for item := range listItems(lines) {
		if c := strings.ToLower(item); c != "identity" {
			codings = append(codings, c)
		}
	}
	switch {
	case len(codings) == 0:
		return false, nil
	case len(codings) == 1 && (codings[0] == "gzip" || codings[0] == "x-gzip"):
		return true, nil
	}
	return false, &problem{status: http.StatusUnsupportedMediaType, code: "unsupported-encoding", title: "Unsupported content coding",
		detail: "A body may be plain or compressed once with gzip.", header: http.Header{"Accept-Encoding": {"gzip"}}}
}

// statusID makes the id of a status resource: a UUID of version 4 (section 4.3.1).
func (h *handler) statusID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(h.random, b[:]); err != nil {
		return "", fmt.Errorf("taxii: no randomness for a status id: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

func retryAfter(seconds int) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(seconds)}}
}
