package dossier

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/internal/unit"
	"entente/journal"
)

// Bounds of what is verified of exhibits.
const (
	// maxManifests bounds the bytes of all manifests that are held; exhibits beyond are told as not verified.
	maxManifests = 64 << 20
	// maxExhibitFiles bounds the files that a report lists of one exhibit.
	maxExhibitFiles = 1000
)

const exhibitKinds = "exhibit."

// evidence is what was found out about the payloads of one exhibit.
type evidence struct {
	m      *exhibit.Manifest
	text   journal.Hash // SHA-256 of the manifest
	err    error        // why there is no manifest
	files  *exhibit.FileHashes
	next   int64 // the chunk that the file hashes wait for
	chunks map[journal.Ref]chunkFacts
}

// chunkFacts are the size and the hash of a chunk payload.
type chunkFacts struct {
	size int64
	sum  journal.Hash
}

// ExhibitReport is one exhibit: what was attached, what of it is in the dossier and is what its manifest
// says, and who held it.
type ExhibitReport struct {
	ID    journal.Ref     `json:"id"`
	Party journal.PartyID `json:"party"`
	About *journal.Ref    `json:"about,omitempty"`
	State string          `json:"state"`
	Added time.Time       `json:"added"`
	Title string          `json:"title,omitempty"`
	Size  int64           `json:"size"`
	// Seal is the commitment of the manifest, which statements of custody name.
	Seal journal.Hash `json:"seal"`
	// Manifest is the SHA-256 of the manifest in hex; "" if it is not in the dossier, or cannot be read.
	Manifest string `json:"manifest,omitempty"`
	Files    int64  `json:"files"`
	// FilesVerified are those of which every byte is in the dossier and which have their hash.
	FilesVerified  int64 `json:"files_verified"`
	Chunks         int64 `json:"chunks"`
	ChunksVerified int64 `json:"chunks_verified"` // in the dossier, and what the manifest says
	// List are the first 1,000 files as the manifest has them.
	List    []exhibit.File     `json:"list,omitempty"`
	Steps   []desk.ExhibitStep `json:"steps"`
	Illegal []desk.ExhibitStep `json:"illegal,omitempty"`
	Holders []desk.Holder      `json:"holders"`
	// Receipts are, for each of Steps, by whom and when it was receipted.
	Receipts [][]unit.Receipted `json:"receipts"`
}

// exhibitPayload looks at an opened payload that an entry of an exhibit names.
func (v *verifier) exhibitPayload(ref journal.Ref, st *payloadState, plain []byte) {
	add := ref
	if st.p.Type == journal.PayloadChunk {
		if st.body.chunk.Exhibit == nil {
			return // the fold says that it is none
		}
		add = *st.body.chunk.Exhibit
	}
	if v.attached == nil {
		v.attached = map[journal.Ref]*evidence{}
	}
	e := v.attached[add]
	if e == nil {
		e = &evidence{chunks: map[journal.Ref]chunkFacts{}}
		v.attached[add] = e
	}
	sum := journal.Hash(sha256.Sum256(plain))
	switch st.p.Type {
	case journal.PayloadExhibit:
		e.text = sum
		if v.manifests += int64(len(plain)); v.manifests > maxManifests {
			e.err = errManifests
			return
		}
		if e.m, e.err = exhibit.ParseManifest(plain); e.err == nil {
			e.files = exhibit.NewFileHashes(e.m)
		}
	case journal.PayloadChunk:
		e.chunks[ref] = chunkFacts{int64(len(plain)), sum}
		if e.files == nil || st.body.chunk.Number < e.next || st.body.chunk.Number >= int64(len(e.m.Chunks)) || e.m.CheckChunk(st.body.chunk.Number, plain) != nil {
			return
		}
		for ; e.next < st.body.chunk.Number; e.next++ { // not in the dossier
			e.files.Skip(e.m.SizeOf(e.next))
		}
		e.files.Write(plain)
		e.next++
	}
}

// errManifests says that manifests take more room than a verifier gives them.
var errManifests = fmt.Errorf("the manifests in the dossier have more than %d bytes together", maxManifests)

// exhibits reports every exhibit, and holds its payloads against its manifest.
func (v *verifier) exhibits(st *unit.State) (out []ExhibitReport) {
	for i := range st.Exhibits {
		out = append(out, v.exhibit(&st.Exhibits[i]))
	}
	return out
}

