package misp

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The names of the files of a feed beside those of the events.
const (
	ManifestName = "manifest.json"
	HashesName   = "hashes.csv"
)

// The default bounds on feeds.
const (
	DefaultMaxManifestBytes = 256 << 20
	DefaultMaxFeedEvents    = 1 << 20
	DefaultMaxHashes        = 1 << 26
	maxHashLine             = 256
)

// EventFile gives the name of the file of an event in a feed: its UUID in lower case
// and ".json". ok is false for what is no UUID, so that no name leads out of the feed.
func EventFile(uuid string) (name string, ok bool) {
	u, ok := goodUUID(uuid)
	return u + ".json", ok
}

// FeedFile reports whether a name is one that feeds have: manifest.json, hashes.csv or
// an event's. A node that serves a feed answers for no other.
func FeedFile(name string) bool {
	if name == ManifestName || name == HashesName {
		return true
	}
	uuid, ok := strings.CutSuffix(name, ".json")
	file, good := EventFile(uuid)
	return ok && good && file == name
}

// ManifestEntry is what a manifest says of one event.
type ManifestEntry struct {
	UUID string
	// Members are all that the manifest says: info, Orgc, date, timestamp, analysis,
	// threat_level_id, Tag and what else there is.
	*Members
}

// Info is the text of the event.
func (m ManifestEntry) Info() string { return m.Text("info") }

// Timestamp is when the event was changed last; a reader fetches those that are newer
// than what it has.
func (m ManifestEntry) Timestamp() (t time.Time, ok bool) { return m.epoch("timestamp") }

// SHA256 is the hash of the event's file in hexadecimal, if the manifest states it.
func (m ManifestEntry) SHA256() string { return strings.ToLower(m.Text("integrity:sha256")) }

// FeedLimits bound what reading a feed may cost. A zero field means its default.
type FeedLimits struct {
	// Limits bound each event.
	Limits
	// MaxManifestBytes is the largest manifest; default 256 MiB.
	MaxManifestBytes int
	// MaxEvents is how many events a manifest may name; default 1,048,576.
	MaxEvents int
	// MaxHashes is how many lines hashes.csv may have; default 67,108,864.
	MaxHashes int
}

func (l FeedLimits) orDefault() FeedLimits {
	l.Limits = l.Limits.orDefault()
	if l.MaxManifestBytes <= 0 {
		l.MaxManifestBytes = DefaultMaxManifestBytes
	}
	if l.MaxEvents <= 0 {
		l.MaxEvents = DefaultMaxFeedEvents
	}
	if l.MaxHashes <= 0 {
		l.MaxHashes = DefaultMaxHashes
	}
	return l
}

// ReadManifest iterates over the entries of a manifest in the order of the text. An
// entry that is refused gives an *[Error], and the iteration goes on unless that is
// fatal.
func ReadManifest(r io.Reader, lim FeedLimits) iter.Seq2[ManifestEntry, error] {
	lim = lim.orDefault()
	return func(yield func(ManifestEntry, error) bool) {
		src := &source{r: r}
		src.renew(lim.MaxManifestBytes)
		dec := jsontext.NewDecoder(src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		fatal := func(err error) {
			out := jsonError(err, "", 0)
			if out.Offset == 0 {
				out.Offset = dec.InputOffset()
			}
			out.Fatal = true
			yield(ManifestEntry{}, out)
		}
		if k := dec.PeekKind(); k != '{' && k != 0 {
			fatal(refuse("", dec.InputOffset(), ErrKind, "a manifest is an object, not %s", kindName(k)))
			return
		}
		if _, err := dec.ReadToken(); err != nil {
			if errors.Is(err, io.EOF) {
				err = refuse("", 0, ErrSyntax, "the text ends too early")
			}
			fatal(err)
			return
		}
		seen := map[string]bool{}
		for n := 0; dec.PeekKind() != '}'; n++ {
			if n == lim.MaxEvents {
				fatal(refuse("", dec.InputOffset(), ErrTooLarge, "more than the %d events allowed", lim.MaxEvents))
				return
			}
			entry, err := manifestEntry(dec, seen, lim)
			var own *Error
			if err != nil && !errors.As(err, &own) {
				fatal(err)
				return
			}
			if !yield(entry, err) {
				return
			}
		}
		if _, err := dec.ReadToken(); err != nil {
			fatal(err)
			return
		}
		if _, err := dec.ReadToken(); err != io.EOF {
			fatal(refuse("", dec.InputOffset(), ErrSyntax, "more text after the manifest"))
		}
	}
}

// manifestEntry reads one entry. An error that is no *Error is one of the stream.
func manifestEntry(dec *jsontext.Decoder, seen map[string]bool, lim FeedLimits) (ManifestEntry, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return ManifestEntry{}, err
	}
	name := tok.String()
	raw, err := dec.ReadValue()
	if err != nil {
		return ManifestEntry{}, err
	}
	at := dec.InputOffset() - int64(len(raw))
	path := strings.ToValidUTF8(short(name, 60), "�")
	uuid, ok := goodUUID(name)
	switch {
	case !ok:
		return ManifestEntry{}, refuse(path, at, ErrName, "an event is named by its UUID")
	case seen[uuid]:
		return ManifestEntry{}, refuse(path, at, ErrDuplicateName, "")
	}
	seen[uuid] = true
	m, err := parseMembers(raw, path, at, lim.MaxDepth)
	if err != nil {
		return ManifestEntry{}, err
	}
	if _, ok := m.epoch("timestamp"); !ok {
		return ManifestEntry{}, refuse(path+".timestamp", at, ErrFormat, "is required and must be seconds since 1970")
	}
	return ManifestEntry{uuid, m}, nil
}

