package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"
)

const exhibitKinds = "exhibit."

// maxFilesListed bounds the files of one exhibit that a view lists; the manifest has them all.
const maxFilesListed = 1000

// isEvidence says whether a payload came with an entry of an exhibit, and so lies encrypted here.
func isEvidence(np namedPayload) bool { return strings.HasPrefix(np.kind, exhibitKinds) }

// exhibitBody joins what the gate reads and what the desk reads.
type exhibitBody struct {
	desk.ExhibitBody
	Bytes int64 `json:"bytes,omitempty"` // of the payload before compression
}

// AddExhibit announces an exhibit by its manifest, or goes on with one that was begun by the same manifest.
func (n *Node) AddExhibit(_ context.Context, r ExhibitAddRequest, body io.Reader, _ func(Progress)) (*ExhibitAddResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(body, exhibit.MaxManifest+1))
	if err != nil {
		return nil, err
	}
	m, err := exhibit.ParseManifest(text)
	if err != nil {
		return nil, badInput("This is not the manifest of an exhibit.", err.Error()+".", "Attach files with 'entente exhibit add PATH', which makes it.")
	}
	if r.TLP == "" {
		r.TLP = "amber"
	}
	if _, err := stix.ParseTLP(r.TLP); err != nil {
		return nil, badInput("Unknown marking "+r.TLP+".", "", "Use clear, green, amber, amber+strict or red.")
	}
	b := exhibitBody{ExhibitBody: m.Body(), Bytes: int64(len(text))}
	b.TLP = r.TLP
	if r.About != "" {
		rl, ref, err := n.findAbout(r.Unit, r.About)
		if err != nil {
			return nil, err
		}
		if rl != l {
			return nil, badInput("What it is about is of another unit.", "", "Name its unit with --unit.")
		}
		b.About = &ref
	}
	salt, data, ref, err := n.sealed(text, journal.PayloadExhibit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if x, ok := l.openExhibit(m, text, b.About); ok {
		return l.resumed(x, r.DryRun)
	}
	d := journal.Draft{Kind: exhibitKinds + desk.ExhibitAdd, By: n.by(r.By), Release: claims(r.Release), Body: b, Payload: &ref}
	if err := n.roomFor(ref.Size + m.Size); err != nil {
		return nil, err
	}
	dec := decision(l.decide(d))
	all := &desk.Exhibit{Party: n.keys().party, State: desk.BeingAdded, Size: m.Size, Chunk: m.Chunk, Chunks: b.Chunks}
	if never := l.neverPasses(all); never != nil && dec.Verdict == "allow" {
		dec = *never
	}
	res := &ExhibitAddResponse{WriteResponse: WriteResponse{Unit: string(l.id), Refs: []string{}, DryRun: r.DryRun, Decision: &dec}}
	switch {
	case r.DryRun:
		res.Pace = l.pace(all)
		return res, nil
	case dec.Verdict != "allow":
		if code, why := l.fold.Check(n.keys().party, d); code != "" {
			return nil, illegalMove(d.Kind, code, why, nil)
		}
		var err error
		res.Held, err = l.holdReady(r.Acting, dec, sealed{d, salt, data})
		return res, err
	}
	if err := l.keepSealed(ref.Commitment, salt, data); err != nil {
		return nil, n.sealedError(err)
	}
	entries, err := l.write(d)
	if err != nil {
		return nil, err
	}
	res.Refs = append(res.Refs, entries[0].Ref().String())
	x, ok := l.fold.Exhibit(entries[0].Ref())
	if !ok {
		return nil, notFound("The entry opened no exhibit.", "See why with 'entente journal show'.")
	}
	if x.Chunks == 0 { // nothing but empty files
		if err := l.completeExhibit(x.ID, r.Acting, &res.WriteResponse); err != nil {
			return nil, err
		}
		x, _ = l.fold.Exhibit(x.ID)
	}
	l.written(&x, res)
	return res, nil
}