func (v *verifier) exhibit(x *unit.Exhibit) ExhibitReport {
	r := ExhibitReport{ID: x.ID, Party: x.Party, About: x.About, State: string(x.State), Added: x.Added, Size: x.Size, Seal: x.Seal, Files: x.Files,
		Chunks: x.Chunks, Steps: x.Steps, Illegal: x.Illegal, Holders: x.Holders, Receipts: x.Receipts}
	e := v.attached[x.ID]
	if e == nil || e.m == nil && e.err == nil {
		return r
	}
	note := func(ref journal.Ref, key string, args ...any) {
		v.add(Finding{Weight: Proved, Code: CodeBadExhibit, Party: x.Party, Refs: refs(ref), At: x.Added, Clock: x.Party, says: []sentence{say(key, args...)}})
	}
	if e.err == errManifests {
		v.find(Open, CodeAbsent, "", []journal.Ref{x.ID}, "verify.exhibit-unverified", "exhibit", x.ID, "detail", e.err)
		return r
	}
	if e.err == nil {
		e.err = e.m.Fits(x.Files, x.Size, x.Chunk, x.Chunks)
	}
	if e.err != nil {
		note(x.ID, "verify.exhibit-manifest", "detail", e.err)
		return r
	}
	r.Title, r.Manifest, r.List = e.m.Title, hex.EncodeToString(e.text[:]), slices.Clone(e.m.Files[:min(len(e.m.Files), maxExhibitFiles)])
	for number := range x.Chunks {
		c, ok := x.ChunkAt(number)
		if !ok {
			continue
		}
		switch got, here := e.chunks[c.Ref]; {
		case !here:
		case got.size != e.m.SizeOf(number) || got.sum != e.m.Chunks[number]:
			note(c.Ref, "verify.exhibit-chunk", "n", number+1, "exhibit", x.ID)
		default:
			r.ChunksVerified++
		}
	}
	for ; e.next < x.Chunks; e.next++ {
		e.files.Skip(e.m.SizeOf(e.next))
	}
	good, bad := e.files.End()
	r.FilesVerified = good
	for _, path := range bad {
		note(x.ID, "verify.exhibit-file", "file", strconv.QuoteToASCII(path))
	}
	return r
}

// exhibits are told of one after the other.
func (p *page) exhibits() {
	list(p, "verify.exhibits", p.r.Exhibits, func(x ExhibitReport) {
		p.say("  ", "verify.exhibit", "files", count("ui.n-files", int64(x.Files)), "bytes", count("size.bytes", x.Size), "party", p.party(x.Party), "at", x.Added, "state", p.code("exhibit-state", x.State))
		p.say("    ", "verify.exhibit-entry", "entry", x.ID, "seal", x.Seal)
		if x.About != nil {
			p.say("    ", "verify.exhibit-about", "entry", *x.About)
		}
		if x.Title != "" {
			p.say("    ", "verify.exhibit-title", "text", x.Title)
		}
		if x.Manifest == "" {
			p.say("    ", "verify.exhibit-no-manifest")
		} else {
			p.say("    ", "verify.exhibit-checked", "hash", x.Manifest, "chunks", fmt.Sprint(x.ChunksVerified), "allchunks", fmt.Sprint(x.Chunks), "files", fmt.Sprint(x.FilesVerified), "allfiles", fmt.Sprint(x.Files))
		}
		for _, f := range x.List[:min(len(x.List), 20)] {
			p.say("    ", "verify.exhibit-of", "hash", hex.EncodeToString(f.SHA256[:]), "path", f.Path, "size", count("size.bytes", f.Size))
		}
		if len(x.List) > 20 {
			p.say("    ", "verify.exhibit-more", "n", x.Files-20)
		}
		for i, s := range x.Steps {
			p.say("    ", "verify.value", "text", p.step(&x, i, s))
		}
		for _, s := range x.Illegal[:min(len(x.Illegal), maxIdle)] {
			p.say("    ", "verify.exhibit-idle", "code", s.Refused, "why", p.code("desk", s.Refused), "move", p.c.Move("exhibit", s.Move), "party", p.party(s.Party), "at", s.At, "entry", s.Ref)
		}
	})
}

// step is one line of a chain of custody.
func (p *page) step(x *ExhibitReport, i int, s desk.ExhibitStep) string {
	move := s.Act
	if move == "" {
		move = s.Move
	}
	what := p.c.Move("exhibit", move)
	if s.Agency != "" {
		what = p.t("verify.handed-to", "what", what, "to", s.Agency+":"+s.Role)
	}
	var got []string
	if i < len(x.Receipts) {
		for _, r := range x.Receipts[i] {
			got = append(got, p.party(r.Party)+" "+p.when(r.At))
		}
	}
	return p.t("verify.custody", "at", s.At, "what", what, "party", p.party(s.Party), "by", s.By.Agency+":"+s.By.Role, "list", p.c.List(got), "entry", s.Ref)
}
