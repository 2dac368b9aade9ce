package taxii

import (
	"context"
	"slices"
)

// discovery is section 4.1.
func (c *call) discovery() (*response, error) {
	d := discoveryResource{Title: c.h.Title, Description: c.h.Description, Contact: c.h.Contact, Default: c.h.Roots[0].Path}
	for _, root := range c.h.Roots {
		d.APIRoots = append(d.APIRoots, root.Path)
	}
	return resourceResponse(d)
}

// apiRoot is section 4.2.
func (c *call) apiRoot() (*response, error) {
	return resourceResponse(apiRootResource{
		Title: c.root.Title, Description: c.root.Description,
		Versions: []string{MediaType}, MaxContentLength: c.h.MaxContentLength,
	})
}

// collections is section 5.1. It lists what the caller may read or write.
func (c *call) collections() (*response, error) {
	all, err := c.root.Store.Collections(c.Context())
	if err != nil {
		return nil, err
	}
	var out collectionsResource
	for _, col := range all {
		if read, write := c.rights(col); read || write {
			out.Collections = append(out.Collections, c.describe(col))
		}
	}
	return resourceResponse(out)
}

// collection is section 5.2.
func (c *call) collection() (*response, error) {
	col, err := c.lookup()
	if err != nil {
		return nil, err
	}
	return resourceResponse(c.describe(col))
}

// rights tells what the caller may do with a collection.
func (c *call) rights(col Collection) (read, write bool) {
	_, writer := c.root.Store.(Writer)
	return c.principal.MayRead(col.ID), writer && col.Writable && c.principal.MayWrite(col.ID)
}

func (c *call) describe(col Collection) collectionResource {
	media := col.MediaTypes
	if len(media) == 0 {
		media = []string{"application/stix+json;version=2.1"}
	}
	read, write := c.rights(col)
	return collectionResource{ID: col.ID, Title: col.Title, Description: col.Description, Alias: col.Alias,
		CanRead: read, CanWrite: write, MediaTypes: media}
}

// lookup finds the collection of the path by id or alias. One that the caller may neither
// read nor write does not exist for them.
func (c *call) lookup() (Collection, error) {
	all, err := c.root.Store.Collections(c.Context())
	if err != nil {
		return Collection{}, err
	}
	name := c.args[1]
	i := slices.IndexFunc(all, func(col Collection) bool { return col.ID == name })
	if i < 0 {
		i = slices.IndexFunc(all, func(col Collection) bool { return col.Alias == name })
	}
	if i >= 0 {
		if read, write := c.rights(all[i]); read || write {
			return all[i], nil
		}
	}
	return Collection{}, notFound("There is no such collection, or you may not read it. The collections endpoint lists those you may.")
}

// manifest is section 5.3.
func (c *call) manifest() (*response, error) {
	return c.page("manifest", matchFields{id: true, kind: true, spec: true, version: true})
}

// objects is section 5.4.
func (c *call) objects() (*response, error) {
	return c.page("objects", matchFields{id: true, kind: true, spec: true, version: true})
}

// object is section 5.6.
func (c *call) object() (*response, error) {
	return c.page("object", matchFields{spec: true, version: true})
}

// versions is section 5.8.
func (c *call) versions() (*response, error) {
	return c.page("versions", matchFields{spec: true})
}

// page answers the four endpoints that filter and page.
func (c *call) page(endpoint string, fields matchFields) (*response, error) {
	col, err := c.lookup()
	if err != nil {
		return nil, err
	}
	if !c.principal.MayRead(col.ID) {
		return nil, forbidRead()
	}
	params, err := parseQuery(c.URL.RawQuery, fields)
	if err != nil {
		return nil, badRequest(err)
	}
	store, scope := c.root.Store, nextScope{
		root: c.root.Path, collection: col.ID, endpoint: endpoint, principal: c.principal.Name, filter: params.filter,
	}
	if len(c.args) > 3 {
		scope.object = c.args[3]
	}
	req := pageRequest{store: store, collection: col.ID, filter: params.filter,
		limit: c.h.MaxLimit, maxBytes: c.h.MaxPageBytes, noRaw: endpoint == "manifest"}
	if params.limit > 0 {
		req.limit = min(params.limit, c.h.MaxLimit)
	}
	fresh := true
	if params.next != "" {
		if req.from, err = decodeNext(c.h.NextKey, scope, params.next); err != nil {
			return nil, badRequest(&paramError{"next", err})
		}
		var ok bool
		if fresh, ok = req.from.resume(params.filter.addedAfter); !ok {
			return nil, badRequest(&paramError{"next", errNextMAC})
		}
	}
	if fresh {
		if req.from.upTo, err = store.Head(c.Context(), col.ID); err != nil {
			return nil, err
		}
		req.from.since = sinceOf(params.filter.addedAfter)
	}
	switch endpoint {
	case "object":
		req.filter.ids = []string{scope.object}
	case "versions":
		req.versionsOf, req.noRaw = scope.object, true
		req.filter.versions = versionFilter{all: true}
	}
	if scope.object != "" {
		if err := exists(c.Context(), store, col.ID, scope.object); err != nil {
			return nil, err
		}
	}
	p, err := readPage(c.Context(), req)
	if err != nil {
		return nil, err
	}
	next := ""
	if p.more {
		last := p.records[len(p.records)-1]
		next = encodeNext(c.h.NextKey, scope, cursor{after: last.Seq, upTo: req.from.upTo, since: req.from.since})
	}
	res, err := pageResponse(endpoint, p, next)
	if err == nil {
		res.etag = pageETag(scope, p, next)
	}
	return res, err
}

// exists tells an object that is not there (404) from one none of whose versions fit the filter (an empty page).
func exists(ctx context.Context, store Store, collection, id string) error {
	for _, err := range store.Versions(ctx, collection, id) {
		return err
	}
	return notFound("There is no object with this id in this collection.")
}