// sealed makes a payload without keeping it.
func (n *Node) sealed(plain []byte, kind string) (salt [32]byte, data []byte, ref journal.PayloadRef, err error) {
	if err := n.random(salt[:]); err != nil {
		return salt, nil, ref, err
	}
	data, ref, err = journal.SealPayload(salt, plain)
	ref.Type = kind
	return salt, data, ref, err
}

// openExhibit finds an exhibit of this party that is being added, or complete, with this very manifest. The lock must be held.
func (l *ledger) openExhibit(m *exhibit.Manifest, text []byte, about *journal.Ref) (unit.Exhibit, bool) {
	for _, x := range l.fold.Exhibits() {
		same := about == nil && x.About == nil || about != nil && x.About != nil && *about == *x.About
		if x.Party != l.n.keys().party || x.State == desk.GivenUp || !same || m.Fits(x.Files, x.Size, x.Chunk, x.Chunks) != nil {
			continue
		}
		if held, err := l.openPayload(x.Manifest()); err == nil && bytes.Equal(held, text) {
			return x, true
		}
	}
	return unit.Exhibit{}, false
}

func (l *ledger) resumed(x unit.Exhibit, dry bool) (*ExhibitAddResponse, error) {
	res := &ExhibitAddResponse{WriteResponse: WriteResponse{Unit: string(l.id), Refs: []string{}, DryRun: dry}, Resumed: true}
	l.written(&x, res)
	return res, nil
}

