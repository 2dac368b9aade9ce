package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"entente/internal/peer"
	"entente/internal/peer/pairing"
	"entente/internal/unit"
	"entente/journal"
)

// pairings are the introductions under way, on either side. They are kept on
// disk between steps: the command line may make each step in a process of its own.
type pairings struct {
	n       *Node
	handler *peer.PairingHandler

	telling sync.Mutex // held while an inviter is told what was confirmed here

	// answered is when the last invitation that was answered here and is not finished
	// expires, in seconds since 1970; 0: none. It needs no lock: what is shown of this
	// side is asked for while the lock is held.
	answered atomic.Int64

	mu   sync.Mutex
	file pairingFile
}

type pairingFile struct {
	Invited []*pairing.Inviter `json:"invited"`
	Joined  []*pairing.Joiner  `json:"joined"`
}

// maxPairings bounds the introductions kept; the oldest that are over go first.
const maxPairings = 64

var _ peer.Invitations = (*pairings)(nil)

func loadPairings(n *Node) (*pairings, error) {
	p := &pairings{n: n}
	if _, err := n.at.readJSON(n.at.pairings(), &p.file); err != nil {
		return nil, err
	}
	if slices.Contains(p.file.Invited, nil) || slices.Contains(p.file.Joined, nil) {
		return nil, &Error{Code: CodeDamaged, Status: 500, What: n.at.pairings() + " is damaged.",
			Why: "It lists an introduction that is none.", Next: "Remove the file: partners stay, introductions under way begin again."}
	}
	p.noteAnswered()
	p.handler = peer.NewPairingHandler(p, n.opts.Clock, n.opts.Rand, n.opts.Log)
	return p, nil
}

// save must be called with the lock held.
func (p *pairings) save() error {
	p.noteAnswered()
	return p.n.at.writeJSON(p.n.at.pairings(), &p.file)
}

func (p *pairings) noteAnswered() {
	last := int64(0)
	for _, s := range p.file.Joined {
		if s.Phase != pairing.PhaseBurned && s.Phase != pairing.PhasePaired {
			last = max(last, s.Invitation.Expires)
		}
	}
	p.answered.Store(last)
}

// joining reports whether an invitation was answered here whose pairing may still be
// finished. It takes no lock.
func (p *pairings) joining() bool { return p.n.now().Unix() < p.answered.Load() }

// Open reports whether an invitation waits for somebody.
func (p *pairings) Open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.file.Invited, func(s *pairing.Inviter) bool { return s.Waiting(p.n.now()) })
}

