package demo

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/api"
	"entente/internal/node"
	"entente/journal"
)

//go:embed data/facts.json
var facts []byte

//go:embed data/red.json
var red []byte

const (
	unitName  = "Election watch"
	drillName = "Second unit"
)

// step is one chapter. It fails when what it shows does not hold.
type step struct {
	title string
	do    func(context.Context) error
}

func (s *story) steps() []step {
	all := []step{
		{"Two parties, two nodes", s.begin},
		{"Found a unit, and compare digits by voice", s.meet},
		{"Negotiate: a proposal, a counter-proposal, two signatures", s.negotiate},
		{"Import what North knows, and share it", s.share},
		{"The gate refuses one object above the TLP ceiling", s.refuse},
	}
	for _, file := range s.o.Import {
		all = append(all, step{"Import and share " + filepath.Base(file), func(ctx context.Context) error { return s.shareFile(ctx, file) }})
	}
	all = append(all,
		step{"Ask, and be answered", s.ask},
		step{"The partner rewrites its journal, and is caught", s.attack},
		step{"Suspend, and resume", s.suspend},
		step{"A unit for the election register", s.register},
		step{"The register is watched over: an attack is seen, and hunted back in time", s.watch},
		step{"Notice of the intrusion, and what it left is preserved", s.notice},
		step{"Asked about, with the risk of acting", s.investigate},
		step{"The hotline climbs", s.climb},
		step{"An answer with evidence", s.answer},
		step{"A review, computed twice to the same bytes", s.reviewed},
		step{"A joint statement", s.announce},
		step{"One side withdraws", s.leave},
		step{"Verify everything, offline", s.verify},
	)
	for i := range all {
		do, title := all[i].do, all[i].title
		all[i].do = func(ctx context.Context) error {
			s.say.begin(title)
			return do(ctx)
		}
	}
	return all
}

func (s *story) begin(ctx context.Context) (err error) {
	at, err := s.ports(4)
	if err != nil {
		return err
	}
	if s.north, err = s.start(ctx, "North", "en", at[0], at[1]); err != nil {
		return err
	}
	if s.south, err = s.start(ctx, "South", "vi", at[2], at[3]); err != nil {
		return err
	}
	for _, p := range []*party{s.north, s.south} {
		s.say.did("%s: party %s…, answers partners on %s", p.name, p.init.Party[:16], p.ready.Peer)
	}
	s.say.proved("each node made its own keys; the organisation key lies apart, for an offline place")
	return nil
}

