package node

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"entente/internal/peer"
	"entente/journal"
)

// ring tells everybody who waits that a unit has something new: partners that
// poll us, and our own sessions towards partners that can be reached.
func (n *Node) ring(id journal.UnitID) {
	n.bell.Ring(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case n.wakeOf(id) <- struct{}{}:
	default: // somebody was told already and has not looked yet
	}
}

// wakeOf must be called with n.mu held.
func (n *Node) wakeOf(id journal.UnitID) chan struct{} {
	c := n.wake[id]
	if c == nil {
		c = make(chan struct{}, 1)
		n.wake[id] = c
	}
	return c
}

func (n *Node) ledger(id journal.UnitID) *ledger {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ledgers[id]
}

// ServePeer answers partners on l until ctx ends. The listener is closed.
func (n *Node) ServePeer(ctx context.Context, l net.Listener) error {
	key := n.tlsKey()
	cert, err := tlsCertificate(key, n.opts.Rand, n.now())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	srv := peer.NewServer(peer.ServerParams{
		Self: n.keys().party, Backend: backend{n}, Directory: backend{n}, Limits: n.opts.Limits,
		Now: n.opts.Clock, Log: n.opts.Log, Bell: n.bell,
		Pairing: n.pairing.handler, Witness: n.witnessHandler(), Certificate: n.shown(cert),
		OnExchange: func(from journal.PartyID, id journal.UnitID) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.met[syncKey{id, from}] = n.now()
		},
		OnHint: func(_ journal.PartyID, id journal.UnitID) {
			n.mu.Lock()
			defer n.mu.Unlock()
			select {
			case n.wakeOf(id) <- struct{}{}:
			default:
			}
		},
	})
	n.mu.Lock()
	n.addr, n.served = l.Addr().String(), key
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.addr, n.served = "", nil
		n.mu.Unlock()
	}()
	return srv.Serve(ctx, l, cert)
}

