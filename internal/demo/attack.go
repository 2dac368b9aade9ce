package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"entente/internal/dossier"
	"entente/internal/node"
	"entente/internal/peer"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// attack plays South's best hackers: with South's real keys they rewrite an entry
// of its journal, sign the new history, and show it to North over a real
// connection. It happens in a unit of its own, which North leaves afterwards, so
// that the first one shows that other units are not touched.
func (s *story) attack(ctx context.Context) error {
	unit, err := s.pair(ctx, drillName)
	if err != nil {
		return err
	}
	// Who is caught is not listened to any more. What South still owes North, a receipt say, has to be there before.
	if err := s.rest(ctx, unit); err != nil {
		return err
	}
	forged, entry, err := s.forge(ctx, unit)
	if err != nil {
		return err
	}
	s.say.did("in a second unit, South rewrites its entry %d and signs the new history with its real keys", entry)
	code, err := s.present(ctx, unit, forged)
	if err != nil {
		return err
	}
	s.say.did("South shows it to North, which answers: %s", code)
	if code != journal.CodeFork {
		return fmt.Errorf("to a rewritten journal North answered %q", code)
	}
	var shown node.JournalShowResponse
	if err := s.north.Call(ctx, "journal.show", node.JournalShowRequest{Unit: unit, Evidence: true}, &shown); err != nil {
		return err
	}
	if len(shown.Evidence) != 1 {
		return fmt.Errorf("one proof is expected at North, there are %d", len(shown.Evidence))
	}
	proof := filepath.Join(s.dir, "proof.tmp")
	defer os.Remove(proof)
	if err := s.export(ctx, unit, proof); err != nil {
		return err
	}
	rep, err := verifyFile(proof, s.north.init.Party, s.south.init.Party)
	if err != nil {
		return err
	}
	if !rep.OK || !proves(rep, journal.PartyID(s.south.init.Party)) {
		return fmt.Errorf("the dossier does not prove the fork: %s", rep.Damage)
	}
	s.say.proved("two heads of one size, both signed by South: North keeps them, and a stranger can check them offline")
	if err := s.north.Call(ctx, "unit.withdraw", node.UnitWithdrawRequest{Unit: unit, Confirm: drillName}, nil); err != nil {
		return err
	}
	err = eventually(ctx, "the withdrawal reaching South", func() (bool, error) {
		v, err := s.south.unit(ctx, unit)
		return err == nil && v.Brief.State == "withdrawn", err
	})
	if err != nil {
		return err
	}
	if v, err := s.north.unit(ctx, s.unit); err != nil || v.Brief.State != "in-force" {
		return fmt.Errorf("the first unit is %s after an attack in the second: %w", v.Brief.State, err)
	}
	s.say.did("North withdraws from that unit; the first one is untouched")
	return s.settle(ctx, unit)
}

// proves tells whether a verified dossier proves a fork by this party.
func proves(rep *node.DossierReport, p journal.PartyID) bool {
	return slices.ContainsFunc(rep.Findings, func(f dossier.Finding) bool {
		return f.Weight == dossier.Proved && f.Party == p && f.Code == journal.CodeFork
	})
}

