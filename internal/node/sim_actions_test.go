package node

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/store/storetest"
	"entente/journal"
)

// Everything that must stay on a node has this in it: names of imports, drafts,
// notes, officers.
const private = "PRIVATE-"

func asError(err error, e **Error) bool { return errors.As(err, e) }

// act is something an officer, a partner or fate may do.
type act struct {
	name   string
	weight int
	do     func(w *world, m *machine) error
}

var acts = []act{
	{"sync", 30, (*world).actSync},
	{"session", 16, (*world).actSession},
	{"import", 10, (*world).actImport},
	{"share", 20, (*world).actShare},
	{"request", 6, (*world).actRequest},
	{"move", 10, (*world).actMove},
	{"suspend", 2, (*world).actSuspend},
	{"resume", 6, (*world).actResume},
	{"propose", 4, (*world).actPropose},
	{"sign", 9, (*world).actSign},
	{"draft", 2, (*world).actDraft},
	{"decide", 2, (*world).actDecide},
	{"rotate", 2, (*world).actRotate},
	{"search", 1, (*world).actSearch},
	{"rebuild", 1, (*world).actRebuild},
	{"save", 7, (*world).actSave},
	{"export", 5, (*world).actExport},
	{"post", 6, (*world).actPost},
	{"dossier", 1, (*world).actDossier},
	{"restore", 8, (*world).actRestore},
	{"succeed", 2, (*world).actSucceed},
	{"withdraw", 1, (*world).actWithdraw},
	{"cosign", 12, (*world).actCosign},
}

func (w *world) choose(list []act) act {
	sum := 0
	for _, a := range list {
		sum += a.weight
	}
	k := w.rng.IntN(sum)
	for _, a := range list {
		if k -= a.weight; k < 0 {
			return a
		}
	}
	panic("unreachable")
}

// aboutKeys tells a story in which keys are rotated, and machines taken back to before
// that, again and again; in the others both meet once in thousands.
func (w *world) aboutKeys() bool { return w.seed%13 == 7 }

// weighed is what may be done, with the weights of this seed's story.
func (w *world) weighed(list []act) []act {
	if !w.aboutKeys() {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		switch list[i].name {
		case "rotate":
			list[i].weight = 30
		case "save", "restore":
			list[i].weight = 14
		}
	}
	return list
}

// unitOf picks one of a node's units.
func (w *world) unitOf(m *machine) string {
	ls := m.node.units()
	return ls[w.rng.IntN(len(ls))].name()
}

func (w *world) other(m *machine) *machine {
	return w.ms[(m.n+1+w.rng.IntN(len(w.ms)-1))%len(w.ms)]
}

func (w *world) actSync(m *machine) error {
	res, err := m.node.Sync(w.ctx, SyncRequest{}, nil)
	if err != nil {
		return err
	}
	for _, s := range res.Sessions {
		w.tell("  with %s: %d sent, %d received, %d rounds, %s", s.Name, s.Sent, s.Received, s.Rounds, s.Code)
	}
	return nil
}

// actSession is a session as a serving node opens it, with a client that remembers
// what the partner said it holds.
func (w *world) actSession(m *machine) error {
	ls := m.node.units()
	l := ls[w.rng.IntN(len(ls))]
	ps := l.partners()
	t, ok := l.target(ps[w.rng.IntN(len(ps))])
	if !ok {
		return nil
	}
	rep, err := m.node.syncWith(w.ctx, m.client, l, t, nil)
	w.tell("  with %s: %d sent, %d received, %d rounds", w.nameOf(t.Party), rep.EntriesSent, rep.EntriesAccepted, rep.Round)
	return errors.Join(err, m.node.drainIntake(w.ctx))
}

func (w *world) actImport(m *machine) error {
	w.next++
	var objects []string
	for i := range 1 + w.rng.IntN(4) {
		marking := []string{tlpClear, tlpClear, tlpAmber, tlpRed}[w.rng.IntN(4)]
		objects = append(objects, indicatorText(1000*w.next+i, fmt.Sprintf("h%d-%d.example", w.next, i), marking))
	}
	name := fmt.Sprintf("%simport-%d", private, w.next)
	res, err := m.node.Import(w.ctx, ImportRequest{Name: name, Note: private + "note"}, bytes.NewReader(bundleText(objects...)), nil)
	if err == nil {
		m.acknowledge(func(b *book) {
			b.imports = append(b.imports, name)
			b.objects += int(res.New)
		})
	}
	return err
}

