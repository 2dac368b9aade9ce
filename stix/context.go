package stix

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Finding is a problem that one object has because of others.
type Finding struct {
	// ID is the object, Index its number among those added, from 0.
	ID    string
	Index int
	Problem
}

// ContextOptions bound what a [Context] remembers. A zero field means its default.
type ContextOptions struct {
	// MaxObjects is how many objects are remembered; default 1,048,576, some 200 bytes
	// for each. MaxRefs bounds the references to objects that have not come yet, and the
	// edges in which cycles are looked for; default 1,048,576 of each.
	MaxObjects, MaxRefs int
	// MaxFindings bounds what is reported, in all; default 10,000.
	MaxFindings int
	// Known answers whether an identifier is known from elsewhere, so that a reference to
	// it does not dangle. It may be nil. The fixed TLP markings are always known.
	Known func(id string) bool
	// Resolve gives the object that a translation is held to, or nil. Without it a
	// translation is held to an object only if that comes later.
	Resolve func(id string) *Object
}

// The default bounds of a [Context].
const (
	DefaultContextObjects  = 1 << 20
	DefaultContextRefs     = 1 << 20
	DefaultContextFindings = 10_000
)

// maxContextHeld bounds how many translations, and how many objects with extensions, are
// held until what they are to fit has come; maxContextBytes bounds their text in all.
const (
	maxContextHeld  = 4096
	maxContextBytes = 64 << 20
)

// Context judges what only several objects together can show, one object after another:
// the same version with two contents, versions that change what must not change or come
// after a revocation, one UUID for two types, references to what is not there,
// derivations and other chains that lead back to where they began, translations and
// extensions that do not fit. It remembers a digest of each object, not the object, and
// no more of them than its options say; beyond that it reports [CodeIncomplete] once and
// claims nothing about what it does not remember.
type Context struct {
	opts     ContextOptions
	objects  map[string]*record
	missing  map[string]place // referred to and not seen: who referred first
	byUUID   map[[16]byte]string
	edges    map[string]map[string][]edge // kind of chain: from, to
	edgeN    int
	defs     map[string]*definition
	uses     []extensionUse
	texts    []held // language-content
	targets  map[string]*Object
	heldSize int
	count    int
	findings int
	partial  bool
	out      []Finding
}

// record is what is remembered of an object: its newest version, and its revocation.
type record struct {
	id           string
	index        int
	created      Timestamp
	createdBy    string
	newest       Timestamp
	digest       [16]byte // of the newest version
	revoked      bool
	revokedSince Timestamp
}

type place struct {
	id    string
	index int
	path  string
}

type edge struct {
	to string
	at place
}

type held struct {
	o     *Object
	index int
}

// NewContext makes an empty context.
func NewContext(opts ContextOptions) *Context {
	opts.MaxObjects = cmp.Or(max(opts.MaxObjects, 0), DefaultContextObjects)
	opts.MaxRefs = cmp.Or(max(opts.MaxRefs, 0), DefaultContextRefs)
	opts.MaxFindings = cmp.Or(max(opts.MaxFindings, 0), DefaultContextFindings)
	return &Context{opts: opts, objects: make(map[string]*record), missing: make(map[string]place), byUUID: make(map[[16]byte]string),
		edges: make(map[string]map[string][]edge), defs: make(map[string]*definition), targets: make(map[string]*Object)}
}

// Add judges the next object against those before it.
func (c *Context) Add(o *Object) []Finding {
	c.out = nil
	index := c.count
	c.count++
	c.versions(o, index)
	c.references(o, index)
	c.chains(o, index)
	c.extensionsOf(o, index)
	c.hold(o, index)
	return c.out
}

// Finish tells what could be known only at the end. The context must not be used any more.
func (c *Context) Finish() []Finding {
	c.out = nil
	for _, id := range sortedKeys(c.missing) {
		at := c.missing[id]
		if !c.partial && (c.opts.Known == nil || !c.opts.Known(id)) {
			c.find(at.id, at.index, at.path, CodeDangling, false, "names "+id+", which is not here")
		}
	}
	c.cycles()
	c.fitExtensions()
	c.fitTranslations()
	return c.out
}

func (c *Context) find(id string, index int, path, code string, must bool, msg string) {
	switch c.findings++; {
	case c.findings < c.opts.MaxFindings:
		c.out = append(c.out, Finding{ID: id, Index: index, Problem: Problem{Path: path, Code: code, Must: must, Message: msg, Section: codeSections[code]}})
	case c.findings == c.opts.MaxFindings:
		c.out = append(c.out, Finding{ID: id, Index: index, Problem: Problem{Code: CodeTooMany, Message: "there are more problems than are listed", Must: must}})
	}
}