// pair founds a unit at North and lets South join, as two officers on a telephone do.
func (s *story) pair(ctx context.Context, name string) (unit string, err error) {
	var ref node.UnitRef
	if err := s.north.Call(ctx, "unit.found", node.UnitFoundRequest{Name: name}, &ref); err != nil {
		return "", err
	}
	var inv node.UnitInviteResponse
	if err := s.north.Call(ctx, "unit.invite", node.UnitInviteRequest{Unit: ref.Unit}, &inv); err != nil {
		return "", err
	}
	var there, here node.Pairing
	if err := s.south.Call(ctx, "unit.join", node.UnitJoinRequest{Invitation: inv.Invitation}, &there); err != nil {
		return "", err
	}
	var st node.StatusResponse
	if err := s.north.Call(ctx, "status", nil, &st); err != nil {
		return "", err
	}
	for _, p := range st.Pairings {
		if p.ID == there.ID {
			here = p
		}
	}
	if here.Digits == "" || there.Digits == "" || here.Digits == there.Digits {
		return "", errors.New("each side has to have digits of its own to read aloud")
	}
	s.say.did("North reads aloud %s, South types it in; South reads aloud %s, North types it in", here.Digits, there.Digits)
	var done node.Pairing
	if err := s.north.Call(ctx, "unit.confirm", node.UnitConfirmRequest{Pairing: here.ID, Digits: there.Digits}, &done); err != nil {
		return "", err
	}
	if err := s.south.Call(ctx, "unit.confirm", node.UnitConfirmRequest{Pairing: there.ID, Digits: here.Digits}, &done); err != nil {
		return "", err
	}
	return ref.Unit, eventually(ctx, "the journals reaching each other", func() (bool, error) {
		for _, p := range []*party{s.north, s.south} {
			v, err := p.unit(ctx, ref.Unit)
			if err != nil {
				return false, err
			}
			if len(v.Brief.Members) != 2 || v.Brief.Members[1].Size == 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

func (s *story) meet(ctx context.Context) (err error) {
	s.say.did("North founds %q and hands South one line of text", unitName)
	if s.unit, err = s.pair(ctx, unitName); err != nil {
		return err
	}
	s.say.proved("nobody stands between the two: the digits come from both identities, both nonces and the TLS session")
	return nil
}

func (p *party) unit(ctx context.Context, unit string) (*node.UnitShowResponse, error) {
	var v node.UnitShowResponse
	return &v, p.Call(ctx, "unit.show", node.UnitShowRequest{Unit: unit}, &v)
}

func (s *story) negotiate(ctx context.Context) error {
	text, err := accord.ExampleFor("minimal", []accord.PartyRef{
		{ID: s.north.init.Party, Name: s.north.name, Agencies: []string{"CERT"}},
		{ID: s.south.init.Party, Name: s.south.name, Agencies: []string{"CERT"}}})
	if err != nil {
		return err
	}
	var first node.AccordProposeResponse
	if err := s.north.Call(ctx, "accord.propose", node.AccordProposeRequest{Unit: s.unit, Text: string(text)}, &first); err != nil {
		return err
	}
	s.say.did("North proposes accord %s…", first.Hash[:12])
	var shown node.AccordShowResponse
	if err := s.await(ctx, s.south, s.unit, first.Hash, &shown); err != nil {
		return err
	}
	counter, err := stricter(shown.Text)
	if err != nil {
		return err
	}
	var second node.AccordProposeResponse
	if err := s.south.Call(ctx, "accord.propose", node.AccordProposeRequest{Unit: s.unit, Text: string(counter), Kind: "counter", Counters: first.Hash}, &second); err != nil {
		return err
	}
	s.say.did("South counters with %s…; what differs, clause by clause:", second.Hash[:12])
	if err := s.await(ctx, s.north, s.unit, second.Hash, &shown); err != nil {
		return err
	}
	var diff node.AccordDiffResponse
	if err := s.north.Call(ctx, "accord.diff", node.AccordDiffRequest{Unit: s.unit, A: first.Hash, B: second.Hash}, &diff); err != nil {
		return err
	}
	if len(diff.Changes) == 0 {
		return errors.New("the counter-proposal shows no difference")
	}
	for _, c := range diff.Changes {
		s.say.did("  %s", c.Text)
	}
	for _, act := range []struct {
		p    *party
		move string
	}{{s.north, "accept"}, {s.north, "sign"}, {s.south, "sign"}} {
		if err := act.p.Call(ctx, "accord.act", node.AccordActRequest{Unit: s.unit, Hash: second.Hash, Move: act.move}, nil); err != nil {
			return err
		}
	}
	s.say.did("North accepts and signs, South signs")
	s.accord = second.Hash
	if err := s.inForce(ctx, s.unit, s.accord); err != nil {
		return err
	}
	s.say.proved("both journals hold both signatures under the same hash; the accord is in force at both ends")
	return nil
}

// inForce waits until an accord binds at both sides.
func (s *story) inForce(ctx context.Context, unit, hash string) error {
	return eventually(ctx, "the accord coming into force", func() (bool, error) {
		for _, p := range []*party{s.north, s.south} {
			v, err := p.unit(ctx, unit)
			if err != nil || v.Brief.Accord != hash {
				return false, err
			}
		}
		return true, nil
	})
}

// await waits until a party holds an accord's text.
func (s *story) await(ctx context.Context, p *party, unit, hash string, into *node.AccordShowResponse) error {
	return eventually(ctx, "the proposal arriving at "+p.name, func() (bool, error) {
		err := p.Call(ctx, "accord.show", node.AccordShowRequest{Unit: unit, Hash: hash}, into)
		var problem *api.Problem
		if errors.As(err, &problem) {
			return false, nil // not there yet
		}
		return err == nil, err
	})
}

// stricter adds a ceiling of TLP:GREEN for shares to an accord text.
func stricter(text []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	handling, ok := doc["handling"].(map[string]any)
	if !ok {
		return nil, errors.New("the accord has no handling terms")
	}
	ceilings, _ := handling["ceiling"].([]any)
	handling["ceiling"] = append(ceilings, map[string]any{"id": "H2", "kind": "share", "tlp": "green"})
	return json.Marshal(doc)
}

func (s *story) share(ctx context.Context) error {
	return s.shareAll(ctx, "facts.json", facts, "")
}

func (s *story) shareFile(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	// Unmarked objects count as the strictest. Whoever imports public reporting says
	// so, and signs for it when it is shared.
	return s.shareAll(ctx, filepath.Base(file), data, "clear")
}

// shareAll imports a file at North, shares it, and checks that South serves every
// object over TAXII byte for byte.
func (s *story) shareAll(ctx context.Context, name string, data []byte, unmarked string) error {
	want, err := objectsIn(data)
	if err != nil {
		return err
	}
	var imp node.ImportResponse
	if err := s.north.Long(ctx, "import", node.ImportRequest{Name: name, Unmarked: unmarked}, bytes.NewReader(data), nil, &imp); err != nil {
		return err
	}
	s.say.did("North imports %s: %s, %d objects, %d new", name, imp.Format, imp.Read, imp.New)
	if imp.BadCount > 0 || int(imp.Read) != len(want) {
		return fmt.Errorf("%d of %d objects could not be imported: %+v", imp.BadCount, len(want), imp.Bad)
	}
	var sh node.ShareResponse
	if err := s.north.Long(ctx, "share", node.ShareRequest{Unit: s.unit, Source: name}, nil, nil, &sh); err != nil {
		return err
	}
	s.say.did("North shares %d of them in %d entries; the gate allowed it by clause %s", sh.Shared, len(sh.Refs), sh.Decision.Clause)
	if sh.Stopped > 0 {
		return fmt.Errorf("the gate stopped %d objects: %+v", sh.Stopped, sh.Refused)
	}
	var got map[string][]byte
	accepted := 0
	err = eventually(ctx, "the objects arriving at South", func() (bool, error) {
		n, err := s.review(ctx)
		if err != nil {
			return false, err
		}
		accepted += n
		if got, err = s.pullFrom(ctx, s.south, "From North"); err != nil {
			return false, err
		}
		return containsAll(got, want), nil
	})
	if err != nil {
		return errors.Join(err, missing(got, want))
	}
	if accepted > 0 {
		s.say.did("South's guard held %d of them; its officer looked at the reasons and accepted", accepted)
	}
	if err := missing(got, want); err != nil {
		return err
	}
	s.say.proved("an analyst at South pulls all %d over TAXII, each byte for byte as North imported it", len(want))
	return nil
}

// review lets South's officer accept what the guard holds, with the reason on record.
func (s *story) review(ctx context.Context) (int, error) {
	var page node.IntakeResponse
	if err := s.south.Call(ctx, "intake.list", node.IntakeRequest{Limit: 1000}, &page); err != nil || len(page.Items) == 0 {
		return 0, err
	}
	var items []string
	for _, it := range page.Items {
		items = append(items, it.Item)
	}
	var done node.IntakeDecideResponse
	err := s.south.Call(ctx, "intake.decide", node.IntakeDecideRequest{Items: items, Accept: true, Reason: "looked at: public reporting"}, &done)
	return done.Decided, err
}

func (s *story) pullFrom(ctx context.Context, p *party, titled string) (map[string][]byte, error) {
	t := &taxiiClient{party: p}
	_, collections, err := t.collections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range collections {
		if strings.HasPrefix(c.Title, titled) {
			return t.pull(ctx, c.ID)
		}
	}
	return nil, nil // the collection begins with the first object
}

// objectsIn reads a bundle, a list or lines of objects with the standard
// library's own decoder, so that the check does not rest on what it checks.
func objectsIn(data []byte) (map[string][]byte, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		if data, err = io.ReadAll(io.LimitReader(zr, 1<<30)); err != nil {
			return nil, err
		}
	}
	out := map[string][]byte{}
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		var bundle struct {
			Type    string            `json:"type"`
			Objects []json.RawMessage `json:"objects"`
		}
		list := []json.RawMessage{raw}
		if raw[0] == '[' {
			if err := json.Unmarshal(raw, &list); err != nil {
				return nil, err
			}
		} else if err := json.Unmarshal(raw, &bundle); err == nil && bundle.Type == "bundle" {
			list = bundle.Objects
		}
		for _, o := range list {
			key, err := versionOf(o)
			if err != nil {
				return nil, err
			}
			out[key] = o
		}
	}
}

func containsAll(got, want map[string][]byte) bool {
	for k := range want {
		if _, ok := got[k]; !ok {
			return false
		}
	}
	return true
}

// missing names the first object that is lost or changed.
func missing(got, want map[string][]byte) error {
	for k, raw := range want {
		switch g, ok := got[k]; {
		case !ok:
			return fmt.Errorf("object %s did not arrive", k)
		case !bytes.Equal(g, raw):
			return fmt.Errorf("object %s was changed on the way", k)
		}
	}
	return nil
}

func (s *story) refuse(ctx context.Context) error {
	var imp node.ImportResponse
	if err := s.north.Long(ctx, "import", node.ImportRequest{Name: "red.json"}, bytes.NewReader(red), nil, &imp); err != nil {
		return err
	}
	err := s.north.Long(ctx, "share", node.ShareRequest{Unit: s.unit, Source: "red.json"}, nil, nil, nil)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != node.CodeGate {
		return fmt.Errorf("an object marked TLP:RED was not refused: %w", err)
	}
	s.say.did("North tries to share a note marked TLP:RED")
	s.say.did("%s %s", problem.Title, problem.Detail)
	before, err := s.south.unit(ctx, s.unit)
	if err != nil {
		return err
	}
	if strings.Contains(string(before.State), "note--") {
		return errors.New("the refused object is in the unit's state")
	}
	s.say.proved("nothing of it left: the gate is asked before anything is written, and both ends compute the same verdict")
	return nil
}

func (s *story) ask(ctx context.Context) error {
	var asked api.RequestNewResponse
	err := s.south.Call(ctx, "request.new", node.RequestNewRequest{Unit: s.unit, Type: "information", Urgency: "urgent",
		Title: "Was linuxkrnl.net seen in your networks?", Text: "We find it hard-coded in a sample. Did anything of yours resolve it, and since when?",
		Fields: map[string]string{"subject": "linuxkrnl.net", "purpose": "protect the voter register"}}, &asked)
	if err != nil {
		return err
	}
	id := asked.Request.ID
	s.say.did("South asks: %s (request %s)", asked.Request.Title, asked.Request.Short)
	if err := s.reach(ctx, s.north, s.unit, id, "sent"); err != nil {
		return err
	}
	indicator, err := firstIndicator()
	if err != nil {
		return err
	}
	err = s.moves(ctx, s.unit, id,
		move{s.north, "acknowledged", node.RequestMoveRequest{Move: "acknowledge"}},
		move{s.north, "accepted", node.RequestMoveRequest{Move: "accept"}},
		move{s.north, "answered", node.RequestMoveRequest{Move: "answer", Text: "Yes: two hosts resolved it between 3 and 9 May. They are isolated.", Objects: []string{indicator}}},
		move{s.south, "assessed", node.RequestMoveRequest{Move: "assess", Use: "mitigated", Scores: map[string]int{"relevance": 5, "accuracy": 5, "timeliness": 4, "clarity": 4, "usefulness": 5, "completeness": 4}}},
		move{s.south, "closed", node.RequestMoveRequest{Move: "close"}})
	if err != nil {
		return err
	}
	var v node.RequestView
	if err := s.south.Call(ctx, "request.show", node.RequestShowRequest{Unit: s.unit, ID: id}, &v); err != nil {
		return err
	}
	for _, c := range v.Clocks {
		met := "still runs"
		if !c.Met.IsZero() {
			met = "met " + c.Met.Format(time.RFC3339)
		}
		s.say.did("  clock %s (clause %s, %s): due %s, %s", c.Name, c.Clause, c.Owner, c.Due.Format(time.RFC3339), met)
	}
	s.say.proved("who asked what, when it was receipted, and what was answered is in both journals; neither side can deny it")
	return nil
}

func firstIndicator() (string, error) {
	var b struct {
		Objects []struct{ ID, Pattern string } `json:"objects"`
	}
	if err := json.Unmarshal(facts, &b); err != nil {
		return "", err
	}
	for _, o := range b.Objects {
		if strings.Contains(o.Pattern, "linuxkrnl.net") {
			return o.ID, nil
		}
	}
	return "", errors.New("the facts hold no such indicator")
}

// move is one of a party in a request, and the state that both sides see then.
type move struct {
	by   *party
	then string
	r    node.RequestMoveRequest
}

// moves makes moves in a request, each once both sides hold the one before.
func (s *story) moves(ctx context.Context, unit, id string, list ...move) error {
	for _, m := range list {
		m.r.Unit, m.r.ID = unit, id
		if err := m.by.Call(ctx, "request.move", m.r, nil); err != nil {
			return fmt.Errorf("%s: %w", m.r.Move, err)
		}
		for _, p := range []*party{s.north, s.south} {
			if err := s.reach(ctx, p, unit, id, m.then); err != nil {
				return err
			}
		}
		s.say.did("%s: %s", m.by.name, m.then)
	}
	return nil
}

// reach waits until a request has a state at a party.
func (s *story) reach(ctx context.Context, p *party, unit, id, state string) error {
	var v node.RequestView
	err := eventually(ctx, "request "+state+" at "+p.name, func() (bool, error) {
		v = node.RequestView{}
		err := p.Call(ctx, "request.show", node.RequestShowRequest{Unit: unit, ID: id}, &v)
		var problem *api.Problem
		if errors.As(err, &problem) {
			return false, nil
		}
		return err == nil && v.State == state, err
	})
	if err != nil {
		return fmt.Errorf("%w: there it is %q", err, v.State)
	}
	return nil
}

func (s *story) suspend(ctx context.Context) error {
	if err := s.south.Call(ctx, "unit.suspend", node.UnitSuspendRequest{Unit: s.unit, Scope: []string{"share"}, Code: "review"}, nil); err != nil {
		return err
	}
	s.say.did("South suspends sharing; asking and answering go on")
	err := eventually(ctx, "the suspension reaching North", func() (bool, error) {
		v, err := s.north.unit(ctx, s.unit)
		return err == nil && v.Brief.State == "partly-suspended", err
	})
	if err != nil {
		return err
	}
	err = s.north.Long(ctx, "share", node.ShareRequest{Unit: s.unit, Source: "facts.json"}, nil, nil, nil)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != node.CodeGate {
		return fmt.Errorf("a share left during a suspension: %w", err)
	}
	s.say.did("North tries to share: %s", problem.Detail)
	if err := s.south.Call(ctx, "unit.resume", node.UnitResumeRequest{Unit: s.unit}, nil); err != nil {
		return err
	}
	err = eventually(ctx, "the resumption reaching North", func() (bool, error) {
		v, err := s.north.unit(ctx, s.unit)
		return err == nil && v.Brief.State == "in-force", err
	})
	if err != nil {
		return err
	}
	s.say.did("South resumes")
	s.say.proved("one command stops what a party wants stopped, at both ends, and the record says who and when")
	return nil
}

func (s *story) verify(ctx context.Context) error {
	if err := s.settle(ctx, s.unit); err != nil {
		return err
	}
	for _, p := range []*party{s.north, s.south} {
		rep, err := node.VerifyFolder(ctx, p.dir, nil)
		if err != nil {
			return err
		}
		if !rep.OK {
			return fmt.Errorf("%s: %s", p.name, strings.Join(rep.Errors, "; "))
		}
		var entries, heads int64
		for _, j := range rep.Journals {
			entries += j.Size
			heads += j.Heads
		}
		s.say.did("%s: %d journals, %d entries, %d signed heads (Ed25519 and ML-DSA-44 each), %d payloads: every byte holds", p.name, len(rep.Journals), entries, heads, rep.Payloads)
	}
	s.dossier = filepath.Join(s.dir, "dossier.entente")
	for unit, file := range map[string]string{s.unit: s.dossier, s.registry.unit: filepath.Join(s.dir, "register.entente")} {
		if err := s.export(ctx, unit, file); err != nil {
			return err
		}
		rep, err := verifyFile(file, s.north.init.Party, s.south.init.Party)
		if err != nil {
			return err
		}
		if !rep.OK {
			return errors.New(rep.Damage)
		}
	}
	s.say.did("North exports two units as %s and register.entente; verified with nothing but the files and two party ids", filepath.Base(s.dossier))
	return s.tamper()
}

// settle waits until both hold the same journals.
func (s *story) settle(ctx context.Context, unit string) error {
	return eventually(ctx, "both sides holding the same", func() (bool, error) {
		sizes := map[string]int64{}
		for _, p := range []*party{s.north, s.south} {
			v, err := p.unit(ctx, unit)
			if err != nil {
				return false, err
			}
			for _, m := range v.Brief.Members {
				if n, ok := sizes[m.Origin]; ok && n != m.Size {
					return false, nil
				}
				sizes[m.Origin] = m.Size
			}
		}
		return true, nil
	})
}

// rest waits until both hold the same journals and have receipted all that asks for a receipt, so that neither writes
// anything more by itself.
func (s *story) rest(ctx context.Context, unit string) error {
	return eventually(ctx, "both sides having receipted everything", func() (bool, error) {
		if err := s.settle(ctx, unit); err != nil {
			return false, err
		}
		for _, p := range []*party{s.north, s.south} {
			var own node.JournalShowResponse
			if err := p.Call(ctx, "journal.show", node.JournalShowRequest{Unit: unit, Limit: 1000}, &own); err != nil {
				return false, err
			}
			asks := int64(0)
			for _, e := range own.Entries {
				var head struct{ Kind string }
				if err := json.Unmarshal(e.Entry, &head); err != nil {
					return false, err
				}
				if head.Kind != journal.KindReceipt {
					asks = e.Index + 1
				}
			}
			v, err := p.unit(ctx, unit)
			if err != nil {
				return false, err
			}
			for _, m := range v.Brief.Members {
				if !m.Self && m.Receipted < asks {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

func (s *story) export(ctx context.Context, unit, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = s.north.Download(ctx, "dossier.export", node.DossierExportRequest{Unit: unit, Payloads: true, Evidence: true, Note: "made by the demo"}, f, nil)
	return errors.Join(err, f.Sync(), f.Close())
}

func verifyFile(path string, trust ...string) (*node.DossierReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return node.VerifyDossier(f, trust)
}

// tamper changes one byte in a copy of the dossier, which must not hold then.
func (s *story) tamper() error {
	data, err := os.ReadFile(s.dossier)
	if err != nil {
		return err
	}
	at := bytes.LastIndex(data, []byte(`"request.assess"`))
	if at < 0 {
		return errors.New("the dossier holds no assessment")
	}
	data[at+9] ^= 1
	rep, err := node.VerifyDossier(bytes.NewReader(data), nil)
	if err != nil {
		return err
	}
	if rep.OK {
		return errors.New("a changed dossier holds")
	}
	s.say.did("one bit changed in a copy: %s", rep.Damage)
	s.say.proved("whoever has the file can check all of it; nobody can change any of it")
	return nil
}