// ExhibitContent takes content in, chunk by chunk. What was taken in stays, whatever happens then.
func (n *Node) ExhibitContent(ctx context.Context, r ExhibitContentRequest, body io.Reader, progress func(Progress)) (*ExhibitAddResponse, error) {
	l, ref, err := n.findExhibit(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	x, _ := l.fold.Exhibit(ref)
	m, _, err := l.manifest(&x.Exhibit)
	l.mu.Unlock()
	switch {
	case err != nil:
		return nil, n.sealedError(err)
	case r.Offset < 0 || r.Offset%x.Chunk != 0 || r.Offset > x.Size:
		return nil, badInput("The content does not begin with a chunk.", fmt.Sprintf("The offset is %d; chunks have %d bytes.", r.Offset, x.Chunk), "Begin where 'entente exhibit add' says.")
	case r.Until < 0 || r.Until > x.Size || r.Until%x.Chunk != 0 && r.Until != x.Size:
		return nil, badInput("The content does not end with a chunk.", fmt.Sprintf("It is to end at %d; chunks have %d bytes.", r.Until, x.Chunk), "End where 'entente exhibit add' says.")
	}
	end := x.Chunks
	if r.Until > 0 {
		end = (r.Until + x.Chunk - 1) / x.Chunk
	}
	res := &ExhibitAddResponse{WriteResponse: WriteResponse{Unit: string(l.id), Refs: []string{}}}
	buf := make([]byte, x.Chunk)
	for number := r.Offset / x.Chunk; number < end; number++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		plain, err := m.ReadChunk(body, number, buf)
		if ce := (*exhibit.ChunkError)(nil); errors.As(err, &ce) {
			return nil, conflict("other-content", "This is not the content that was announced.", err.Error()+".",
				"Nothing of that chunk was kept. Add the very file again, or give this exhibit up and add it anew.")
		}
		if err != nil {
			return nil, err
		}
		err = l.addChunk(&r, ref, number, x.TLP, plain)
		if errors.Is(err, errPaced) { // something else was sent meanwhile; the rest of the body is read for an answer to be heard
			if _, err := io.Copy(io.Discard, body); err != nil {
				return nil, err
			}
			break
		}
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress(Progress{Stage: "attach", Done: min((number+1)*x.Chunk, x.Size), Total: x.Size, Unit: "bytes"})
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	x, _ = l.fold.Exhibit(ref)
	if x.State == desk.BeingAdded && x.Have == x.Chunks {
		if err := l.completeExhibit(ref, r.Acting, &res.WriteResponse); err != nil {
			return nil, err
		}
		x, _ = l.fold.Exhibit(ref)
	}
	l.written(&x, res)
	return res, nil
}

// addChunk writes one chunk, unless it is there. It is sealed without the lock.
func (l *ledger) addChunk(r *ExhibitContentRequest, ref journal.Ref, number int64, tlp string, plain []byte) error {
	n := l.n
	b := exhibitBody{ExhibitBody: desk.ExhibitBody{Exhibit: &ref, Number: number, TLP: tlp}, Bytes: int64(len(plain))}
	l.mu.Lock()
	x, _ := l.fold.Exhibit(ref)
	_, there := x.ChunkAt(number)
	l.mu.Unlock()
	if there {
		return nil
	}
	salt, data, pr, err := n.sealed(plain, journal.PayloadChunk)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	d := journal.Draft{Kind: exhibitKinds + desk.ExhibitChunk, By: n.by(r.By), Release: claims(r.Release), Body: b, Payload: &pr}
	if len(d.Release) == 0 {
		if d.Release, err = l.claimsOfAdd(ref); err != nil {
			return err
		}
	}
	x, _ = l.fold.Exhibit(ref)
	switch code, why := x.Judge(l.exhibitMove(d, b.ExhibitBody)); code {
	case "":
	case desk.CodeDuplicate: // another call brought it
		return nil
	default:
		return illegalMove(exhibitKinds+desk.ExhibitChunk, code, why, x.Next(n.keys().party))
	}
	if a, ok := l.fold.Allowance(x.Party, l.n.now()); ok && pr.Size > roomOfDay(a, &x.Exhibit) {
		return errPaced
	}
	if dec := decision(l.decide(d)); dec.Verdict != "allow" {
		return gateError(dec)
	}
	if err := l.keepSealed(pr.Commitment, salt, data); err != nil {
		return n.sealedError(err)
	}
	_, err = l.write(d)
	return err
}

func (l *ledger) completeExhibit(ref journal.Ref, act Acting, w *WriteResponse) error {
	act.HoldReady = false // it was released with the manifest
	if len(act.Release) == 0 {
		by, err := l.claimsOfAdd(ref)
		if err != nil {
			return err
		}
		for _, c := range by {
			act.Release = append(act.Release, Claim{c.Agency, c.Role})
		}
	}
	_, entries, err := l.post(posting{kind: exhibitKinds + desk.ExhibitComplete, act: act,
		body: func(int64) any { return exhibitBody{ExhibitBody: desk.ExhibitBody{Exhibit: &ref}} }})
	if err != nil {
		return err
	}
	w.Refs = append(w.Refs, entries[0].Ref().String())
	return nil
}

// AbandonExhibit gives up adding an exhibit.
func (n *Node) AbandonExhibit(_ context.Context, r ExhibitCustodyRequest) (*WriteResponse, error) {
	l, ref, err := n.findExhibit(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moveExhibit(ref, desk.ExhibitAbandon, r, desk.ExhibitBody{})
}

// exhibitMove is a draft as the desk sees it.
func (l *ledger) exhibitMove(d journal.Draft, b desk.ExhibitBody) desk.ExhibitMove {
	return desk.ExhibitMove{Name: strings.TrimPrefix(d.Kind, exhibitKinds), Party: l.n.keys().party, By: d.By, At: l.n.now(), Body: b, Payload: d.Payload}
}

// moveExhibit makes a move that has no payload but perhaps a text. The lock must be held.
func (l *ledger) moveExhibit(ref journal.Ref, move string, r ExhibitCustodyRequest, body desk.ExhibitBody) (*WriteResponse, error) {
	x, ok := l.fold.Exhibit(ref)
	if !ok {
		return nil, notFound("That exhibit is not here any more.", "")
	}
	plain, tlp, err := jointPayload{Text: r.Text}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	body.Exhibit, body.TLP = &ref, tlp
	p := posting{kind: exhibitKinds + move, act: r.Acting, plain: plain, sealed: true, dryRun: r.DryRun,
		body: func(bytes int64) any { return exhibitBody{ExhibitBody: body, Bytes: bytes} },
		refused: func(code, why string) error {
			return illegalMove(exhibitKinds+nameOr(body.Act, move), code, why, x.Next(l.n.keys().party))
		}}
	if body.Act == desk.ActDestroyed {
		p.also = l.destruction(&x.Exhibit)
	}
	w, _, err := l.post(p)
	return w, err
}

// destruction are the entries that say which payloads are no longer held, and with which they go.
func (l *ledger) destruction(x *desk.Exhibit) []journal.Draft {
	all := []journal.Hash{x.Seal}
	for _, c := range x.Written() {
		all = append(all, c.Payload.Commitment)
	}
	slices.SortFunc(all, func(a, b journal.Hash) int { return bytes.Compare(a[:], b[:]) })
	var out []journal.Draft
	for part := range slices.Chunk(all, journal.MaxMissing) {
		out = append(out, journal.Draft{Kind: journal.KindDestroyed, By: l.n.machine(),
			Body: journal.DestroyedBody{Commitments: part, Reason: "exhibit " + short(x.ID)}})
	}
	return out
}

// ExhibitCustody states who holds an exhibit. What passes on or is used is verified whole before that is stated.
func (n *Node) ExhibitCustody(ctx context.Context, r ExhibitCustodyRequest, progress func(Progress)) (*WriteResponse, error) {
	l, ref, err := n.findExhibit(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(desk.Acts(), r.Act) {
		return nil, badInput("Unknown act of custody "+r.Act+".", "", "Use one of "+strings.Join(desk.Acts(), ", ")+".")
	}
	if r.Act == desk.ActHanded && r.To.Agency == "" || r.Act == desk.ActRejected && r.Code == "" {
		return nil, badInput("The statement is not complete.", "Who hands over says to which agency; who rejects says why, with a code.", "Name the agency with --to AGENCY:ROLE, or the code with --code.")
	}
	l.mu.Lock()
	x, _ := l.fold.Exhibit(ref)
	l.mu.Unlock()
	seal := x.Seal
	body := desk.ExhibitBody{Act: r.Act, Seal: &seal, Code: r.Code, Agency: r.To.Agency, Role: r.To.Role}
	if code, why := x.Judge(desk.ExhibitMove{Name: desk.ExhibitCustody, Party: n.keys().party, Body: body}); code != "" {
		return nil, illegalMove(exhibitKinds+r.Act, code, why, x.Next(n.keys().party))
	}
	if err := n.verified(ctx, ExhibitIDRequest{Unit: r.Unit, ID: r.ID}, r.Act, progress); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moveExhibit(ref, desk.ExhibitCustody, r, body)
}

// verified tells why an act of custody cannot be stated: what passes on or is used is verified whole before that.
func (n *Node) verified(ctx context.Context, id ExhibitIDRequest, act string, progress func(Progress)) error {
	if act == desk.ActRejected || act == desk.ActDestroyed {
		return nil
	}
	v, err := n.VerifyExhibit(ctx, id, progress)
	if err != nil || v.OK {
		return err
	}
	if len(v.Errors) > 0 {
		return conflict("not-verified", "The exhibit does not verify, and nothing was stated.", v.Errors[0]+".",
			"See with 'entente doctor' whether it was changed on this disk. What came and is not what was announced can be rejected: 'entente exhibit custody ID rejected --code mismatch'.")
	}
	return conflict("not-verified", "The exhibit does not verify, and nothing was stated.", fmt.Sprintf("%d chunks are not here.", v.Missing),
		"Open a session until all of it is here. What came and is not what was announced can be rejected: 'entente exhibit custody ID rejected --code mismatch'.")
}

// Exhibits lists exhibits, the newest first.
func (n *Node) Exhibits(ctx context.Context, r ExhibitListRequest) (*ExhibitListResponse, error) {
	ledgers := n.units()
	if r.Unit != "" {
		l, err := n.findUnit(r.Unit)
		if err != nil {
			return nil, err
		}
		ledgers = []*ledger{l}
	}
	var about *journal.Ref
	if r.About != "" {
		_, ref, err := n.findAbout(r.Unit, r.About)
		if err != nil {
			return nil, err
		}
		about = &ref
	}
	res := &ExhibitListResponse{Exhibits: []ExhibitView{}}
	budget := int64(lookBrief)
	for _, l := range ledgers {
		l.mu.Lock()
		all := slices.DeleteFunc(l.fold.Exhibits(), func(x unit.Exhibit) bool { return about != nil && (x.About == nil || *x.About != *about) })
		pieces := l.pieces(all...)
		l.mu.Unlock()
		l.lookAt(ctx, pieces, &budget)
		l.mu.Lock()
		for _, x := range all {
			if x, ok := l.fold.Exhibit(x.ID); ok {
				res.Exhibits = append(res.Exhibits, *l.exhibitView(&x, false))
			}
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(res.Exhibits, func(a, b ExhibitView) int {
		return cmp.Or(b.Added.Compare(a.Added), cmp.Compare(a.ID, b.ID))
	})
	return res, nil
}

// Exhibit shows one exhibit with its custody.
func (n *Node) Exhibit(ctx context.Context, r ExhibitIDRequest) (*ExhibitView, error) {
	l, ref, err := n.findExhibit(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	x, _ := l.fold.Exhibit(ref)
	pieces, budget := l.pieces(x), int64(lookBytes)
	l.mu.Unlock()
	l.lookAt(ctx, pieces, &budget)
	l.mu.Lock()
	defer l.mu.Unlock()
	x, _ = l.fold.Exhibit(ref)
	return l.exhibitView(&x, true), nil
}

// findAbout finds the request or the case that an exhibit is about.
func (n *Node) findAbout(unitName, id string) (*ledger, journal.Ref, error) {
	return n.findThread(unitName, id, "request or case", "entente request list --state all' or 'entente case list", func(l *ledger) []threadID {
		return allOpen(slices.Concat(l.fold.ThreadRefs("request."), l.fold.ThreadRefs("case.")))
	})
}

// findExhibit takes "origin#index", the short form that lists print, or a prefix of either; empty means the
// only one that there is.
func (n *Node) findExhibit(unitName, id string) (*ledger, journal.Ref, error) {
	return n.findJoint(unitName, id, "exhibit")
}

// manifest reads an exhibit's manifest, and holds it against what the entry says. The lock must be held.
func (l *ledger) manifest(x *desk.Exhibit) (m *exhibit.Manifest, text []byte, err error) {
	text, err = l.openPayload(x.Manifest())
	l.noticedHeld(x.Seal, err)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, conflict("not-here", "The manifest of this exhibit is not here.", "It has not come yet, or was destroyed.", "Open a session: 'entente sync'.")
	}
	if err == nil {
		m, err = exhibit.ParseManifest(text)
	}
	if err == nil {
		err = m.Fits(x.Files, x.Size, x.Chunk, x.Chunks)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the manifest of exhibit %s: %w", short(x.ID), err)
	}
	return m, text, nil
}

// exhibitView renders an exhibit; whole reads its files and the texts of its steps too. The lock must be held.
func (l *ledger) exhibitView(x *unit.Exhibit, whole bool) *ExhibitView {
	v := &ExhibitView{ID: x.ID.String(), Short: short(x.ID), Unit: string(l.id), From: l.partyName(x.Party), State: string(x.State), TLP: x.TLP,
		Files: x.Files, Bytes: x.Size, Chunk: x.Chunk, Chunks: x.Chunks, Written: x.Have, Added: x.Added, Completed: x.Completed,
		Seal: hex.EncodeToString(x.Seal[:]), Holders: []ExhibitHolder{}, Next: x.Next(l.n.keys().party), Pace: l.pace(&x.Exhibit)}
	if x.About != nil {
		v.About = x.About.String()
	}
	for _, c := range x.Written() {
		switch h := c.Payload.Commitment; {
		case l.gone[h]:
		case l.damagedHere(h):
			v.Damaged++
		case l.wanted[h]:
			v.Missing++
		default:
			v.Here++
			if _, known := l.looked[h]; known {
				v.ReadBack++
			}
		}
	}
	for _, h := range x.Holders {
		v.Holders = append(v.Holders, ExhibitHolder{Party: l.partyName(h.Party), Position: string(h.Position), At: Claim{h.Agency, h.Role}, Since: h.Since})
	}
	for _, r := range x.Received {
		v.Received = append(v.Received, ReceiptOfWhole{l.partyName(r.Party), r.At})
	}
	if whole {
		if m, _, err := l.manifest(&x.Exhibit); err == nil {
			for _, f := range m.Files[:min(len(m.Files), maxFilesListed)] {
				v.List = append(v.List, ExhibitFile{f.Path, f.Size, hex.EncodeToString(f.SHA256[:]), f.Type})
			}
		}
		v.Steps = l.exhibitSteps(x)
	}
	v.Title, v.ManifestSHA256 = l.titled(&x.Exhibit)
	return v
}

// titledManifest is what lists show of a manifest: opening and reading one takes its time.
type titledManifest struct{ title, sum string }

// titled returns the title in an exhibit's manifest and the hash of its bytes, "" if there is none. The lock must be held.
func (l *ledger) titled(x *desk.Exhibit) (title, sum string) {
	if l.wanted[x.Seal] || l.gone[x.Seal] {
		delete(l.titles, x.Seal)
		return "", ""
	}
	t, ok := l.titles[x.Seal]
	if !ok {
		m, text, err := l.manifest(x)
		switch {
		case errors.Is(err, exhibit.ErrManifest): // it never will be one
		case err != nil:
			return "", ""
		default:
			h := sha256.Sum256(text)
			t = titledManifest{m.Title, hex.EncodeToString(h[:])}
		}
		if l.titles == nil {
			l.titles = map[journal.Hash]titledManifest{}
		}
		l.titles[x.Seal] = t
	}
	return t.title, t.sum
}

// exhibitSteps are the entries of an exhibit in order, those that changed nothing last.
func (l *ledger) exhibitSteps(x *unit.Exhibit) []ExhibitStepView {
	out := []ExhibitStepView{}
	for i, s := range slices.Concat(x.Steps, shown(x.Illegal)) {
		m := ExhibitStepView{Ref: s.Ref.String(), Move: s.Move, Act: s.Act, Party: l.partyName(s.Party), By: Claim{s.By.Agency, s.By.Role}, At: s.At,
			Code: s.Code, To: Claim{s.Agency, s.Role}, Refused: s.Refused, Reason: s.Reason}
		if s.Seal != nil {
			m.Seal = hex.EncodeToString(s.Seal[:])
		} else if s.Refused == "" {
			m.Seal = hex.EncodeToString(x.Seal[:])
		}
		if i < len(x.Receipts) {
			for _, r := range x.Receipts[i] {
				m.Receipts = append(m.Receipts, ReceiptOfWhole{l.partyName(r.Party), r.At})
			}
		}
		if s.Payload != nil && s.Payload.Type == journal.PayloadText {
			p, absent := l.moveWords(s.Payload, s.Held)
			m.Text, m.Absent = p.Text, absent
		}
		out = append(out, m)
	}
	return out
}