// forge makes a signed head of South's journal as it would be with another entry.
func (s *story) forge(ctx context.Context, unit string) ([]byte, int64, error) {
	var j node.JournalShowResponse
	if err := s.south.Call(ctx, "journal.show", node.JournalShowRequest{Unit: unit, Limit: 1000}, &j); err != nil {
		return nil, 0, err
	}
	// A forged head proves a fork where the true one is known.
	err := eventually(ctx, "South's journal reaching North", func() (bool, error) {
		var there node.JournalShowResponse
		err := s.north.Call(ctx, "journal.show", node.JournalShowRequest{Unit: unit, Origin: j.Origin, Limit: 1}, &there)
		return err == nil && there.Size >= j.Size, err
	})
	if err != nil {
		return nil, 0, err
	}
	at := j.Size - 1
	var stored []journal.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, e := range j.Entries {
		leaf, err := hex.DecodeString(e.Leaf)
		if err != nil || len(leaf) != tlog.HashSize {
			return nil, 0, errors.New("the journal shows no leaf hash")
		}
		h := journal.Hash(leaf)
		if int64(i) == at {
			h = tlog.RecordHash([]byte(`{"we":"never said that"}`))
		}
		more, err := tlog.StoredHashesForRecordHash(int64(i), h, read)
		if err != nil {
			return nil, 0, err
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(j.Size, read)
	if err != nil {
		return nil, 0, err
	}
	text, err := os.ReadFile(filepath.Join(s.south.dir, "units", unit, "journal-0.key"))
	if err != nil {
		return nil, 0, err
	}
	key, err := journal.ParsePrivateKey(text)
	if err != nil {
		return nil, 0, err
	}
	cp, err := journal.SignCheckpoint(journal.Origin(j.Origin), journal.Head{Size: j.Size, Root: root}, time.Now(), key)
	return cp, at, err
}

// present shows the forged head to North and returns the code of its answer.
func (s *story) present(ctx context.Context, unit string, forged []byte) (string, error) {
	text, err := os.ReadFile(filepath.Join(s.south.dir, "keys", "tls.key"))
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return "", errors.New("the TLS key of South cannot be read")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return "", errors.New("the TLS key of South is of another kind")
	}
	cert, err := peer.Certificate(key, rand.Reader, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		return "", err
	}
	origin, _, err := journal.CheckpointHead(forged)
	if err != nil {
		return "", err
	}
	var id node.IdentityResponse
	if err := s.north.Call(ctx, "identity.show", nil, &id); err != nil {
		return "", err
	}
	target := peer.Target{Party: journal.PartyID(s.north.init.Party), Unit: journal.UnitID(unit), Addresses: []string{s.north.ready.Peer}}
	for _, pin := range id.TLS {
		raw, err := hex.DecodeString(pin)
		if err != nil || len(raw) != tlog.HashSize {
			return "", errors.New("no TLS pin is shown by North")
		}
		target.Pins = append(target.Pins, journal.Hash(raw))
	}
	// South's own node may be in a session with North at this moment; one party has
	// one at a time.
	for range 50 {
		c := peer.NewClient(peer.ClientParams{Self: journal.PartyID(s.south.init.Party), Cert: cert, Now: time.Now,
			Backend: liar{run: peer.Run{Origin: origin, Checkpoint: forged}}})
		rep, err := c.Sync(ctx, target, nil)
		c.Close()
		for _, r := range rep.RefusedThere {
			if r.Code == journal.CodeFork {
				return r.Code, nil
			}
		}
		var status *peer.StatusError
		if errors.As(err, &status) && status.Refusal.Code == peer.CodeBusy {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if len(rep.RefusedThere) > 0 {
			return rep.RefusedThere[0].Code, nil
		}
		if err == nil {
			err = errors.New("it was taken without a word")
		}
		return "", fmt.Errorf("the forged head was not answered: %w", err)
	}
	return "", errors.New("the other node was busy all the time")
}

// liar is a backend with one thing to say.
type liar struct{ run peer.Run }

func (l liar) Hello(context.Context, journal.UnitID, journal.PartyID) (peer.Hello, error) {
	return peer.Hello{Have: map[journal.Origin]journal.Head{}}, nil
}

func (l liar) Since(context.Context, journal.UnitID, journal.PartyID, map[journal.Origin]journal.Head) iter.Seq2[peer.Run, error] {
	return func(yield func(peer.Run, error) bool) { yield(l.run, nil) }
}

func (l liar) Payload(context.Context, journal.UnitID, journal.PartyID, journal.Hash) (peer.Payload, error) {
	return peer.Payload{}, &peer.Refusal{Code: peer.CodeMissing}
}

func (l liar) Accept(_ context.Context, _ journal.UnitID, _ journal.PartyID, r peer.Run) (int, error) {
	return len(r.Entries), nil
}

func (l liar) AcceptPayload(context.Context, journal.UnitID, journal.PartyID, peer.Payload) (bool, error) {
	return true, nil
}

func (l liar) Settle(context.Context, journal.UnitID, journal.PartyID) error { return nil }