// Hash is one line of hashes.csv: the MD5 of a value and the event that has it.
type Hash struct {
	MD5  [md5.Size]byte
	UUID string
}

// HashOf gives the MD5 of a value, or of one part of a composite one, as feeds have it.
// It serves lookup, not security.
func HashOf(value string) [md5.Size]byte { return md5.Sum([]byte(value)) }

// ReadHashes iterates over the lines of hashes.csv. A line that is refused gives an
// *[Error] with its number, and the iteration goes on unless that is fatal.
func ReadHashes(r io.Reader, lim FeedLimits) iter.Seq2[Hash, error] {
	lim = lim.orDefault()
	return func(yield func(Hash, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for n := 1; ; n++ {
			line, err := in.ReadSlice('\n')
			path := fmt.Sprintf("line %d", n)
			if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
				yield(Hash{}, &Error{Path: path, Offset: -1, Fatal: true, Err: err})
				return
			}
			text := bytes.TrimRight(line, "\r\n")
			switch {
			case err == bufio.ErrBufferFull || len(text) > maxHashLine:
				out := refuse(path, -1, ErrTooLarge, "a line of more than %d bytes", maxHashLine)
				out.Fatal = err == bufio.ErrBufferFull
				if !yield(Hash{}, out) || out.Fatal {
					return
				}
			case n > lim.MaxHashes && len(text) > 0:
				out := refuse(path, -1, ErrTooLarge, "more than the %d lines allowed", lim.MaxHashes)
				out.Fatal = true
				yield(Hash{}, out)
				return
			case len(text) > 0:
				h, bad := parseHash(string(text))
				if bad != "" {
					if !yield(Hash{}, refuse(path, -1, ErrFormat, "%s", bad)) {
						return
					}
				} else if !yield(h, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}
}

func parseHash(line string) (h Hash, bad string) {
	sum, uuid, ok := strings.Cut(line, ",")
	if !ok || strings.Contains(uuid, ",") {
		return h, "must be an MD5, a comma and a UUID"
	}
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != md5.Size {
		return h, "the first field must be an MD5 of 32 hexadecimal digits"
	}
	copy(h.MD5[:], raw)
	if h.UUID, ok = goodUUID(uuid); !ok {
		return h, "the second field must be a UUID"
	}
	return h, ""
}

// Source opens the files of a feed by name, from a folder or over the network. It
// says fs.ErrNotExist of one that is not there. The names asked for are those of
// [FeedFile] and no others.
type Source func(name string) (io.ReadCloser, error)

// FSSource makes a source of a folder.
func FSSource(fsys fs.FS) Source {
	return func(name string) (io.ReadCloser, error) { return fsys.Open(name) }
}

// Feed reads a feed.
type Feed struct {
	src Source
	lim FeedLimits
}

// NewFeed makes a reader of a feed.
func NewFeed(src Source, lim FeedLimits) *Feed { return &Feed{src, lim.orDefault()} }

// Manifest reads the manifest.
func (f *Feed) Manifest() iter.Seq2[ManifestEntry, error] {
	return func(yield func(ManifestEntry, error) bool) {
		file, err := f.src(ManifestName)
		if err != nil {
			yield(ManifestEntry{}, fmt.Errorf("misp: %s: %w", ManifestName, err))
			return
		}
		defer file.Close()
		for e, err := range ReadManifest(file, f.lim) {
			if !yield(e, inFile(ManifestName, err)) {
				return
			}
		}
	}
}

// Hashes reads hashes.csv.
func (f *Feed) Hashes() iter.Seq2[Hash, error] {
	return func(yield func(Hash, error) bool) {
		file, err := f.src(HashesName)
		if err != nil {
			yield(Hash{}, fmt.Errorf("misp: %s: %w", HashesName, err))
			return
		}
		defer file.Close()
		for h, err := range ReadHashes(file, f.lim) {
			if !yield(h, inFile(HashesName, err)) {
				return
			}
		}
	}
}

func inFile(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Event reads the event of an entry. It fails with ErrIntegrity if the file is not the
// one whose hash the manifest states, or holds another event than its name says.
func (f *Feed) Event(entry ManifestEntry) (*Event, error) {
	name, ok := EventFile(entry.UUID)
	if !ok {
		return nil, refuse(short(entry.UUID, 60), -1, ErrName, "an event is named by its UUID")
	}
	file, err := f.src(name)
	if err != nil {
		return nil, fmt.Errorf("misp: %s: %w", name, err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, int64(f.lim.MaxEventBytes)+1))
	if err != nil {
		return nil, fmt.Errorf("misp: %s: %w", name, err)
	}
	if entry.Members != nil && entry.SHA256() != "" {
		if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != entry.SHA256() {
			return nil, refuse(name, -1, ErrIntegrity, "its SHA-256 is another one than in the manifest")
		}
	}
	e, err := Parse(raw, f.lim.Limits)
	if err != nil {
		return nil, inFile(name, err)
	}
	if uuid, _ := goodUUID(e.UUID()); uuid+".json" != name {
		return nil, refuse(name, -1, ErrIntegrity, "it holds another event, %.40q", e.UUID())
	}
	return e, nil
}

// FeedOptions steer [WriteFeed]. The zero value is ready for use.
type FeedOptions struct {
	// Distributions are those with which events and their parts go into the feed;
	// without any all do. Parts that inherit theirs go with what they are in.
	Distributions []Distribution
	// LocalTags lets tags go into the feed that were set for the instance alone.
	LocalTags bool
	// Deleted lets deleted attributes, objects and reports go into the feed, so that
	// those who pull it learn of it.
	Deleted bool
	// MaxEvents is the most events of the feed; default 1,048,576.
	MaxEvents int
}

// FeedStats tells what was written.
type FeedStats struct {
	Events, HeldBack, Hashes int
	Bytes                    int64
}

// Put writes one file of a feed as a whole, replacing an older one of the name. What it
// is given must not be kept after it returns.
type Put func(name string, contents []byte) error

// WriteFeed writes the events of an iterator as a feed, in the form of [FeedForm]:
// first the file of each event, then hashes.csv, and the manifest last, so that it
// never names a file that is not there yet. It stops at the first error. An event that
// comes twice counts once, the newer of the two.
func WriteFeed(put Put, events iter.Seq2[*Event, error], opts FeedOptions) (FeedStats, error) {
	if opts.MaxEvents <= 0 {
		opts.MaxEvents = DefaultMaxFeedEvents
	}
	w := &feedWriter{put: put, opts: opts, manifest: map[string]*Members{}, hashes: map[string][][md5.Size]byte{}}
	for e, err := range events {
		if err == nil {
			err = w.event(e)
		}
		if err != nil {
			return w.stats, err
		}
	}
	return w.stats, w.finish()
}

type feedWriter struct {
	put      Put
	opts     FeedOptions
	manifest map[string]*Members
	hashes   map[string][][md5.Size]byte
	stats    FeedStats
}

func (w *feedWriter) write(name string, b []byte) error {
	if err := w.put(name, b); err != nil {
		return fmt.Errorf("misp: writing %s: %w", name, err)
	}
	w.stats.Bytes += int64(len(b))
	return nil
}

func (w *feedWriter) event(e *Event) error {
	name, ok := EventFile(e.UUID())
	if !ok {
		return refuse(short(e.UUID(), 60), -1, ErrName, "an event is named by its UUID")
	}
	form, ok := FeedForm(e, w.opts)
	if !ok {
		w.stats.HeldBack++
		return nil
	}
	uuid := strings.TrimSuffix(name, ".json")
	if old := w.manifest[uuid]; old != nil {
		a, _ := form.Timestamp()
		if b, _ := old.epoch("timestamp"); !a.After(b) {
			return nil
		}
	} else if len(w.manifest) == w.opts.MaxEvents {
		return refuse(uuid, -1, ErrTooLarge, "more than the %d events allowed", w.opts.MaxEvents)
	}
	text := form.AppendJSON(nil)
	if err := w.write(name, text); err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	m := manifestOf(form)
	m.SetText("integrity:sha256", hex.EncodeToString(sum[:]))
	w.manifest[uuid] = m
	w.hashes[uuid] = HashesOf(form)
	return nil
}

// manifestOf gives what a manifest says of an event.
func manifestOf(e *Event) *Members {
	m := &Members{}
	for _, name := range []string{"Orgc", "Tag", "info", "date", "analysis", "threat_level_id", "timestamp"} {
		if f := e.find(name); f != nil {
			m.list = append(m.list, *f)
		}
	}
	if !m.Has("Tag") {
		m.SetList("Tag", nil)
	}
	return m
}

// HashesOf gives the hashes of all values of an event, each once, as hashes.csv has
// them: composite values by their parts.
func HashesOf(e *Event) [][md5.Size]byte {
	var list [][md5.Size]byte
	seen := map[[md5.Size]byte]bool{}
	for a := range e.AllAttributes() {
		for _, v := range a.Values() {
			if h := HashOf(v); !seen[h] {
				seen[h] = true
				list = append(list, h)
			}
		}
	}
	return list
}

func (w *feedWriter) finish() error {
	uuids := sortedKeys(w.manifest)
	var csv []byte
	manifest := &Members{}
	for _, uuid := range uuids {
		for _, h := range w.hashes[uuid] {
			csv = append(hex.AppendEncode(csv, h[:]), ',')
			csv = append(append(csv, uuid...), '\n')
			w.stats.Hashes++
		}
		manifest.list = append(manifest.list, member{name: uuid, one: w.manifest[uuid]})
	}
	w.stats.Events = len(uuids)
	if err := w.write(HashesName, csv); err != nil {
		return err
	}
	return w.write(ManifestName, manifest.AppendJSON(nil))
}

// FeedForm gives the form in which an event goes into a feed: what feeds have, and
// nothing that only its own instance can use or that is nobody else's business, such as
// local numbers, the address of its author, sharing groups, related events and tags
// that are not to be exported. ok is false if the event's distribution keeps it out.
// The event itself is not changed.
func FeedForm(e *Event, opts FeedOptions) (form *Event, ok bool) {
	if !opts.allows(e.Members, OrganisationOnly) {
		return nil, false
	}
	p := picker{opts}
	m := p.pick(e.Members, "uuid", "info", "date", "timestamp", "publish_timestamp", "published", "threat_level_id", "analysis", "extends_uuid", "protected")
	if org := e.Orgc(); org.Members != nil {
		m.SetPart("Orgc", p.pick(org.Members, "uuid", "name"))
	}
	p.context(m, e.Members)
	p.list(m, e.Members, "Attribute", p.attribute)
	p.list(m, e.Members, "Object", func(o *Members) *Members {
		out := p.pick(o, "uuid", "name", "meta-category", "description", "template_uuid", "template_version", "timestamp", "comment",
			"first_seen", "last_seen", "deleted")
		p.list(out, o, "Attribute", p.attribute)
		p.list(out, o, "ObjectReference", func(r *Members) *Members {
			return p.pick(r, "uuid", "timestamp", "relationship_type", "comment", "object_uuid", "referenced_uuid", "deleted")
		})
		return out
	})
	p.list(m, e.Members, "EventReport", func(r *Members) *Members {
		return p.pick(r, "uuid", "name", "content", "timestamp", "deleted")
	})
	return &Event{m}, true
}

func (o FeedOptions) allows(m *Members, def Distribution) bool {
	d := Distribution(m.number("distribution", int(def)))
	if !m.Has("distribution") || d == InheritEvent {
		return true
	}
	return len(o.Distributions) == 0 || slices.Contains(o.Distributions, d)
}

type picker struct{ opts FeedOptions }

// pick copies the members of the names that are there and not null.
func (picker) pick(m *Members, names ...string) *Members {
	out := &Members{}
	for _, f := range m.list {
		if slices.Contains(names, f.name) && f.raw.Kind() != 'n' {
			out.list = append(out.list, f)
		}
	}
	return out
}

func (p picker) list(to, from *Members, name string, each func(*Members) *Members) {
	var parts []*Members
	for _, part := range from.List(name) {
		if p.opts.allows(part, InheritEvent) && (p.opts.Deleted || !part.Flag("deleted")) {
			parts = append(parts, each(part))
		}
	}
	if from.Has(name) {
		to.SetList(name, parts)
	}
}

func (p picker) attribute(a *Members) *Members {
	out := p.pick(a, "uuid", "value", "category", "type", "comment", "data", "deleted", "timestamp", "to_ids", "disable_correlation",
		"first_seen", "last_seen", "object_relation")
	p.context(out, a)
	return out
}

// context copies tags. Galaxies go as tags, of which whoever pulls the feed makes them
// again.
func (p picker) context(to, from *Members) {
	var tags []*Members
	for _, t := range from.List("Tag") {
		if tag := (Tag{t}); tag.Exportable() && (p.opts.LocalTags || !tag.Local()) {
			tags = append(tags, p.pick(t, "name", "colour", "relationship_type"))
		}
	}
	if tags != nil {
		to.SetList("Tag", tags)
	}
}
