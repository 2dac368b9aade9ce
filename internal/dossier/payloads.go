package dossier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/journal"
	"entente/stix"
)

// payloadState is what is known of a payload that an entry names.
type payloadState struct {
	p      journal.PayloadRef
	author journal.PartyID
	kind   string
	at     time.Time
	body   bodyClaims
	held   bool // it is in the dossier
}

// bodyClaims are what an entry's body says about its payload.
type bodyClaims struct {
	Objects *int64           `json:"objects"`
	Types   map[string]int64 `json:"types"`
	TLP     string           `json:"tlp"`
	PAP     string           `json:"pap"`
	Hash    string           `json:"hash"`
	chunk   chunkClaims      // of an entry of an exhibit
}

// chunkClaims say which chunk of which exhibit a payload is.
type chunkClaims struct {
	Exhibit *journal.Ref `json:"exhibit"`
	Number  int64        `json:"number"`
}

// readClaims reads them as far as they can be read; what is wrong with a body is for the fold to say.
func readClaims(body jsontext.Value) (c bodyClaims) {
	if json.Unmarshal(body, &c) != nil {
		return bodyClaims{}
	}
	return c
}

// payloadFacts are what was found out about a payload record.
type payloadFacts struct {
	offset     int64
	commitment journal.Hash
	size       int64  // compressed
	err        error  // why it does not open; the commitment holds
	accord     string // hash of an accord text
	accordErr  error  // why it is no valid accord
	objects    int64  // of a STIX payload, -1 for others
	types      map[string]int64
	tlp        stix.TLP // the strictest of the fixed markings on any object
	marked     string   // the object that bears it
	pap        stix.PAP // likewise, with labels
	restricted string
}

// readTexts reads the accord texts. They stand before the journals so that every entry can be judged
// as it comes; their commitments are compared when their entries come.
func (v *verifier) readTexts() error {
	for _, ref := range v.m.Texts {
		if err := v.look(); err != nil {
			return err
		}
		if !v.is(recordText) {
			return v.damage(PartText, ref.Origin, &ref, "%s", v.why())
		}
		p, err := parsePayload(v.cur.content)
		if err == nil && p.ref != ref {
			err = fmt.Errorf("it calls itself that of entry %s", p.ref)
		}
		if err == nil && journal.Commit(p.salt, p.data) != p.commitment {
			err = errors.New("its bytes do not have the commitment that stands before them")
		}
		if err != nil {
			return v.damage(PartText, ref.Origin, &ref, "%v", err)
		}
		f := payloadFacts{offset: v.cur.offset, commitment: p.commitment, size: int64(len(p.data)), objects: -1}
		plain, err := open(p)
		if f.err = err; err == nil {
			sum := accord.HashOf(plain)
			f.accord = hex.EncodeToString(sum[:])
			f.accordErr = v.fold.AddAccord(plain)
		}
		v.texts[ref], v.places[p.commitment] = f, v.cur.offset
		v.counts.Payloads++
		v.take()
	}
	return nil
}

// open decompresses within bounds a payload whose commitment holds.
func open(p payload) ([]byte, error) {
	ref := journal.PayloadRef{Commitment: p.commitment, Size: int64(len(p.data))}
	return journal.OpenPayload(ref, p.salt, p.data, journal.MaxPlain)
}

// rest reads what follows the journals: payloads, proofs, end.
func (v *verifier) rest() error {
	for {
		if err := v.look(); err != nil {
			return err
		}
		if !v.is(recordPayload) {
			break
		}
		if err := v.payload(); err != nil {
			return err
		}
		v.take()
	}
	// A damaged payload must not be taken for a damaged proof or end.
	if v.curErr != io.EOF && (v.curErr != nil || v.cur.kind != recordProof && v.cur.kind != recordPage && v.cur.kind != recordEnd) {
		if ref := v.identify(v.cur.content); ref != nil {
			return v.damage(PartPayload, ref.Origin, ref, "%s", v.why())
		}
		if v.cur.kind == recordPayload {
			return v.damage(PartPayload, "", nil, "%s; which entry it belongs to cannot be told", v.why())
		}
	}
	for v.is(recordProof) {
		if ref := v.identify(v.cur.content); ref != nil {
			return v.damage(PartPayload, ref.Origin, ref, "%s", fixed("damage.kind-changed"))
		}
		if err := v.proof(); err != nil {
			return err
		}
		v.take()
		if err := v.look(); err != nil {
			return err
		}
	}
	if v.cur.kind == recordProof && v.curErr != nil && v.curErr != io.EOF {
		return v.damage(PartProof, "", nil, "number %d: %s", v.counts.Proofs+1, v.why())
	}
	if err := v.readPage(); err != nil {
		return err
	}
	return v.end()
}

