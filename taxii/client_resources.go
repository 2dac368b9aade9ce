package taxii

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

// maxListed bounds the API roots and collections that a client takes of one server.
const maxListed = 10_000

// Discovery is what a server says of itself (section 4.1.1).
type Discovery struct {
	Title       string   `json:"title"`
	Description string   `json:"description,omitzero"`
	Contact     string   `json:"contact,omitzero"`
	Default     string   `json:"default,omitzero"`
	APIRoots    []string `json:"api_roots,omitempty"`
}

// RootInfo is what an API root says of itself (section 4.2.1).
type RootInfo struct {
	Title            string   `json:"title"`
	Description      string   `json:"description,omitzero"`
	Versions         []string `json:"versions,omitempty"`
	MaxContentLength int64    `json:"max_content_length,omitzero"`
}

// CollectionInfo is what a server says of a collection (section 5.2.1).
type CollectionInfo struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitzero"`
	Alias       string   `json:"alias,omitzero"`
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types,omitempty"`
}

// Ref names a collection at a server.
type Ref struct {
	Root       string // of the API root: a URL, or a path at the server
	Collection string // id or alias
}

func (c *Client) get(ctx context.Context, u *url.URL, v any) error {
	a, err := c.request(ctx, http.MethodGet, u, "", "", nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, v, jsonOptions); err != nil {
		return fmt.Errorf("taxii: GET %s: %w: %.300v", u.Redacted(), ErrNotTAXII, err)
	}
	return nil
}

// Discovery asks what the server offers (section 4.1), at /taxii2/ of the server's host.
func (c *Client) Discovery(ctx context.Context) (Discovery, error) {
	var d Discovery
	u, err := c.at(discoveryPath)
	if err == nil {
		err = c.get(ctx, u, &d)
	}
	if len(d.APIRoots) > maxListed {
		return d, fmt.Errorf("taxii: %w: it lists more than %d API roots", ErrNotTAXII, maxListed)
	}
	return d, err
}

// Root asks about an API root (section 4.2).
func (c *Client) Root(ctx context.Context, root string) (RootInfo, error) {
	var r RootInfo
	u, err := c.root(root)
	if err == nil {
		err = c.get(ctx, u, &r)
	}
	return r, err
}

func (c *Client) root(root string) (*url.URL, error) {
	u, err := c.at(root)
	if err != nil {
		return nil, err
	}
	return u.JoinPath("/"), nil
}

