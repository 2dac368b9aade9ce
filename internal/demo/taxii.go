package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// taxiiClient pulls as a client of others would: with nothing but a URL, a user and a password.
type taxiiClient struct{ party *party }

type taxiiCollection struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Alias string `json:"alias"`
}

const maxTAXII = 64 << 20

func (t *taxiiClient) get(ctx context.Context, at string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/taxii+json;version=2.1")
	req.SetBasicAuth(analyst, t.party.taxii)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTAXII))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", at, resp.Status, body)
	}
	return json.Unmarshal(body, v)
}

// collections follows discovery to the API root and lists what is there.
func (t *taxiiClient) collections(ctx context.Context) (root string, _ []taxiiCollection, err error) {
	var d struct {
		Default string   `json:"default"`
		Roots   []string `json:"api_roots"`
	}
	if err := t.get(ctx, t.party.ready.TAXII, &d); err != nil {
		return "", nil, err
	}
	root = d.Default
	if root == "" && len(d.Roots) > 0 {
		root = d.Roots[0]
	}
	base, err := url.Parse(t.party.ready.TAXII)
	if err != nil {
		return "", nil, err
	}
	at, err := base.Parse(root)
	if err != nil {
		return "", nil, err
	}
	root = at.String()
	if !strings.HasSuffix(root, "/") {
		root += "/"
	}
	var c struct {
		Collections []taxiiCollection `json:"collections"`
	}
	return root, c.Collections, func() error {
		err := t.get(ctx, root+"collections/", &c)
		return err
	}()
}

// pull pages through a collection, every version, and returns the objects as
// they came, by id and version.
func (t *taxiiClient) pull(ctx context.Context, collection string) (map[string][]byte, error) {
	root, _, err := t.collections(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	q := url.Values{"limit": {"1000"}, "match[version]": {"all"}, "match[spec_version]": {"2.0,2.1"}}
	for {
		var page struct {
			More    bool              `json:"more"`
			Next    string            `json:"next"`
			Objects []json.RawMessage `json:"objects"`
		}
		if err := t.get(ctx, root+"collections/"+collection+"/objects/?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		for _, raw := range page.Objects {
			key, err := versionOf(raw)
			if err != nil {
				return nil, err
			}
			out[key] = raw
		}
		if !page.More {
			return out, nil
		}
		if page.Next == "" {
			return nil, fmt.Errorf("%s: a page says there is more and names no next", t.party.name)
		}
		q.Set("next", page.Next)
	}
}

// versionOf names one version of one object.
func versionOf(raw []byte) (string, error) {
	var o struct {
		ID       string `json:"id"`
		Created  string `json:"created"`
		Modified string `json:"modified"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return "", err
	}
	if o.Modified == "" {
		o.Modified = o.Created
	}
	return o.ID + " " + o.Modified, nil
}

const scratchAlias = "scratch"

// scratch gives a node an empty collection that TAXII clients write to, as its operator would: in the configuration.
func scratch(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "config.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\ntaxii:\n  collections: [{alias: " + scratchAlias + ", title: scratch}]\n")
	return errors.Join(err, f.Close())
}