// Own is what this node shows of itself in a unit.
func (p *pairings) Own(_ context.Context, id journal.UnitID) (pairing.Own, error) {
	own, err := p.self()
	if err != nil {
		return own, err
	}
	l := p.n.ledger(id)
	if l == nil {
		return own, notFound("No such unit is here.", "")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	own.Founding, own.Epoch, own.Origin = l.file.Founding, l.file.Epoch, l.origin()
	return own, nil
}

func (p *pairings) self() (pairing.Own, error) {
	chain, err := pairing.MarshalChain(p.n.keys().chain)
	if err != nil {
		return pairing.Own{}, err
	}
	pin, err := peer.PinOfKey(p.n.tlsKey().Public())
	if err != nil {
		return pairing.Own{}, err
	}
	return pairing.Own{Party: p.n.keys().party, Chain: chain, Pin: pin}, nil
}

// Update changes one pairing and stores it durably, whatever came of it. Once
// both officers have confirmed, the partner is taken into the unit, and only then
// the pairing is stored as done: whoever is asked again after a crash, or after the
// introduction could not be written, introduces it then.
func (p *pairings) Update(ctx context.Context, id string, f func(*pairing.Inviter) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.file.Invited {
		if s.Invitation.ID() != id {
			continue
		}
		was := *s
		err := f(s)
		if s.Phase == pairing.PhasePaired && was.Phase != pairing.PhasePaired {
			if err := p.n.admit(s); err != nil {
				*s = was
				return err
			}
		}
		if saved := p.save(); saved != nil {
			return saved
		}
		return err
	}
	return peer.ErrNoInvitation
}

// admit stores a partner that was invited and introduces it to the unit.
func (n *Node) admit(s *pairing.Inviter) error {
	l := n.ledger(s.Invitation.Unit)
	if l == nil {
		return notFound("No such unit is here.", "")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	partner, err := s.Partner(l.file.Founding)
	if err != nil {
		return err
	}
	newer, err := l.introduced(partner, s.JoinerPin)
	if err != nil {
		return err
	}
	// As far as it is known here: who was put back hears so of the versions it has lost.
	known := partner.Chain
	if p, ok := l.file.Partners[partner.Party]; ok {
		known = p.Chain
	}
	chain, err := journal.CompactIdentityChain(known)
	if err != nil {
		return err
	}
	d := journal.Draft{Kind: unit.KindAdmit, By: n.machine(), At: n.now(),
		Body: unit.AdmitBody{Identities: chain, Origin: journal.OriginOf(l.id, partner.Party, 0)}}
	if code, _ := l.fold.Check(n.keys().party, d); code == unit.CodeDuplicate && (!newer || l.maySign() != nil) {
		return nil // paired again: the unit knows it
	}
	_, err = l.write(d)
	return err
}

// Invite makes a one-time invitation to a unit.
func (n *Node) Invite(_ context.Context, r UnitInviteRequest) (*UnitInviteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	if r.Validity == 0 {
		r.Validity = 24 * time.Hour
	}
	if r.Validity < time.Minute || r.Validity > 30*24*time.Hour {
		return nil, badInput("The invitation's life is out of range.", "It may last one minute to 30 days.", "Choose another time.")
	}
	if len(n.keys().id.Addresses) == 0 {
		return nil, badInput("This node told no address.", "Whoever is invited has to connect to this side.",
			"Let the partner invite, or make this side reachable: set peer.listen and peer.advertise and rotate the identity.")
	}
	own, err := n.pairing.self()
	if err != nil {
		return nil, err
	}
	inv, err := pairing.NewInvitation(n.opts.Rand, pairing.Invitation{
		Addresses: n.keys().id.Addresses, Pin: own.Pin, Party: n.keys().party, Name: n.keys().id.Name,
		Expires: n.now().Add(r.Validity).Unix(), Unit: l.id, UnitName: l.name()})
	if err != nil {
		return nil, err
	}
	line := inv.String()
	qr, err := pairing.InvitationQR(line)
	if err != nil {
		return nil, err
	}
	png, err := qr.PNG(4)
	if err != nil {
		return nil, err
	}
	p := n.pairing
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tidy()
	if len(p.file.Invited) >= maxPairings {
		return nil, conflict("too-many", "Too many invitations are open.", fmt.Sprintf("At most %d are kept.", maxPairings), "Wait until some have expired.")
	}
	p.file.Invited = append(p.file.Invited, pairing.NewInviter(inv))
	if err := p.save(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	listening := n.addr != ""
	n.mu.Unlock()
	return &UnitInviteResponse{Invitation: line, Expires: time.Unix(inv.Expires, 0).UTC(), QR: qr.Text(true), QRPNG: png, Listening: listening}, nil
}

// tidy drops pairings that are over. The lock must be held.
func (p *pairings) tidy() {
	now := p.n.now()
	over := func(phase pairing.Phase, inv *pairing.Invitation) bool {
		return phase == pairing.PhaseBurned || phase == pairing.PhasePaired || inv.Expired(now)
	}
	p.file.Invited = slices.DeleteFunc(p.file.Invited, func(s *pairing.Inviter) bool { return over(s.Phase, &s.Invitation) })
	p.file.Joined = slices.DeleteFunc(p.file.Joined, func(s *pairing.Joiner) bool { return over(s.Phase, &s.Invitation) })
}

func (n *Node) pairParams() (peer.PairParams, error) {
	cert, err := tlsCertificate(n.tlsKey(), n.opts.Rand, n.now())
	return peer.PairParams{Cert: cert, Now: n.opts.Clock, Rand: n.opts.Rand, Dial: n.opts.Dial}, err
}

// Join answers an invitation; the digits are to be compared by voice then.
func (n *Node) Join(ctx context.Context, r UnitJoinRequest) (*Pairing, error) {
	inv, err := pairing.ParseInvitation(r.Invitation)
	if err != nil {
		return nil, pairingError(err)
	}
	own, err := n.pairing.self()
	if err != nil {
		return nil, err
	}
	if l := n.ledger(inv.Unit); l != nil {
		if own.Epoch, err = l.mayMeet(); err != nil {
			return nil, err
		}
	}
	params, err := n.pairParams()
	if err != nil {
		return nil, err
	}
	s, err := peer.Join(ctx, params, inv, own)
	if err != nil {
		return nil, pairingError(err)
	}
	p := n.pairing
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tidy()
	if len(p.file.Joined) >= maxPairings {
		return nil, conflict("too-many", "Too many pairings are open.", "", "Wait until some have expired.")
	}
	p.file.Joined = append(p.file.Joined, s)
	if err := p.save(); err != nil {
		return nil, err
	}
	v := n.joinView(s)
	return &v, nil
}

// Confirm takes the digits that the partner read aloud. A wrong one ends the pairing.
func (n *Node) Confirm(ctx context.Context, r UnitConfirmRequest) (*Pairing, error) {
	p := n.pairing
	p.mu.Lock()
	var open []Pairing
	for _, v := range p.views() {
		if v.State == "compare" || v.State == "confirmed-there" || v.State == "confirmed-here" {
			open = append(open, v)
		}
	}
	p.mu.Unlock()
	if r.Pairing != "" {
		open = slices.DeleteFunc(open, func(v Pairing) bool { return !strings.HasPrefix(v.ID, r.Pairing) })
	}
	switch {
	case len(open) == 0:
		return nil, notFound("No pairing waits for digits.", "Begin one with 'entente unit invite' here or 'entente unit join' there.")
	case len(open) > 1:
		return nil, badInput("Several pairings wait for digits.", "", "Name one by its id, see 'entente status'.")
	}
	id := open[0].ID
	err := p.Update(ctx, id, func(s *pairing.Inviter) error { return s.Confirm(n.now(), r.Digits) })
	if errors.Is(err, peer.ErrNoInvitation) {
		return n.confirmJoin(ctx, id, r.Digits)
	}
	if err != nil {
		return nil, pairingError(err)
	}
	return n.pairingView(id)
}

// mayMeet says whether a partner may be met again in a unit that this node is in, for
// instance one that was put back to before it knew this side; and the epoch of the own
// journal, which goes on.
func (l *ledger) mayMeet() (epoch int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fold.Withdrawn(l.n.keys().party) {
		return 0, conflict("withdrawn", "This party has withdrawn from that unit.", "That cannot be taken back.", "To work together again, found a new unit.")
	}
	return l.file.Epoch, nil
}

func (n *Node) confirmJoin(ctx context.Context, id, digits string) (*Pairing, error) {
	p := n.pairing
	p.mu.Lock()
	i := slices.IndexFunc(p.file.Joined, func(s *pairing.Joiner) bool { return s.Invitation.ID() == id })
	if i < 0 {
		p.mu.Unlock()
		return nil, notFound("That pairing is over.", "Ask for a new invitation.")
	}
	s := p.file.Joined[i]
	wrong := s.Confirm(n.now(), digits)
	err := p.save()
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	// Even after a wrong try the other side has to hear of it.
	told := n.tell(ctx, s)
	if wrong != nil {
		return nil, pairingError(wrong)
	}
	if told != nil && !errors.Is(told, peer.ErrUnreachable) {
		return nil, pairingError(told)
	}
	return n.pairingView(id)
}

// tell sends what the joiner's officer confirmed, and takes the partner into a
// new ledger once both have.
func (n *Node) tell(ctx context.Context, s *pairing.Joiner) error {
	params, err := n.pairParams()
	if err != nil {
		return err
	}
	// One at a time, but without the lock of the pairings: two nodes may be
	// confirming to each other at the same moment.
	n.pairing.telling.Lock()
	defer n.pairing.telling.Unlock()
	n.pairing.mu.Lock()
	asked := *s
	n.pairing.mu.Unlock()
	err = peer.ConfirmPairing(ctx, params, &asked)
	again := false
	if asked.Phase == pairing.PhasePaired && n.ledger(asked.Invitation.Unit) == nil {
		// Without the lock, too: the inviter may be asking this node something.
		if again, err = n.began(ctx, &asked); err != nil {
			return err
		}
	}
	n.pairing.mu.Lock()
	defer n.pairing.mu.Unlock()
	// The unit is made before the pairing is stored as done: until then the inviter is
	// asked again, and says the same.
	if asked.Phase == pairing.PhasePaired {
		if err := n.enter(ctx, &asked, again); err != nil {
			return err
		}
	}
	*s = asked
	if saved := n.pairing.save(); saved != nil {
		return saved
	}
	return err
}

// enter makes the unit of a pairing that is done, or, in a unit that is here already,
// takes in anew who the inviter is. In a unit that holds a journal of this party already
// (again) none is begun.
func (n *Node) enter(ctx context.Context, s *pairing.Joiner, again bool) error {
	p, err := s.Partner()
	if err != nil {
		return err
	}
	if l := n.ledger(s.Invitation.Unit); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		_, err := l.introduced(p, s.Invitation.Pin)
		return err
	}
	create := createLedger
	if again {
		create = enterAgain
	}
	l, err := create(ctx, n, p.Founding, map[journal.PartyID]partner{p.Party: {Chain: p.Chain, Paired: true}})
	if err != nil {
		return err
	}
	n.adopt(l)
	return nil
}

// pursue asks inviters again whose officers had not confirmed yet.
func (n *Node) pursue(ctx context.Context) {
	n.pairing.mu.Lock()
	var open []*pairing.Joiner
	for _, s := range n.pairing.file.Joined {
		if s.Phase == pairing.PhaseRevealed && s.WeConfirmed && !s.Invitation.Expired(n.now()) {
			open = append(open, s)
		}
	}
	n.pairing.mu.Unlock()
	for _, s := range open {
		if err := n.tell(ctx, s); err != nil {
			n.opts.Log.Info("a pairing is not confirmed at the other side yet", "pairing", s.Invitation.ID(), "err", err)
		}
	}
}

func (n *Node) pairingView(id string) (*Pairing, error) {
	n.pairing.mu.Lock()
	defer n.pairing.mu.Unlock()
	for _, v := range n.pairing.views() {
		if v.ID == id {
			return &v, nil
		}
	}
	return nil, notFound("That pairing is over.", "")
}

// views lists the pairings. The lock must be held.
func (p *pairings) views() []Pairing {
	var out []Pairing
	for _, s := range p.file.Joined {
		out = append(out, p.n.joinView(s))
	}
	for _, s := range p.file.Invited {
		v := Pairing{ID: s.Invitation.ID(), Unit: string(s.Invitation.Unit), Name: s.Invitation.UnitName, Party: string(s.Joiner),
			Code: s.Why, Expires: time.Unix(s.Invitation.Expires, 0).UTC(), State: stateOf(s.Phase, s.WeConfirmed, s.TheyConfirmed)}
		v.Digits, _ = s.Digits()
		if l := p.n.ledger(s.Invitation.Unit); l != nil && s.Phase == pairing.PhasePaired {
			v.Partner = l.nameOf(s.Joiner)
		}
		out = append(out, v)
	}
	return out
}

func (n *Node) joinView(s *pairing.Joiner) Pairing {
	v := Pairing{ID: s.Invitation.ID(), Unit: string(s.Invitation.Unit), Name: s.Invitation.UnitName, Partner: s.Invitation.Name,
		Party: string(s.Invitation.Party), Code: s.Why, Expires: time.Unix(s.Invitation.Expires, 0).UTC(),
		State: stateOf(s.Phase, s.WeConfirmed, s.TheyConfirmed)}
	v.Digits, _ = s.Digits()
	return v
}

func stateOf(phase pairing.Phase, we, they bool) string {
	switch {
	case phase == pairing.PhaseBurned:
		return "failed"
	case phase == pairing.PhasePaired:
		return "done"
	case phase != pairing.PhaseRevealed:
		return "waiting"
	case we:
		return "confirmed-here"
	case they:
		return "confirmed-there"
	}
	return "compare"
}

// pairingError turns a refusal into what a person can act on.
func pairingError(err error) error {
	var told *Error
	if errors.As(err, &told) {
		return told
	}
	code := pairing.CodeOf(err)
	if code == "" {
		code = journal.CodeOf(err)
	}
	if code == "" {
		if errors.Is(err, peer.ErrNotAdmitted) {
			return &Error{Code: pairing.CodeNoInvitation, Status: http.StatusForbidden, What: "The inviter's node has no invitation open.",
				Why:  "It closed the line, as it does with strangers when none is open: this one was used, given up, or is over by its clock.",
				Next: "Ask the inviter whether its 'entente status' still lists the invitation, compare the clocks of the two machines with the time of day, and ask for a new invitation.", Err: err}
		}
		if errors.Is(err, peer.ErrUnreachable) {
			return &Error{Code: "unreachable", Status: http.StatusBadGateway, What: "The inviter cannot be reached.", Why: err.Error() + ".",
				Next: "Check that its node is serving and that its address can be reached from here.", Err: err}
		}
		return err
	}
	next := "Ask for a new invitation."
	switch code {
	case pairing.CodeExpired:
		next = "Compare the clocks of the two machines with the time of day. If one is wrong, set it, which harms nothing that was signed; then make a new invitation in any case."
	case pairing.CodeWrongDigits:
		next = "The pairing is over on both sides. If you both read the digits right, somebody may stand in between: use another network, and invite anew."
	}
	return &Error{Code: code, Status: http.StatusForbidden, What: "The pairing did not hold.", Why: err.Error() + ".", Next: next, Err: err}
}