// readPage reads the page for people, if there is one. Nobody signed it; only its form is checked.
func (v *verifier) readPage() error {
	if v.cur.kind != recordPage || v.curErr == io.EOF {
		return nil
	}
	if v.curErr != nil {
		return v.damage(PartPage, "", nil, "%s", v.why())
	}
	if ref := v.identify(v.cur.content); ref != nil {
		return v.damage(PartPayload, ref.Origin, ref, "%s", fixed("damage.kind-changed"))
	}
	if err := checkPage(v.cur.content); err != nil {
		return v.damage(PartPage, "", nil, "%v", err)
	}
	v.page = &PageReport{int64(len(v.cur.content)), journal.Hash(sha256.Sum256(v.cur.content))}
	v.take()
	return v.look()
}

// identify finds out which entry a damaged payload record belongs to, from its commitment or else
// from the entry it names. One byte may have come or gone before either.
func (v *verifier) identify(b []byte) *journal.Ref {
	for _, shift := range []int{0, 1, -1} {
		at := refBytes + shift
		if len(b) < at+32 {
			continue
		}
		refs := v.byHash[journal.Hash(b[at:at+32])]
		if len(refs) == 0 {
			continue
		}
		if shift >= 0 {
			if r, ok := parseRef(b[shift:]); ok {
				for i := range refs {
					if refs[i] == r {
						return &refs[i]
					}
				}
			}
		}
		return &refs[0]
	}
	for _, shift := range []int{0, 1} {
		if r, ok := parseRef(b[min(shift, len(b)):]); ok && v.payloads[r] != nil {
			return &r
		}
	}
	if r, ok := parseRef(append([]byte("e"), b...)); ok && v.payloads[r] != nil {
		return &r
	}
	return nil
}

// payload verifies one payload record.
func (v *verifier) payload() error {
	fail := func(format string, args ...any) error {
		ref := v.identify(v.cur.content)
		if ref == nil {
			return v.damage(PartPayload, "", nil, format+"; which entry it belongs to cannot be told", args...)
		}
		return v.damage(PartPayload, ref.Origin, ref, format, args...)
	}
	p, err := parsePayload(v.cur.content)
	if err != nil {
		return fail("%v", err)
	}
	st := v.payloads[p.ref]
	switch {
	case st == nil:
		return fail("entry %s names no payload", p.ref)
	case st.p.Type == journal.PayloadAccord:
		return fail("entry %s names an accord text; those stand before the journals", p.ref)
	case v.last != nil && compareRefs(*v.last, p.ref) >= 0:
		return fail("payloads do not stand in the order of their entries, each once")
	case p.commitment != st.p.Commitment || journal.Commit(p.salt, p.data) != p.commitment:
		return v.damage(PartPayload, p.ref.Origin, &p.ref, "%s", fixed("damage.not-committed"))
	}
	v.last, st.held, v.places[p.commitment] = &p.ref, true, v.cur.offset
	v.counts.Payloads++
	f := payloadFacts{offset: v.cur.offset, commitment: p.commitment, size: int64(len(p.data)), objects: -1}
	plain, err := open(p)
	if f.err = err; err == nil && st.p.Type == journal.PayloadSTIX {
		see := func(*stix.Object) {}
		if st.kind == "share" {
			see = v.sent.see(p.ref)
		}
		f.err = f.count(plain, see)
	}
	if err == nil && strings.HasPrefix(st.kind, exhibitKinds) {
		v.exhibitPayload(p.ref, st, plain)
	}
	if err == nil && v.opt.Words {
		v.keepWords(p.ref, st, plain)
	}
	v.judgePayload(p.ref, st, f)
	return nil
}