// incomplete reports once that a bound was reached.
func (c *Context) incomplete(o *Object, index int) {
	if !c.partial {
		c.partial = true
		c.find(o.ID, index, "", CodeIncomplete, false, "from here on not everything is compared: there are more objects or references than are remembered")
	}
}

// versions compares an object with what is remembered of it (STIX 2.1 §3.6).
func (c *Context) versions(o *Object, index int) {
	delete(c.missing, o.ID)
	r := c.objects[o.ID]
	if r == nil {
		if len(c.objects) >= c.opts.MaxObjects {
			c.incomplete(o, index)
			return
		}
		r = &record{id: strings.Clone(o.ID), index: index, created: ownTime(o.Created), createdBy: strings.Clone(o.CreatedByRef), newest: ownTime(o.version()), digest: digestOf(o), revoked: o.Revoked}
		r.revokedSince = r.newest
		c.objects[r.id] = r
		c.collision(o, index)
		return
	}
	if r.created.Compare(o.Created) != 0 {
		c.find(o.ID, index, "created", CodeImmutable, true, "must not change from version to version; it was "+quoteShort(r.created.Text))
	}
	if r.createdBy != o.CreatedByRef {
		c.find(o.ID, index, "created_by_ref", CodeImmutable, true, "must not change from version to version; it was "+quoteShort(r.createdBy))
	}
	version := o.version()
	if r.revoked && version.Compare(r.revokedSince) > 0 {
		c.find(o.ID, index, "modified", CodeRevoked, true, "is after the object was revoked, which is for ever")
	}
	switch d := version.Compare(r.newest); {
	case d == 0 && digestOf(o) != r.digest && o.IsSCO():
		c.find(o.ID, index, "", CodeConflict, false, "the same observable came before with other properties beside those that identify it")
	case d == 0 && digestOf(o) != r.digest:
		c.find(o.ID, index, "modified", CodeConflict, true, "the same version came before with another content")
	case d == 0:
		before := len(c.out)
		if c.find(o.ID, index, "", CodeDuplicate, false, "the same version came before"); len(c.out) > before {
			c.out[before].Check = 203
		}
	case d < 0:
		c.find(o.ID, index, "modified", CodeOlder, false, "a newer version came before, "+quoteShort(r.newest.Text))
		if o.Revoked {
			c.find(o.ID, index, "revoked", CodeRevoked, true, "there is a version after this, although revocation is for ever")
		}
	default:
		r.newest, r.digest = ownTime(version), digestOf(o)
	}
	if o.Revoked && (!r.revoked || version.Compare(r.revokedSince) < 0) {
		r.revoked, r.revokedSince = true, ownTime(version)
	}
}

// own is the id of an object as the context keeps it. The texts of an object are parts of one that holds them all, which is
// not to be kept for the sake of an id.
func (c *Context) own(o *Object) string {
	if r := c.objects[o.ID]; r != nil {
		return r.id
	}
	return strings.Clone(o.ID)
}

func ownTime(t Timestamp) Timestamp {
	t.Text = strings.Clone(t.Text)
	return t
}

func digestOf(o *Object) (out [16]byte) {
	sum := sha256.Sum256(o.Raw)
	copy(out[:], sum[:])
	return out
}

// collision finds one random UUID under two types. Identifiers computed from properties
// may share theirs, because the type is no part of what is hashed.
func (c *Context) collision(o *Object, index int) {
	text := o.ID[len(o.ID)-36:]
	if text[14] != '4' {
		return
	}
	var key [16]byte
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	if _, err := hex.Decode(key[:], []byte(digits)); err != nil {
		return
	}
	if other, ok := c.byUUID[key]; ok && other != o.Type {
		same := c.objects[other+"--"+text] != nil && c.objects[other+"--"+text].createdBy == o.CreatedByRef && o.CreatedByRef != ""
		c.find(o.ID, index, "id", CodeCollision, same, "an object of type "+other+" has the same UUID")
		return
	}
	c.byUUID[key] = c.own(o)[:len(o.Type)]
}

// references notes what the object refers to and has not been seen.
func (c *Context) references(o *Object, index int) {
	o.eachRef(true, func(path string, ref []byte) {
		if _, ok := validID(ref); !ok || c.objects[string(ref)] != nil {
			return
		}
		id := string(ref)
		if _, ok := TLPOf(id); ok {
			return
		}
		if _, ok := c.missing[id]; ok {
			return
		}
		if len(c.missing) >= c.opts.MaxRefs {
			c.incomplete(o, index)
			return
		}
		c.missing[id] = place{id: c.own(o), index: index, path: path}
	})
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
