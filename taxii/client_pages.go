package taxii

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Bounds of one run of pages.
const (
	maxPages      = 1 << 17 // pages; a server with more to tell is asked again from there
	maxPageItems  = 1 << 20 // objects, records or versions of one page
	maxEmptyPages = 8       // pages without anything, one after the other
	maxNextValue  = 8 << 10 // bytes of a next value
)

// Filter says which objects a client asks for (section 3.4). The zero value asks for the last version of each.
type Filter struct {
	IDs          []string
	Types        []string
	SpecVersions []string // empty: the latest of each object
	Versions     []string // timestamps, first, last, all; empty: last
}

// Cursor is how far a client has read a collection under one filter. Its zero value is the beginning. It can be kept as
// JSON and gone on with at any time: pages that were read come again only if the server has forgotten where it was.
type Cursor struct {
	// AddedAfter is when the newest object of the last whole run was added; what was added since is new.
	AddedAfter time.Time `json:"added_after,omitzero"`
	// Next is the server's word for where a run goes on that was not read to its end.
	Next string `json:"next,omitzero"`
	// Newest is when the newest object of that run so far was added.
	Newest time.Time `json:"newest,omitzero"`
}

// Page is one page of objects.
type Page struct {
	// Objects are the texts of the objects as they came, unchecked: not that they are valid JSON.
	Objects [][]byte
	// First and Last are when the first and the last of them were added, as the server says; zero if it does not.
	First, Last time.Time
	// Cursor goes on after this page. Keep it once the objects are safe.
	Cursor Cursor
	// More says that the run goes on.
	More bool
}

// ManifestEntry tells of one version of an object without its content (section 5.3.1).
type ManifestEntry struct {
	ID        string `json:"id"`
	DateAdded string `json:"date_added"`
	Version   string `json:"version"`
	MediaType string `json:"media_type,omitzero"`
}

// Pages reads a collection page by page (section 5.4), at most limit objects each (0: as many as the server likes), from
// a cursor on until there is no more. After an error it yields nothing more; what was read until then is whole, and a
// cursor goes on from there. The filter must be that of the cursor.
//
// A run ends also with a server that never would: [ErrNoProgress] if it answers a page that it has answered before, or
// many empty ones, or says that there is more but not where. Where it names no next but when its objects were added, the
// run goes on from there (which loses nothing as long as the server gives no two objects the same date, and is why a
// server must not).
func (c *Client) Pages(ctx context.Context, ref Ref, f Filter, from Cursor, limit int) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		u, err := c.collection(ref)
		if err != nil {
			yield(Page{}, err)
			return
		}
		c.pages(ctx, u.JoinPath("objects/"), f, from, limit, yield)
	}
}

// Objects reads the objects of a collection from a cursor on, one by one. Use [Client.Pages] where the run may have to be
// taken up again.
func (c *Client) Objects(ctx context.Context, ref Ref, f Filter, from Cursor, limit int) iter.Seq2[[]byte, error] {
	return each(c.Pages(ctx, ref, f, from, limit))
}

// Object reads the versions of one object that the filter lets through (section 5.6).
func (c *Client) Object(ctx context.Context, ref Ref, object string, f Filter) iter.Seq2[[]byte, error] {
	return each(func(yield func(Page, error) bool) {
		u, err := c.object(ref, object)
		if err != nil {
			yield(Page{}, err)
			return
		}
		f.IDs, f.Types = nil, nil
		c.pages(ctx, u, f, Cursor{}, 0, yield)
	})
}