// maxTypes bounds the types that are told apart in a payload; an entry can name no more.
const maxTypes = 1024

// count reads a STIX payload to its end, and shows its objects to see.
func (f *payloadFacts) count(plain []byte, see func(*stix.Object)) error {
	f.objects, f.types = 0, map[string]int64{}
	r := stix.NewReader(bytes.NewReader(plain), stix.ReaderOptions{})
	for {
		o, err := r.Next()
		var re *stix.ReadError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &re) && !re.Fatal:
			return fmt.Errorf("object %d is no STIX object: %w", f.objects, err)
		case err != nil:
			return err
		}
		f.objects++
		if len(f.types) < maxTypes || f.types[o.Type] > 0 {
			f.types[o.Type]++
		}
		if level, marked := o.TLP(nil); marked && level > f.tlp {
			f.tlp, f.marked = level, o.ID
		}
		if level := o.PAP(nil); level > f.pap {
			f.pap, f.restricted = level, o.ID
		}
		see(o)
	}
}

// judgePayload notes what is wrong with a payload that is the very one its author committed to: then
// it is the author's doing, and the dossier proves it.
func (v *verifier) judgePayload(ref journal.Ref, st *payloadState, f payloadFacts) {
	note := func(code, key string, args ...any) {
		v.add(Finding{Weight: Proved, Code: code, Party: st.author, Refs: refs(ref), At: st.at, Clock: st.author, says: []sentence{say(key, args...)}})
	}
	if f.size != st.p.Size {
		note(CodeBadPayload, "verify.payload-size", "said", count("size.bytes", st.p.Size), "n", f.size)
	}
	switch {
	case f.err != nil:
		note(CodeBadPayload, "verify.payload-unreadable", "detail", f.err)
	case st.p.Type == journal.PayloadAccord && st.body.Hash != f.accord:
		note(CodeTextMismatch, "verify.payload-accord", "said", st.body.Hash, "is", f.accord)
	case f.accordErr != nil:
		note(CodeBadPayload, "verify.payload-bad-accord", "detail", f.accordErr)
	case f.objects >= 0:
		v.objects += f.objects
		if st.kind == "share" && st.body.Objects != nil && *st.body.Objects != f.objects {
			note(CodeMiscounted, "verify.payload-objects", "said", count("ui.object-count", *st.body.Objects), "n", f.objects)
		} else if st.kind == "share" && len(st.body.Types) > 0 && !maps.Equal(st.body.Types, f.types) {
			note(CodeMiscounted, "verify.payload-types", "said", fmt.Sprint(st.body.Types), "is", fmt.Sprint(f.types))
		}
		// Only the fixed markings, and labels: what they mean nobody can redefine.
		if claim, err := stix.ParseTLP(st.body.TLP); st.kind == "share" && (err == nil || st.body.TLP == "") && f.tlp > claim {
			note(CodeUnderstated, "verify.payload-marked", "said", claim.Label(), "object", f.marked, "is", f.tlp.Label())
		}
		if claim := papClaim(st.body.PAP); st.kind == "share" && f.pap > claim {
			note(CodePAPUnderstated, "verify.payload-marked", "said", claim.Label(), "object", f.restricted, "is", f.pap.Label())
		}
	}
}

// papClaim is what an entry says of PAP; one that says nothing says that nothing is restricted.
func papClaim(label string) stix.PAP {
	if label == "" {
		return stix.PAPClear
	}
	return stix.ParsePAP(label)
}

// end checks the end record and that nothing follows it.
func (v *verifier) end() error {
	if !v.is(recordEnd) {
		return v.damage(PartEnd, "", nil, "%s", v.why())
	}
	v.counts.Bytes = v.cur.offset
	if !bytes.Equal(v.cur.content, v.counts.end(v.cur.before)) {
		return v.damage(PartEnd, "", nil, "%s", fixed("damage.end-differs"))
	}
	v.sum = journal.Hash(v.cur.before)
	v.take()
	if err := v.look(); err != nil {
		return err
	}
	if v.curErr != io.EOF {
		return v.damage(PartTrailing, "", nil, "%s", fixed("damage.more-behind"))
	}
	return nil
}