// Roots returns the URLs of the API roots to be asked: the one that the client was made for, if it was; else all that
// discovery lists on known hosts, the default first.
func (c *Client) Roots(ctx context.Context) ([]string, error) {
	if c.base.Path != discoveryPath {
		return []string{c.base.String()}, nil
	}
	d, err := c.Discovery(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	seen := map[string]bool{}
	var elsewhere error
	for _, ref := range append([]string{d.Default}, d.APIRoots...) {
		if ref == "" {
			continue
		}
		u, err := c.root(ref)
		if err != nil {
			elsewhere = err
			continue
		}
		if s := u.String(); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	if len(out) == 0 && elsewhere != nil {
		return nil, elsewhere
	}
	return out, nil
}

// Collections lists the collections of an API root (section 5.1).
func (c *Client) Collections(ctx context.Context, root string) ([]CollectionInfo, error) {
	u, err := c.root(root)
	if err != nil {
		return nil, err
	}
	var r struct {
		Collections []CollectionInfo `json:"collections"`
	}
	if err := c.get(ctx, u.JoinPath("collections/"), &r); err != nil {
		return nil, err
	}
	if len(r.Collections) > maxListed {
		return nil, fmt.Errorf("taxii: %w: it lists more than %d collections", ErrNotTAXII, maxListed)
	}
	return r.Collections, nil
}

// Collection asks about one collection (section 5.2).
func (c *Client) Collection(ctx context.Context, ref Ref) (CollectionInfo, error) {
	var info CollectionInfo
	u, err := c.collection(ref)
	if err == nil {
		err = c.get(ctx, u, &info)
	}
	return info, err
}

// ErrNoSuchCollection says that no API root lists a collection under a name.
var ErrNoSuchCollection = errors.New("the server lists no such collection")

// Find looks for a collection by its id, alias or title in all API roots. A title that several have names none.
func (c *Client) Find(ctx context.Context, name string) (Ref, CollectionInfo, error) {
	roots, err := c.Roots(ctx)
	if err != nil {
		return Ref{}, CollectionInfo{}, err
	}
	type hit struct {
		ref  Ref
		info CollectionInfo
	}
	var byTitle []hit
	for _, root := range roots {
		all, err := c.Collections(ctx, root)
		if err != nil {
			return Ref{}, CollectionInfo{}, err
		}
		for _, info := range all {
			h := hit{Ref{root, info.ID}, info}
			if info.ID == name || info.Alias != "" && info.Alias == name {
				return h.ref, h.info, nil
			}
			if info.Title == name {
				byTitle = append(byTitle, h)
			}
		}
	}
	if len(byTitle) == 1 {
		return byTitle[0].ref, byTitle[0].info, nil
	}
	if len(byTitle) > 1 {
		return Ref{}, CollectionInfo{}, fmt.Errorf("taxii: %d collections have the title %q; name one by its id", len(byTitle), name)
	}
	return Ref{}, CollectionInfo{}, fmt.Errorf("taxii: %w: %q", ErrNoSuchCollection, name)
}

func (c *Client) collection(ref Ref) (*url.URL, error) {
	u, err := c.root(ref.Root)
	if err != nil {
		return nil, err
	}
	if ref.Collection == "" || ref.Collection == "." || ref.Collection == ".." {
		return nil, fmt.Errorf("taxii: %q names no collection", ref.Collection)
	}
	return u.JoinPath("collections", url.PathEscape(ref.Collection), "/"), nil
}

// Status is what became of objects that were added (section 4.3.1).
type Status struct {
	ID               string         `json:"id"`
	Status           string         `json:"status"` // complete or pending
	RequestTimestamp string         `json:"request_timestamp,omitzero"`
	TotalCount       int            `json:"total_count"`
	SuccessCount     int            `json:"success_count"`
	Successes        []StatusDetail `json:"successes,omitempty"`
	FailureCount     int            `json:"failure_count"`
	Failures         []StatusDetail `json:"failures,omitempty"`
	PendingCount     int            `json:"pending_count"`
	Pendings         []StatusDetail `json:"pendings,omitempty"`
}

// StatusDetail is what became of one object (section 4.3.2).
type StatusDetail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Message string `json:"message,omitzero"`
}

// Status asks what became of objects that were added (section 4.3).
func (c *Client) Status(ctx context.Context, root, id string) (Status, error) {
	var s Status
	u, err := c.root(root)
	if err != nil {
		return s, err
	}
	err = c.get(ctx, u.JoinPath("status", url.PathEscape(id), "/"), &s)
	return s, err
}

// Delete deletes an object from a collection (section 5.7): all of its versions, or those that versions names, each as a
// timestamp or as first, last or all.
func (c *Client) Delete(ctx context.Context, ref Ref, object string, versions ...string) error {
	u, err := c.object(ref, object)
	if err != nil {
		return err
	}
	Filter{Versions: versions}.into(u, 0, "", time.Time{})
	_, err = c.request(ctx, http.MethodDelete, u, "", "", nil)
	return err
}

func (c *Client) object(ref Ref, object string) (*url.URL, error) {
	u, err := c.collection(ref)
	if err != nil {
		return nil, err
	}
	if object == "" || object == "." || object == ".." {
		return nil, fmt.Errorf("taxii: %q names no object", object)
	}
	return u.JoinPath("objects", url.PathEscape(object), "/"), nil
}
