package node

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entente/internal/dossier"
	"entente/journal"
)

// The hostile member's witness contradicts itself: it cosigns heads that no journal ever had, under its
// true key, answers with them, and shows them in its own journal, of an honest member too. Whoever holds two
// such cosignatures that exclude each other proves it of the witness, and nothing of whom the head is said to be.

// cosignedLines is a cosignature of a machine's witness on any head, whatever it cosigned before.
func (m *machine) cosignedLines(text string) (string, error) {
	seed, err := m.node.at.read(m.node.at.key(keyWitness))
	if err != nil {
		return "", err
	}
	raw, err := hex.DecodeString(string(trimLine(seed)))
	if err != nil {
		return "", err
	}
	name, _, _ := strings.Cut(m.node.keys().id.Witness, "+")
	signer, err := torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(raw))
	if err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", err
	}
	_, lines, _ := strings.Cut(string(signed), "\n\n")
	return lines, nil
}

func headText(o journal.Origin, h journal.Head) string {
	return fmt.Sprintf("%s\n%d\n%s\n", o, h.Size, h.Root)
}

// cosignsAnother answers with a cosignature on another head than the one that it was asked about.
func (m *machine) cosignsAnother(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, signed, _ := bytes.Cut(body, []byte("\n\n"))
	if o, h, err := journal.CheckpointHead(signed); err == nil && m.node != nil {
		h.Root[5] ^= 0x10
		if lines, err := m.cosignedLines(headText(o, h)); err == nil {
			fmt.Fprint(rw, lines)
		}
	}
}

// hostContradict shows, in the hostile member's journal, a head that was never in the journal it is said to be of,
// cosigned by its witness; now and then a true one as well, where its witness was not asked about one.
func (w *world) hostContradict(h *machine) error {
	l, err := h.node.findUnit("Joint")
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var of []heldJournal
	for _, j := range l.journals() {
		if j.head.Size > 1 && l.maySign() == nil {
			of = append(of, j)
		}
	}
	if len(of) == 0 {
		return nil
	}
	j := of[w.rng.IntN(len(of))]
	untrue := j.head
	switch w.rng.IntN(3) {
	case 0:
		untrue.Size = 1 + w.rng.Int64N(j.head.Size-1)
	case 1:
		untrue.Size += 1 + w.rng.Int64N(4) // nobody can say yet that it is none
	}
	untrue.Root[7] ^= 1 << w.rng.IntN(8)
	shown := []journal.Head{untrue}
	if w.rng.IntN(2) == 0 {
		shown = append(shown, j.head)
	}
	w.rng.Shuffle(len(shown), func(a, b int) { shown[a], shown[b] = shown[b], shown[a] })
	for _, head := range shown {
		lines, err := h.cosignedLines(headText(j.origin, head))
		if err != nil {
			return err
		}
		body := journal.WitnessBody{Checkpoint: headText(j.origin, head) + "\n" + lines}
		if _, err := l.write(journal.Draft{Kind: journal.KindWitness, By: l.n.machine(), Body: body}); err != nil {
			return err
		}
		w.tell("  shows %d entries of %s, cosigned", head.Size, j.origin.Short())
	}
	w.counts["heads that never were, cosigned and shown"]++
	return nil
}

// shownCosigned is one cosigned head that a journal shows.
type shownCosigned struct {
	journal.Head
	own bool // it is one of the journal as this node holds it
}

// cosignedTwo says, from the words of the protocol, whether some of the heads that a key cosigned of one journal
// exclude each other: two roots of one size, or one of the journal and, at most as large, one that is none.
func cosignedTwo(heads []shownCosigned) bool {
	for i, a := range heads {
		for _, b := range heads[i+1:] {
			small, large := a, b
			if small.Size > large.Size {
				small, large = b, a
			}
			if small.Size == large.Size && small.Root != large.Root || small.Size < large.Size && large.own && !small.own {
				return true
			}
		}
	}
	return false
}

// checkLiars: whoever holds two cosignatures of one witness that exclude each other proves it, of that witness alone;
// whoever does not, proves nothing of the kind.
func (w *world) checkLiars() {
	if !slices.ContainsFunc(w.ms, func(m *machine) bool { return m.hostile }) {
		return
	}
	for _, m := range w.ms {
		if m.hostile || m.node == nil || w.failed() {
			continue
		}
		for _, l := range m.node.units() {
			lied, any := w.liars(l)
			if !any {
				continue
			}
			rep, err := m.dossier(l.name())
			if err != nil {
				w.fail("undeniable", "%s cannot pack a dossier: %v", m.name, err)
				continue
			}
			w.judge(m, rep)
			for _, x := range w.ms {
				proved := rep.Report != nil && slices.ContainsFunc(rep.Findings, func(f dossier.Finding) bool {
					return f.Code == dossier.CodeCosigned && f.Weight == dossier.Proved && f.Party == w.eye.party[x]
				})
				switch {
				case lied[x] && !proved:
					w.fail("undeniable", "%s holds two cosignatures of %s that exclude each other, and its dossier does not prove it", m.name, x.name)
				case !lied[x] && proved:
					w.fail("an honest node never looks guilty", "a dossier of %s proves of %s that it cosigned two histories, and it holds no two such cosignatures", m.name, x.name)
				case proved:
					w.counts["proofs that a witness cosigned two histories"]++
				}
			}
		}
	}
}

// liars reads who cosigned two histories off the entries that are held, and whether anything cosigned by a hostile
// witness is.
func (w *world) liars(l *ledger) (lied map[*machine]bool, any bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := map[journal.Origin]heldJournal{}
	keys := map[*machine][]string{}
	for _, j := range l.journals() {
		if j.head.Size == 0 {
			continue
		}
		held[j.origin] = j
		m := w.byParty(j.party)
		for _, s := range l.told(j.origin) {
			if id, err := journal.ParseIdentity(s); m != nil && err == nil && id.Witness != "" && !slices.Contains(keys[m], id.Witness) {
				keys[m] = append(keys[m], id.Witness)
			}
		}
	}
	type by struct {
		m      *machine
		key    string
		origin journal.Origin
	}
	heads := map[by][]shownCosigned{}
	for _, j := range held {
		for raw, err := range j.store.Read(0, j.head.Size) {
			if err != nil || !bytes.Contains(raw, []byte(`"kind":"`+journal.KindWitness+`"`)) {
				continue
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err != nil {
				continue
			}
			b, err := journal.DecodeBody[journal.WitnessBody](e, journal.KindWitness)
			if err != nil {
				continue
			}
			for m, list := range keys {
				for _, key := range list {
					o, h, sigs, err := journal.Cosignatures([]byte(b.Checkpoint), key)
					of, here := held[o]
					if err != nil || len(sigs) == 0 || !here {
						continue
					}
					root, err := tlog.TreeHash(min(h.Size, of.head.Size), of.store)
					heads[by{m, key, o}] = append(heads[by{m, key, o}], shownCosigned{h, err == nil && h.Size <= of.head.Size && root == h.Root})
					any = any || m.hostile
				}
			}
		}
	}
	lied = map[*machine]bool{}
	for k, list := range heads {
		lied[k.m] = lied[k.m] || cosignedTwo(list)
	}
	return lied, any
}
