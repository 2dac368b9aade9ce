package node

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"entente/internal/lang"
	"entente/internal/notify"
	"entente/internal/store"
	"entente/journal"

	"filippo.io/torchwood"
)

// A witness key and the marks belong together: what was cosigned with it last lies beside
// the high-water marks, and a key that outlives that could cosign a second history of an
// author that forks itself, which proves this honest party guilty. So a note among the
// marks names each key for which they are whole. It is left before a key is used for the
// first time and at no other time, it goes with the marks, and without it the witness
// cosigns nothing until the organisation key has certified another key.

// Files under DIR/keys that say what is known of the notes. Neither is there in a folder
// that an earlier program made.
const (
	// keyWitnessUnused: this key has cosigned nothing yet. Init leaves it; the first start,
	// which knows where the marks are to lie, turns it into a note and keyWitnessNoted. It is
	// in no backup, and a copy of it does not count.
	keyWitnessUnused = "witness.unused"
	// keyWitnessNoted: there was a note for every witness key whose marks were whole, so
	// that where there is none the marks were lost.
	keyWitnessNoted = "witness.noted"
)

// notePrefix begins the name of each note; what follows is from the key's own name.
const notePrefix = "witness-"

const witnessName = "entente-witness/"

// witnessVKey is the verifier key of a witness, which is named after the key: the name
// says nothing about who runs it, and no two keys share one.
func witnessVKey(key ed25519.PrivateKey) string {
	s, err := torchwood.NewCosignatureSigner(witnessNameOf(key), key)
	if err != nil { // the name is a good one
		return ""
	}
	return s.Verifier().String()
}

func witnessNameOf(key ed25519.PrivateKey) string {
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey))
	return witnessName + hex.EncodeToString(sum[:16])
}

// witnessNote is the name of the note for a verifier key.
func witnessNote(vkey string) string {
	name, _, _ := strings.Cut(vkey, "+")
	return notePrefix + strings.TrimPrefix(name, witnessName)
}

