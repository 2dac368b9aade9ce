package taxii

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// minGzip is the size below which compressing costs more than it saves.
const minGzip = 1 << 10

// jsonOptions render our own resources. What a store says of its objects is foreign: text that is not valid UTF-8 is
// repaired rather than allowed to make a page unreadable.
var jsonOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true))

// response is a body in parts, which are written one after the other and never joined: objects go out as they lie in
// the store.
type response struct {
	parts       [][]byte
	size        int
	first, last string // X-TAXII-Date-Added-First and -Last; empty for none
	etag        string // empty for none; goes with answers to GET and HEAD only
	status      int    // 0: 200
	header      http.Header
}

func (res *response) add(part []byte) {
	res.parts = append(res.parts, part)
	res.size += len(part)
}

func resourceResponse(v any) (*response, error) {
	b, err := json.Marshal(v, jsonOptions)
	if err != nil {
		return nil, err
	}
	res := &response{etag: bodyETag(b)}
	res.add(b)
	return res, nil
}

// pageResponse builds an envelope (section 3.7), a manifest (5.3.1) or versions (5.8.1). Without records each of them
// is an empty object.
func pageResponse(endpoint string, p page, next string) (*response, error) {
	res := new(response)
	if len(p.records) == 0 {
		res.add([]byte("{}"))
		return res, nil
	}
	res.first = FormatTime(p.records[0].Added)
	res.last = FormatTime(p.records[len(p.records)-1].Added)
	open := []byte(`{"more":false,`)
	if next != "" {
		open = []byte(`{"more":true,"next":"` + next + `",`) // base64url needs no escape
	}
	list := `"objects":[`
	if endpoint == "versions" {
		list = `"versions":[`
	}
	res.add(append(open, list...))
	res.parts = append(make([][]byte, 0, 2*len(p.records)+2), res.parts...)
	comma := []byte(",")
	for i, r := range p.records {
		if i > 0 {
			res.add(comma)
		}
		part := r.Raw
		var err error
		switch endpoint {
		case "manifest":
			part, err = json.Marshal(manifestRecord{ID: r.ID, DateAdded: FormatTime(r.Added), Version: r.version(), MediaType: r.media()}, jsonOptions)
		case "versions":
			part, err = json.Marshal(r.version(), jsonOptions)
		}
		if err != nil {
			return nil, err
		}
		res.add(part)
	}
	res.add([]byte("]}"))
	return res, nil
}

func (res *response) write(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	for name, values := range res.header {
		header[name] = values
	}
	if res.etag != "" && res.status == 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		header.Set("ETag", res.etag)
		if matchesETag(r.Header.Values("If-None-Match"), res.etag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	header.Set("Content-Type", MediaType)
	if res.first != "" {
		header.Set("X-TAXII-Date-Added-First", res.first)
		header.Set("X-TAXII-Date-Added-Last", res.last)
	}
	zip := res.size >= minGzip && acceptsGzip(r.Header.Values("Accept-Encoding"))
	if zip {
		header.Set("Content-Encoding", "gzip")
	} else {
		header.Set("Content-Length", strconv.Itoa(res.size))
	}
	w.WriteHeader(cmp.Or(res.status, http.StatusOK))
	if r.Method == http.MethodHead {
		return nil
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	if !zip {
		if err := res.writeParts(buffered, r); err != nil {
			return err
		}
		return buffered.Flush()
	}
	compressed, err := gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := res.writeParts(compressed, r); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// writeParts stops when the client has gone; an answer that was begun cannot be taken back, so it is left torn.
func (res *response) writeParts(w io.Writer, r *http.Request) error {
	for i, part := range res.parts {
		if i%256 == 0 && r.Context().Err() != nil {
			return r.Context().Err()
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