// Manifest reads what a collection holds without the content (section 5.3).
func (c *Client) Manifest(ctx context.Context, ref Ref, f Filter, from Cursor, limit int) iter.Seq2[ManifestEntry, error] {
	pages := func(yield func(Page, error) bool) {
		u, err := c.collection(ref)
		if err != nil {
			yield(Page{}, err)
			return
		}
		c.pages(ctx, u.JoinPath("manifest/"), f, from, limit, yield)
	}
	return func(yield func(ManifestEntry, error) bool) {
		for raw, err := range each(pages) {
			var e ManifestEntry
			if err == nil {
				err = json.Unmarshal(raw, &e, jsonOptions)
				if err == nil && e.ID == "" {
					err = errors.New("it has no id")
				}
				if err != nil {
					err = fmt.Errorf("taxii: a record of the manifest cannot be read: %w: %w", ErrNotTAXII, err)
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Versions lists the versions of an object (section 5.8).
func (c *Client) Versions(ctx context.Context, ref Ref, object string) iter.Seq2[string, error] {
	pages := func(yield func(Page, error) bool) {
		u, err := c.object(ref, object)
		if err != nil {
			yield(Page{}, err)
			return
		}
		c.pages(ctx, u.JoinPath("versions/"), Filter{}, Cursor{}, 0, yield)
	}
	return func(yield func(string, error) bool) {
		for raw, err := range each(pages) {
			var v string
			if err == nil {
				if err = json.Unmarshal(raw, &v, jsonOptions); err != nil {
					err = fmt.Errorf("taxii: a version cannot be read: %w: %w", ErrNotTAXII, err)
				}
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Gone reads the whole manifest and returns which of the ids are no longer in a collection: TAXII has no other word for
// a deletion. Memory grows with the ids that are asked about, not with the collection.
func (c *Client) Gone(ctx context.Context, ref Ref, ids []string) ([]string, error) {
	left := make(map[string]bool, len(ids))
	for _, id := range ids {
		left[id] = true
	}
	for e, err := range c.Manifest(ctx, ref, Filter{}, Cursor{}, 0) {
		if err != nil {
			return nil, err
		}
		delete(left, e.ID)
	}
	var out []string
	for _, id := range ids {
		if left[id] {
			left[id] = false
			out = append(out, id)
		}
	}
	return out, nil
}

func each(pages iter.Seq2[Page, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for p, err := range pages {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, o := range p.Objects {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
}

// into writes a filter into the query of a URL.
func (f Filter) into(u *url.URL, limit int, next string, addedAfter time.Time) {
	q := url.Values{}
	for name, list := range map[string][]string{"match[id]": f.IDs, "match[type]": f.Types, "match[spec_version]": f.SpecVersions, "match[version]": f.Versions} {
		if len(list) > 0 {
			q.Set(name, strings.Join(list, ","))
		}
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if next != "" {
		q.Set("next", next)
	}
	if !addedAfter.IsZero() {
		q.Set("added_after", FormatTime(addedAfter))
	}
	u.RawQuery = q.Encode()
}

// pages reads one run.
func (c *Client) pages(ctx context.Context, u *url.URL, f Filter, from Cursor, limit int, yield func(Page, error) bool) {
	cur := from
	resumed := cur.Next != ""
	empty := 0
	seen := map[[16]byte]bool{}
	for n := 0; ; n++ {
		if n == maxPages {
			yield(Page{}, fmt.Errorf("taxii: %w: %d pages are read in one run", ErrNoProgress, maxPages))
			return
		}
		at := *u
		f.into(&at, limit, cur.Next, cur.AddedAfter)
		a, err := c.request(ctx, http.MethodGet, &at, "", "", nil)
		var refused *ResponseError
		if resumed && errors.As(err, &refused) && (refused.Status == http.StatusBadRequest || refused.Status == http.StatusNotFound || refused.Status == http.StatusUnprocessableEntity) {
			resumed = false // the server has forgotten where it was
			cur = Cursor{AddedAfter: cur.AddedAfter}
			continue
		}
		resumed = false
		if err != nil {
			yield(Page{}, err)
			return
		}
		p, err := readAnswer(a, cur)
		if err != nil {
			yield(Page{}, fmt.Errorf("taxii: GET %s: %w", at.Redacted(), err))
			return
		}
		if p.More {
			sum := sha256.Sum256(a.body)
			key := [16]byte(sum[:16])
			if len(p.Objects) == 0 {
				empty++
			} else {
				empty = 0
			}
			if empty > maxEmptyPages || seen[key] && len(p.Objects) > 0 || !p.Cursor.beyond(cur) && len(p.Objects) == 0 {
				yield(Page{}, fmt.Errorf("taxii: GET %s: %w", at.Redacted(), ErrNoProgress))
				return
			}
			seen[key] = true
		}
		if p.More && p.Cursor.Next == "" && !p.Cursor.AddedAfter.After(cur.AddedAfter) {
			// It cannot be gone on; the page itself is good.
			p.Cursor = cur
			if yield(p, nil) {
				yield(Page{}, fmt.Errorf("taxii: GET %s: %w: it names no next", at.Redacted(), ErrNoProgress))
			}
			return
		}
		if !yield(p, nil) || !p.More {
			return
		}
		cur = p.Cursor
	}
}

// beyond tells whether a cursor asks for something else than another.
func (c Cursor) beyond(d Cursor) bool { return c.Next != d.Next || c.AddedAfter.After(d.AddedAfter) }

// readAnswer reads one page that was asked for with a cursor.
func readAnswer(a answer, cur Cursor) (Page, error) {
	e, err := readEnvelope(a.body, maxPageItems)
	if err != nil {
		return Page{}, fmt.Errorf("%w: %w", ErrNotTAXII, err)
	}
	p := Page{Objects: e.objects}
	if e.versions != nil {
		p.Objects = e.versions
	}
	if e.more != nil {
		if err := json.Unmarshal(e.more, &p.More); err != nil {
			return Page{}, fmt.Errorf("%w: more is neither true nor false", ErrNotTAXII)
		}
	}
	next, err := readNext(e.next)
	if err != nil {
		return Page{}, err
	}
	p.First, _ = ParseTime(a.header.Get("X-TAXII-Date-Added-First")) // some servers leave them out
	p.Last, _ = ParseTime(a.header.Get("X-TAXII-Date-Added-Last"))
	newest := cur.Newest
	if p.Last.After(newest) {
		newest = p.Last
	}
	switch {
	case p.More && next != "":
		p.Cursor = Cursor{AddedAfter: cur.AddedAfter, Next: next, Newest: newest}
	case newest.After(cur.AddedAfter):
		p.Cursor = Cursor{AddedAfter: newest}
	default:
		p.Cursor = Cursor{AddedAfter: cur.AddedAfter}
	}
	return p, nil
}

// readNext reads a next value: a string, or a number as it is written.
func readNext(text []byte) (string, error) {
	switch {
	case len(text) > maxNextValue:
		return "", fmt.Errorf("%w: next has more than %d bytes", ErrNotTAXII, maxNextValue)
	case len(text) == 0 || string(text) == "null":
		return "", nil
	case text[0] == '"':
		var s string
		err := json.Unmarshal(text, &s)
		return s, err
	case text[0] == '-' || isDigit(text[0]):
		return string(text), nil
	}
	return "", fmt.Errorf("%w: next is no text", ErrNotTAXII)
}