func parseWitnessKey(text []byte) (ed25519.PrivateKey, error) {
	seed, err := hex.DecodeString(strings.TrimSuffix(string(text), "\n"))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s does not hold a 32-byte seed", keyWitness)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// cosigns tells whether the marks are whole for the witness key with this note: only then
// it is known what the key has cosigned.
func (n *Node) cosigns(note string) (bool, error) {
	ok, err := n.marks.Noted(note)
	if errors.Is(err, store.ErrCopied) {
		return false, nil
	}
	return ok, err
}

// witnessStopped tells whether this node's witness cosigns nothing until its key is replaced.
func (n *Node) witnessStopped() bool {
	id := n.keys().id
	if id.Witness == "" {
		return false
	}
	ok, err := n.cosigns(witnessNote(id.Witness))
	return !ok && err == nil
}

// stopWitness takes back what was noted: the marks turned out not to be those that the
// witness keys were used with. A disk that fails is asked again at the next occasion;
// until the node is closed it makes no difference.
func (n *Node) stopWitness(why string) error {
	before := n.witnessStopped()
	err := n.marks.ForgetNotes(notePrefix)
	if !before {
		n.opts.Log.Error("the witness cosigns nothing until its key is replaced", "why", why, "key", n.keys().id.Witness)
	}
	return err
}

// noteWitness leaves the first note of a folder, at its first start: it is the first moment
// at which it is settled where the marks lie. In a folder that an earlier program made, one
// is left if the marks are evidently those that its key was used with. Called when the units
// are open and nobody is answered yet. It may be cut anywhere and done again.
func (n *Node) noteWitness() error {
	unused, noted := n.at.key(keyWitnessUnused), n.at.key(keyWitnessNoted)
	fresh, err := n.at.exists(unused)
	if err != nil {
		return err
	}
	if !fresh {
		if done, err := n.at.exists(noted); err != nil || done {
			return err
		}
	}
	var whole bool
	if fresh {
		whole, err = store.HighWaterAt(filepath.Dir(unused), store.Options{FS: n.opts.FS}).Noted(keyWitnessUnused)
		err = ignoreCopied(err)
	} else {
		whole, err = n.marksWhole()
	}
	if err == nil && whole {
		err = n.marks.Note(witnessNote(n.keys().id.Witness))
	}
	switch {
	case err != nil:
		return err
	case fresh:
		return n.at.rename(unused, noted)
	}
	return n.at.write(noted, []byte("The marks name the witness keys for which they are whole.\n"))
}

func ignoreCopied(err error) error {
	if errors.Is(err, store.ErrCopied) {
		return nil
	}
	return err
}

// noteRenewed leaves a note for a witness key that was just made. If the marks had to be
// given up for the keys before it, their notes go first.
func (n *Node) noteRenewed(vkey string) error {
	if n.witnessStopped() {
		if err := n.marks.ForgetNotes(notePrefix); err != nil {
			return err
		}
	}
	return n.marks.Note(witnessNote(vkey))
}

// marksWhole tells whether there is a mark, which is no copy, for every own journal that the
// folder knows of, also for those that have a successor, and none was found to be retired.
func (n *Node) marksWhole() (bool, error) {
	units := n.units()
	for _, l := range units {
		if l.retired != nil {
			return false, nil
		}
		for epoch := range l.file.Epoch + 1 {
			_, ok, err := n.marks.Get(journal.OriginOf(l.id, n.keys().party, epoch))
			if err != nil || !ok {
				return false, ignoreCopied(err)
			}
		}
	}
	return len(units) > 0, nil
}

// warnOfWitness says in the log of each start that the witness is stopped.
func (n *Node) warnOfWitness() {
	if x, stopped := n.witnessNeed(); stopped {
		n.opts.Log.Warn(x.Text(lang.English()))
	}
}

// CodeWitnessStopped: what this node's witness has cosigned is not known any more, so it
// cosigns nothing until its key is replaced.
const CodeWitnessStopped = "witness-stopped"

// renewTime bounds how long all members are listened to before a witness key is replaced.
const renewTime = 30 * time.Second

// renewWitness gives a stopped witness its next key, as part of a succession. The next
// identity has to follow the newest that anybody knows, or the two would exclude each other;
// a folder that was put back does not know of it until its partners have told. So every
// member is listened to first, to the end, and where one cannot be, it is left to an officer.
func (n *Node) renewWitness(ctx context.Context, orgText string) {
	if !n.witnessStopped() {
		return
	}
	err := n.heardAll(ctx)
	if err == nil {
		_, err = n.RotateIdentity(ctx, IdentityRotateRequest{What: "witness", OrgKey: orgText})
	}
	if err != nil {
		n.opts.Log.Warn("the witness key was not replaced, so nothing is cosigned; do it with 'entente identity rotate witness' once every member has been heard", "err", err)
	}
}

// heardAll opens a session with every member of every unit. An error tells that somebody
// may know what is not known here.
func (n *Node) heardAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	client, err := n.client()
	if err != nil {
		return err
	}
	defer client.Close()
	heard := 0
	for _, l := range n.units() {
		l.mu.Lock()
		left := maps.Clone(l.file.Closed)
		l.mu.Unlock()
		for _, p := range l.partners() {
			if _, gone := left[p]; gone || p == n.keys().party {
				continue
			}
			t, ok := l.target(p)
			if !ok {
				return fmt.Errorf("%s cannot be reached from here", l.nameOf(p))
			}
			rep, err := n.syncWith(ctx, client, l, t, nil)
			if err == nil && !rep.Complete {
				err = errors.New("the session did not come to its end")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", l.nameOf(p), err)
			}
			heard++
		}
	}
	if heard == 0 {
		return errors.New("this folder knows of nobody who could be asked what it may have forgotten")
	}
	return nil
}

// witnessNeed tells that the witness is stopped, and what an officer does.
func (n *Node) witnessNeed() (x notify.Item, stopped bool) {
	if !n.witnessStopped() {
		return x, false
	}
	x.Code, x.Detail = notify.ItemWitnessStopped, CodeWitnessStopped
	partners := false
	for _, l := range n.units() {
		l.mu.Lock()
		partners = partners || len(l.file.Partners) > 0
		if l.retired != nil {
			x.Code = notify.ItemWitnessRetired
		}
		l.mu.Unlock()
	}
	// Without partners there is nothing to cosign; and who was put back to before it met any
	// must not rotate before it is told by them which identity was its last.
	return x, partners
}