// Run keeps in touch with partners until ctx ends: it opens sessions when this
// side has something new, when a partner hints, and every peer.sync_every.
func (n *Node) Run(ctx context.Context) error {
	client, err := n.client()
	if err != nil {
		return err
	}
	defer client.Close()
	n.mu.Lock()
	n.serving = true
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.serving = false
		n.mu.Unlock()
	}()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { n.intakeLoop(ctx) })
	wg.Go(func() { n.activeLoop(ctx) })
	wg.Go(func() { n.withdrawLoop(ctx) })
	wg.Go(func() { n.notifyLoop(ctx) })
	wg.Go(func() { n.heldLoop(ctx) })
	wg.Go(func() { n.evidenceLoop(ctx) })
	wg.Go(func() {
		for sleep(ctx, time.Second) { // beside what follows: an inviter may take long to answer
			n.pursue(ctx)
		}
	})
	running := map[journal.UnitID]bool{}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		for _, l := range n.units() {
			if !running[l.id] {
				running[l.id] = true
				wg.Go(func() { n.keepInTouch(ctx, client, l) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			n.mend(ctx)
			n.takeUpTLSKey()
			n.tellSkipped(false)
		}
	}
}

// keepInTouch serves one unit: one session at a time towards each partner.
func (n *Node) keepInTouch(ctx context.Context, client *peer.Client, l *ledger) {
	n.mu.Lock()
	wake := n.wakeOf(l.id)
	n.mu.Unlock()
	touch := map[journal.PartyID]chan struct{}{}
	var wg sync.WaitGroup
	defer wg.Wait()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	if len(n.config.Witnesses) > 0 {
		wg.Go(func() { n.witnessLoop(ctx, l) })
	}
	for {
		l := n.present(l) // one of its own for each turn: sessions that began keep theirs
		for _, t := range l.targets() {
			if touch[t.Party] != nil {
				continue
			}
			c := make(chan struct{}, 1)
			touch[t.Party] = c
			wg.Go(func() { n.sessions(ctx, client, l, t.Party, c) })
			if len(n.config.Peer.Advertise) == 0 {
				wg.Go(func() { n.listenFor(ctx, client, l, t.Party, c) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
			for _, c := range touch {
				poke(c)
			}
		case <-look.C:
		}
	}
}

// witnessLoop asks the configured witnesses at the rhythm of peer.sync_every.
func (n *Node) witnessLoop(ctx context.Context, l *ledger) {
	for {
		l = n.present(l)
		wait := time.Duration(n.config.Peer.SyncEvery)
		if err := n.vouch(ctx, l); err != nil {
			wait = min(wait, vouchPause)
		}
		if err := n.askWitnesses(ctx, l); err != nil && ctx.Err() == nil {
			n.opts.Log.Warn("witnesses were asked in vain", "unit", l.id.Short(), "err", err)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// present is the unit's ledger now: a succession puts another in its place.
func (n *Node) present(l *ledger) *ledger {
	if now := n.ledger(l.id); now != nil {
		return now
	}
	return l
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sessions opens one session after another with a partner. A failure is tried
// again after a pause that doubles up to half a minute.
func (n *Node) sessions(ctx context.Context, client *peer.Client, l *ledger, party journal.PartyID, touch <-chan struct{}) {
	const least, most = 250 * time.Millisecond, 30 * time.Second
	pause := least
	for {
		l = n.present(l)
		wait := time.Duration(n.config.Peer.SyncEvery)
		if t, ok := l.target(party); ok {
			if _, err := n.syncWith(ctx, client, l, t, nil); err != nil {
				if ctx.Err() != nil {
					return
				}
				n.opts.Log.Info("session failed; it will be tried again", "unit", l.id.Short(), "party", party.Short(), "in", pause.String(), "err", err)
				wait, pause = pause, min(2*pause, most)
			} else {
				pause = least
				l.mu.Lock()
				if l.uncosigned() { // nothing wakes this session when the own witness answers again
					wait = min(wait, vouchPause)
				}
				l.mu.Unlock()
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-touch:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// listenFor waits at the partner for news, because it cannot reach us.
func (n *Node) listenFor(ctx context.Context, client *peer.Client, l *ledger, party journal.PartyID, touch chan<- struct{}) {
	const wait = 45 * time.Second
	var count int64
	for ctx.Err() == nil {
		l = n.present(l)
		t, ok := l.target(party)
		if !ok {
			if !sleep(ctx, wait) {
				return
			}
			continue
		}
		next, err := client.WaitHint(ctx, t, count, wait)
		switch {
		case err != nil:
			if !sleep(ctx, 5*time.Second) {
				return
			}
		case next != count:
			count = next
			select {
			case touch <- struct{}{}:
			default:
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// targets are the partners of a unit that can be reached from here.
func (l *ledger) targets() []peer.Target {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []peer.Target
	for p := range l.file.Partners {
		if t, ok := l.targetOf(p); ok {
			out = append(out, t)
		}
	}
	return out
}

func (l *ledger) target(p journal.PartyID) (peer.Target, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.targetOf(p)
}

// targetOf must be called with the lock held.
func (l *ledger) targetOf(p journal.PartyID) (peer.Target, bool) {
	id, ok := l.identity(p)
	if !ok || p == l.n.keys().party || len(id.Addresses) == 0 {
		return peer.Target{}, false
	}
	pins := id.TLS
	if pin := l.file.Partners[p].Pin; pin != (journal.Hash{}) {
		pins = append(slices.Clone(pins), pin)
	}
	return peer.Target{Party: p, Unit: l.id, Addresses: id.Addresses, Pins: pins}, true
}

func (n *Node) client() (*peer.Client, error) {
	cert, err := tlsCertificate(n.tlsKey(), n.opts.Rand, n.now())
	if err != nil {
		return nil, err
	}
	return peer.NewClient(peer.ClientParams{
		Self: n.keys().party, Cert: cert, Certificate: n.shown(cert),
		Backend: backend{n}, Limits: n.opts.Limits, Now: n.opts.Clock, Log: n.opts.Log, Dial: n.opts.Dial, KeyLog: n.opts.keyLog,
	}), nil
}

// syncWith runs one session and notes how it went.
func (n *Node) syncWith(ctx context.Context, client *peer.Client, l *ledger, t peer.Target, progress func(peer.Progress)) (peer.Report, error) {
	rep, err := client.Sync(ctx, t, progress)
	n.noteSession(syncKey{l.id, t.Party}, rep.Complete, err)
	return rep, err
}

// Sync opens a session with one partner of one unit, or with all of all, and
// returns when neither side has anything new and what arrived went through intake.
func (n *Node) Sync(ctx context.Context, r SyncRequest, progress func(Progress)) (*SyncResponse, error) {
	client, err := n.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var ledgers []*ledger
	if r.Unit == "" {
		ledgers = n.units()
	} else {
		l, err := n.findUnit(r.Unit)
		if err != nil {
			return nil, err
		}
		ledgers = []*ledger{l}
	}
	res := &SyncResponse{Sessions: []SyncSession{}}
	for _, l := range ledgers {
		want := journal.PartyID("")
		if r.Party != "" {
			if want, err = l.findParty(r.Party); err != nil {
				return nil, err
			}
		}
		l.mu.Lock()
		err := l.paid()
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		for _, p := range l.partners() {
			if want != "" && p != want {
				continue
			}
			res.Sessions = append(res.Sessions, n.session(ctx, client, l, p, progress))
		}
		if err := n.drainIntake(ctx); err != nil {
			return nil, err
		}
	}
	return res, nil
}

func (n *Node) session(ctx context.Context, client *peer.Client, l *ledger, p journal.PartyID, progress func(Progress)) SyncSession {
	s := SyncSession{Unit: string(l.id), Party: string(p), Name: l.nameOf(p)}
	t, ok := l.target(p)
	if !ok {
		s.Code, s.Error = "no-address", "This partner told no address: it opens the sessions. Or carry a courier file."
		return s
	}
	rep, err := n.syncWith(ctx, client, l, t, func(p peer.Progress) {
		if progress != nil {
			progress(Progress{Stage: "sync with " + s.Name, Done: p.EntriesSent + p.EntriesAccepted, Unit: "entries"})
		}
	})
	s.Sent, s.Received, s.Rounds = rep.EntriesSent, rep.EntriesAccepted, rep.Round
	s.Bytes = rep.BytesSent + rep.BytesReceived
	for _, ref := range append(rep.RefusedHere, rep.RefusedThere...) {
		if s.Code == "" {
			s.Code, s.Error = ref.Code, ref.Error()
		}
	}
	if err != nil {
		s.Error = err.Error()
		if ref, ok := peer.AsRefusal(err); ok {
			s.Code = ref.Code
		} else if s.Code == "" {
			s.Code = "failed"
		}
	}
	return s
}

// partners lists everybody paired or introduced, in order.
func (l *ledger) partners() []journal.PartyID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return sortedParties(l.file.Partners)
}

func (l *ledger) nameOf(p journal.PartyID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.partyName(p)
}