func (w *world) actShare(m *machine) error {
	if len(m.book.imports) == 0 {
		return w.actImport(m)
	}
	r := ShareRequest{Unit: w.unitOf(m), Source: m.book.imports[w.rng.IntN(len(m.book.imports))]}
	if w.rng.IntN(5) == 0 {
		r.Source, r.All = "", true
	}
	_, err := m.node.Share(w.ctx, r, nil)
	return err
}

func (w *world) actRequest(m *machine) error {
	w.next++
	to := w.other(m)
	_, _, err := m.node.NewRequest(w.ctx, RequestNewRequest{Unit: w.unitOf(m), To: string(w.eye.party[to]), Type: "information", Urgency: "urgent",
		Title: fmt.Sprint("Q", w.next), Text: "?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}})
	return err
}

func (w *world) actMove(m *machine) error {
	res, err := m.node.Requests(w.ctx, RequestListRequest{Unit: w.unitOf(m)})
	if err != nil || len(res.Requests) == 0 {
		return err
	}
	q := res.Requests[w.rng.IntN(len(res.Requests))]
	if len(q.Next) == 0 {
		return nil
	}
	r := RequestMoveRequest{Unit: q.Unit, ID: q.ID, Move: q.Next[w.rng.IntN(len(q.Next))], Text: "as it is"}
	switch r.Move {
	case "refuse", "postpone":
		r.Code = "other"
		r.Until = m.now().Add(time.Hour)
	case "assess":
		r.Scores = map[string]int{"relevance": 1 + w.rng.IntN(5)}
	}
	w.tell("  %s", r.Move)
	_, err = m.node.MoveRequest(w.ctx, r)
	return err
}

func (w *world) actSuspend(m *machine) error {
	r := UnitSuspendRequest{Unit: w.unitOf(m), Code: "trust"}
	if w.rng.IntN(2) == 0 {
		r.Scope = []string{"share"}
	}
	_, err := m.node.Suspend(w.ctx, r)
	return err
}

func (w *world) actResume(m *machine) error {
	_, err := m.node.Resume(w.ctx, UnitResumeRequest{Unit: w.unitOf(m)})
	return err
}

func (w *world) actPropose(m *machine) error {
	unit := w.unitOf(m)
	show, err := m.node.ShowAccord(w.ctx, AccordShowRequest{Unit: unit})
	if err != nil {
		return err
	}
	text, err := nextVersion(show.Text, show.Hash, w.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	_, err = m.node.ProposeAccord(w.ctx, AccordProposeRequest{Unit: unit, Text: text})
	return err
}

// nextVersion is the next version of an accord with another ceiling.
func nextVersion(text []byte, hash string, stricter bool) (string, error) {
	doc, _, err := accord.Parse(text)
	if err != nil {
		return "", err
	}
	doc.Version++
	doc.Supersedes = hash
	for i := range doc.Handling.Ceiling {
		doc.Handling.Ceiling[i].TLP = "amber"
		if stricter {
			doc.Handling.Ceiling[i].TLP = "green"
		}
	}
	out, err := doc.JSON()
	return string(out), err
}

func (w *world) actSign(m *machine) error {
	_, err := m.node.ActOnAccord(w.ctx, AccordActRequest{Unit: w.unitOf(m), Move: []string{"sign", "sign", "sign", "accept", "reserve"}[w.rng.IntN(5)]})
	return err
}

func (w *world) actDraft(m *machine) error {
	w.next++
	v, _, err := m.node.NewRequest(w.ctx, RequestNewRequest{Unit: w.unitOf(m), To: string(w.eye.party[w.other(m)]), Type: "information", Urgency: "routine",
		Title: private + "draft", Text: private + "thoughts", Fields: map[string]string{"subject": private, "purpose": private, "facts": private}, Draft: true})
	if err == nil && v != nil {
		m.acknowledge(func(b *book) { b.drafts = append(b.drafts, v.ID) })
	}
	return err
}

func (w *world) actDecide(m *machine) error {
	res, err := m.node.Intake(w.ctx, IntakeRequest{})
	if err != nil || len(res.Items) == 0 {
		return err
	}
	_, err = m.node.DecideIntake(w.ctx, IntakeDecideRequest{Items: []string{res.Items[0].Item}, Accept: w.rng.IntN(2) == 0, Reason: private + "reason"})
	return err
}

func (w *world) actRotate(m *machine) error {
	org, err := m.orgKey()
	if err != nil {
		return err
	}
	what := []string{"node", "tls", "witness"}[w.rng.IntN(3)]
	_, err = m.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: what, OrgKey: org, Compromise: w.rng.IntN(4) == 0})
	return err
}

func (m *machine) orgKey() (string, error) {
	text := string(m.disk.Content(simOrg))
	if text == "" {
		return "", errors.New("the organisation key is gone")
	}
	return text, nil
}

func (w *world) actSearch(m *machine) error {
	res, err := m.node.Search(w.ctx, SearchRequest{Limit: 20})
	if err == nil {
		w.tell("  %d found", len(res.Objects))
	}
	return err
}

func (w *world) actRebuild(m *machine) error {
	res, err := m.node.Rebuild(w.ctx, nil)
	if err == nil && res.Before != res.Digest {
		w.fail("state is a fold", "%s: a rebuild gives another digest", m.name)
	}
	return err
}

// actSave makes a backup or a picture of the disk.
func (w *world) actSave(m *machine) error {
	if w.rng.IntN(2) == 0 {
		w.saves = append(w.saves, save{m: m, step: w.step, book: m.book.clone(), disk: m.disk.Clone()})
		return nil
	}
	s, err := w.backup(m)
	if err == nil {
		w.saves = append(w.saves, s)
	}
	return err
}

func (w *world) backup(m *machine) (save, error) {
	var buf bytes.Buffer
	err := m.node.Backup(w.ctx, &buf, nil)
	return save{m: m, step: w.step, book: m.book.clone(), backup: buf.Bytes()}, err
}

func (w *world) actExport(m *machine) error {
	unit := w.unitOf(m)
	l, err := m.node.findUnit(unit)
	if err != nil {
		return err
	}
	ps := l.partners()
	p := ps[w.rng.IntN(len(ps))]
	var buf bytes.Buffer
	rep, err := m.node.ExportCourier(w.ctx, CourierExportRequest{Unit: unit, Party: string(p), Full: w.rng.IntN(4) == 0}, &buf)
	if err != nil {
		return err
	}
	for _, to := range w.ms {
		if w.eye.party[to] == p {
			w.tell("  %d entries, %d payloads for %s", rep.Entries, rep.Payloads, to.name)
			w.mail = append(w.mail, courierFile{m, to, buf.Bytes()})
			w.readCourier(m, to, buf.Bytes())
		}
	}
	return nil
}

// actPost delivers a courier file: any, perhaps not for the first time, and now and
// then to the wrong one.
func (w *world) actPost(m *machine) error {
	if len(w.mail) == 0 {
		return nil
	}
	i := w.rng.IntN(len(w.mail))
	f := w.mail[i]
	if w.rng.IntN(3) > 0 {
		w.mail = slices.Delete(w.mail, i, i+1)
	}
	if w.rng.IntN(10) > 0 {
		m = f.to
	}
	if m.node == nil {
		return nil
	}
	data := f.data
	if w.rng.IntN(8) == 0 {
		data = data[:w.rng.IntN(len(data))]
	}
	rep, err := m.node.ImportCourier(w.ctx, bytes.NewReader(data))
	if err == nil {
		w.tell("  %s takes in %d entries", m.name, rep.Entries)
	}
	return err
}

func (w *world) actDossier(m *machine) error {
	rep, err := m.dossier(w.unitOf(m))
	if err == nil {
		w.judge(m, rep)
	}
	return err
}

func (m *machine) dossier(unit string) (*DossierReport, error) {
	var buf bytes.Buffer
	if err := m.node.ExportDossier(m.w.ctx, DossierExportRequest{Unit: unit, Payloads: true}, &buf); err != nil {
		return nil, err
	}
	return VerifyDossier(&buf, nil)
}

// actWithdraw is rare: it ends a unit.
func (w *world) actWithdraw(m *machine) error {
	if w.seed%8 != 0 { // or most stories would end too early
		return nil
	}
	unit := w.unitOf(m)
	_, err := m.node.Withdraw(w.ctx, UnitWithdrawRequest{Unit: unit, Notice: w.rng.IntN(2) == 0, Confirm: unit})
	return err
}

// actRestore puts an older state in place of a machine's present one.
func (w *world) actRestore(m *machine) error {
	var mine []save
	for _, s := range w.saves {
		if s.m == m {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return nil
	}
	s := mine[w.rng.IntN(len(mine))]
	// Without the marks nothing on this machine knows of a journal that began after the
	// state was saved; whoever restores has to take one from after the last succession.
	keep := w.rng.IntN(3) > 0
	if err := w.restore(s, keep || s.step <= m.succeeded && !w.mayForget(s)); err != nil || w.rng.IntN(2) == 0 || len(m.node.units()) == 0 {
		return err
	}
	// The officer goes on at once, before any partner has told what it knows.
	list := hasty
	if w.aboutKeys() {
		list = append(list[:len(list):len(list)], act{"rotate", 7, (*world).actRotate})
	}
	a := w.choose(list)
	w.action = a.name
	w.tell("  %s %s at once", m.name, a.name)
	return a.do(w, m)
}

// hasty is what is signed without anybody being asked.
var hasty = []act{
	{"request", 2, (*world).actRequest},
	{"suspend", 2, (*world).actSuspend},
	{"resume", 2, (*world).actResume},
	{"share", 1, (*world).actShare},
}

// restore boots a machine from an older state. The marks are those of now, if they
// are on another disk, or gone with the machine.
func (w *world) restore(s save, keep bool) error {
	m := s.m
	if m.node != nil {
		w.checkHeads()
		for _, l := range m.node.units() {
			w.forgetUnmarked(l)
		}
	}
	if err := m.halt(); err != nil {
		return err
	}
	then := storetest.NewDisk()
	if s.disk != nil {
		then = s.disk.Clone()
	}
	for _, name := range then.Names() {
		if strings.HasPrefix(name, simMarks) {
			then.Set(name, nil)
		}
	}
	for _, name := range m.disk.Names() {
		if name == simOrg || keep && strings.HasPrefix(name, simMarks) {
			then.Set(name, m.disk.Content(name))
		}
	}
	if !keep {
		w.forgetBegun(s)
	}
	w.eye.rewound(m)
	w.counts["restores"]++
	m.disk, m.book = then, s.book.clone()
	w.tell("  to a state of step %d, marks kept: %v", s.step, keep)
	if s.backup == nil {
		return m.boot()
	}
	m.wear()
	signed := map[journal.Origin]map[int64]bool{}
	for o, sizes := range w.eye.heads {
		signed[o] = map[int64]bool{}
		for size := range sizes {
			signed[o][size] = true
		}
	}
	res, err := w.unpack(s)
	if m.badly(err) {
		// It takes a disk that works, whatever the first try has left of itself there; what
		// it has written among the marks stays, and so does the organisation key.
		w.tell("  %s: it is restored again", outcome(err))
		w.counts["restores again"]++
		w.checkHeads()
		for o, sizes := range w.eye.heads { // what the first try signed was told to nobody, and is thrown away
			for size := range sizes {
				if w.eye.owner[o] == m && !signed[o][size] && size > w.eye.elsewhere[o] {
					delete(sizes, size)
				}
			}
		}
		again := storetest.NewDisk()
		for _, name := range m.disk.Names() {
			if name == simOrg || strings.HasPrefix(name, simMarks) {
				again.Set(name, m.disk.Content(name))
			}
		}
		m.disk, m.bad = again, nil
		res, err = w.unpack(s)
	}
	if err != nil {
		w.fail("backup", "%s: a backup cannot be restored: %v", m.name, err)
		return err
	}
	for _, u := range res.Units {
		if u.State == "successor" {
			m.succeeded = w.step
		}
		w.tell("  %s is %s from %d", u.Name, u.State, u.Head)
	}
	return m.boot()
}

// mayForget tells whether a state is of before its machine was in any unit, and no journal
// of it has had a successor since: without its marks it then knows of nothing that it has
// signed, and who invites it has to tell it.
func (w *world) mayForget(s save) bool {
	if s.m.n < len(w.ms)-w.strangers || len(s.book.units) > 0 || w.holdsUnit(s) {
		return false
	}
	for o := range w.eye.heads {
		if w.eye.owner[o] == s.m && o != journal.OriginOf(w.unit(), w.eye.party[s.m], 0) {
			return false
		}
	}
	return true
}

// holdsUnit tells whether a picture of a disk has a unit in it.
func (w *world) holdsUnit(s save) bool {
	return s.disk == nil || slices.ContainsFunc(s.disk.Names(), func(name string) bool { return strings.HasPrefix(name, simDir+"/units/") })
}

// unit is the unit that a stranger can be invited to, "" if nobody who is up is in it.
func (w *world) unit() journal.UnitID {
	for _, m := range w.ms[:len(w.ms)-w.strangers] {
		if m.node == nil {
			continue
		}
		if l, err := m.node.findUnit("Joint"); err == nil {
			return l.id
		}
	}
	return ""
}

// forgetBegun: a journal that was begun, and of which nobody else ever got anything, goes
// with its folder and its marks, and so does every state that was saved since: nobody can
// tell the machine of it, and a second beginning contradicts nothing that anybody has.
func (w *world) forgetBegun(s save) {
	if !w.mayForget(s) {
		return
	}
	o := journal.OriginOf(w.unit(), w.eye.party[s.m], 0)
	if w.eye.heads[o] == nil || w.eye.elsewhere[o] > 0 {
		return
	}
	delete(w.eye.heads, o)
	w.saves = slices.DeleteFunc(w.saves, func(x save) bool { return x.m == s.m && x.step > s.step })
	w.mail = slices.DeleteFunc(w.mail, func(f courierFile) bool { return f.from == s.m })
	w.counts["beginnings that nobody heard of, forgotten"]++
}

// tells reports whether a member can tell a machine what journal it has begun in the unit:
// it holds something of it, or nobody ever did. Who has put a machine back without its
// marks has to be invited by somebody who can, and knows whom it has worked with.
func (w *world) tells(m, x *machine, id journal.UnitID) bool {
	o := journal.OriginOf(id, w.eye.party[x], 0)
	return w.eye.elsewhere[o] == 0 || m.has(id, o) > 0
}

// forgetUnmarked: a head whose mark could not be written is told to nobody. It goes with the
// folder that is put back, and what is signed in its place is no second head for anybody.
func (w *world) forgetUnmarked(l *ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == nil {
		return
	}
	o := l.origin()
	for size := range w.eye.heads[o] {
		if size > l.marked.Size && size > w.eye.elsewhere[o] {
			delete(w.eye.heads[o], size)
		}
	}
}

// unpack restores a backup on the machine's disk.
func (w *world) unpack(s save) (*RestoreResult, error) {
	s.m.mu.Lock()
	s.m.gen++
	s.m.mu.Unlock()
	s.m.dead.Store(false)
	return Restore(w.ctx, simDir, bytes.NewReader(s.backup), RestoreOptions{OrgKey: simOrg, Node: s.m.options()})
}

// actSucceed opens successors for journals that may not be extended.
func (w *world) actSucceed(m *machine) error {
	org, err := m.orgKey()
	if err != nil {
		return err
	}
	res, err := m.node.Succeed(w.ctx, org)
	for _, u := range res {
		m.succeeded = w.step
		w.counts["successions by an officer"]++
		w.tell("  %s: successor of %d entries", u.Name, u.Head)
	}
	return err
}
