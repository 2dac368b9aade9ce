package node

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// openOwn opens the own journal for writing, or makes it. If its latest head
// cannot be established it is opened as a mirror of ourselves: it can be read
// and even grow by what partners still hold of it, but it is never signed again.
func (l *ledger) openOwn() error {
	st, err := store.OpenJournal(l.journalDir(l.origin()), store.Options{FS: l.n.opts.FS})
	if err != nil {
		return err
	}
	if l.file.Retired {
		l.retired = retiredError(l, journal.ErrRolledBack)
		l.forgetful("a journal is retired")
		return l.mirrorAt(l.origin(), st)
	}
	text, err := l.n.at.read(l.keyPath(l.file.Epoch))
	if err != nil {
		return errors.Join(err, st.Close())
	}
	key, err := journal.ParsePrivateKey(text)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	w, err := l.openSigning(st, key)
	switch {
	case errors.Is(err, journal.ErrRolledBack):
		l.retired = retiredError(l, err)
		return l.mirrorAt(l.origin(), st)
	case journal.CodeOf(err) == journal.CodeBadCertificate:
		// The journal knows of a rotation, brought back by a partner, that the key in this
		// folder is from before: the folder was put back, and cannot sign what comes next.
		l.retired = retiredError(l, errors.Join(journal.ErrRolledBack, err))
		l.forgetful("the folder was put back to before a rotation of a journal's key")
		return l.mirrorAt(l.origin(), st)
	case err != nil:
		return errors.Join(err, st.Close())
	}
	l.own, l.ownStore = w, st
	return nil
}

// openSigning opens the own journal to sign it, or refuses with
// journal.ErrRolledBack. What lies above the mark was never told: at most one
// append, which a crash parted from its mark. It is marked now, before anybody
// is told of it.
func (l *ledger) openSigning(st *store.Journal, key *journal.PrivateKey) (*journal.Writer, error) {
	mark, marked, err := l.n.marks.Get(l.origin())
	if copied := errors.Is(err, store.ErrCopied); copied || err == nil && !marked {
		l.forgetful("a high-water mark is missing, or a copy")
		err = nil
		if copied {
			err = fmt.Errorf("%w (%w)", journal.ErrRolledBack, store.ErrCopied)
		}
		vouched, ok := l.n.vouched(l.origin())
		l.unmarked = !ok
		switch {
		case ok && vouched.Size >= mark.Size: // our own witness knows this head to be the latest
			mark, marked, err = vouched, true, nil
		case err != nil:
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	cp, err := st.Latest()
	if err != nil {
		return nil, err
	}
	if cp == nil {
		if l.unmarked = false; !marked || mark.Size > 0 {
			return nil, journal.ErrRolledBack
		}
		return l.genesis(st, key)
	}
	p := journal.WriterParams{}
	if marked {
		p.HighWater = &mark
		if err := oneAppendAbove(st, mark.Size); err != nil {
			l.forgetful("a high-water mark is older than its journal")
			return nil, err
		}
	}
	w, err := l.openWriter(st, key, p)
	if err != nil {
		return nil, err
	}
	return w, l.mark(w.Head())
}

// oneAppendAbove refuses a mark that lies further below its journal than one
// append: a mark is raised after each, so this one is not the journal's.
func oneAppendAbove(st *store.Journal, mark int64) error {
	above := 0
	for _, err := range st.Checkpoints(mark + 1) {
		if err != nil {
			return err
		}
		if above++; above > 1 {
			return fmt.Errorf("%w (the high-water mark is at %d entries, and the journal went on from there more than once: the mark is older)", journal.ErrRolledBack, mark)
		}
	}
	return nil
}

// mark raises the high-water mark to a head of the own journal. Only then the
// head may be told.
func (l *ledger) mark(head journal.Head) error {
	if err := l.n.marks.Raise(l.origin(), head); err != nil {
		return err
	}
	l.marked = head
	return nil
}

// openWriter opens the own journal with its key, or with the key that waits to
// replace it: a crash may have come between the rotate entry and the renaming.
func (l *ledger) openWriter(st *store.Journal, key *journal.PrivateKey, p journal.WriterParams) (*journal.Writer, error) {
	path := l.keyPath(l.file.Epoch)
	w, err := journal.OpenWriter(st, key, p)
	if journal.CodeOf(err) != journal.CodeBadCertificate {
		if err == nil {
			err = l.n.at.remove(path + nextKey) // of a rotation that did not happen
		}
		return w, err
	}
	text, missing := l.n.at.read(path + nextKey)
	if missing != nil {
		return nil, err
	}
	if key, err = journal.ParsePrivateKey(text); err != nil {
		return nil, err
	}
	if w, err = journal.OpenWriter(st, key, p); err != nil {
		return nil, err
	}
	return w, l.n.at.rename(path+nextKey, path)
}

func retiredError(l *ledger, err error) error {
	return &Error{Code: CodeRetired, Status: 409,
		What: fmt.Sprintf("The own journal in unit %s may not be extended.", l.name()),
		Why:  "Its latest head cannot be established: this folder was restored or copied, or its high-water mark is lost. Signing now could contradict what was signed before.",
		Next: "Open a successor with the organisation key: 'entente journal succeed --org-key FILE'. Everything said before stays binding.", Err: err}
}

// begin marks a journal that is about to exist as one of no entries. Only a
// journal with that mark gets a genesis: without any mark an empty one may be an
// old copy of one that went on, and a second genesis would be a fork of ourselves.
func (l *ledger) begin(epoch int) error {
	empty := journal.Head{Root: sha256.Sum256(nil)} // RFC 6962 section 2.1: of no entries
	return l.n.marks.Raise(journal.OriginOf(l.id, l.n.keys().party, epoch), empty)
}

// genesis writes the first entry: who we are, the certified key, and what was founded.
func (l *ledger) genesis(st *store.Journal, key *journal.PrivateKey) (*journal.Writer, error) {
	cert := l.file.Certificate
	if cert == nil {
		c, err := journal.NewCertificate(l.n.keys().node, journal.Certificate{
			Unit: l.id, Party: l.n.keys().party, Epoch: l.file.Epoch, Key: key.Public()})
		if err != nil {
			return nil, err
		}
		cert = &c
	}
	chain, err := journal.CompactIdentityChain(l.n.keys().chain)
	if err != nil {
		return nil, err
	}
	w, err := journal.CreateWriter(st, key, journal.GenesisBody{Identities: chain, Certificate: *cert, Founding: l.file.Founding}, l.n.now(), l.n.machine())
	if err != nil {
		return nil, err
	}
	l.begun = true
	return w, l.mark(w.Head())
}

// mirrored looks at what a partner shows of our own journal. A head that we
// signed and do not have means that this folder went back in time, or that it was
// copied: from then on nothing more is signed here, and nil is returned: the
// stretch is to be taken in like anybody's. The lock must be held.
func (l *ledger) mirrored(run peer.Run) error {
	stale := &peer.Refusal{Code: peer.CodeStale, Origin: run.Origin, Index: run.First, Detail: "this is our own journal; its writer has it"}
	if len(run.Checkpoint) == 0 {
		return stale
	}
	if certificate, _, err := l.excluded(run); err != nil || certificate != nil {
		return err // another beginning of it: otherBeginning takes it in
	}
	head, err := l.own.Keyring().VerifyCheckpoint(run.Checkpoint)
	if err != nil || head.Size == 0 {
		return stale
	}
	held, err := l.holds(head)
	if err != nil {
		return err
	}
	if held {
		return stale
	}
	l.retire("a partner shows a head signed with our key that is not in our journal: this folder went back in time, or it was copied")
	return nil
}

// holds tells whether a head is one of the own journal's. The lock must be held.
func (l *ledger) holds(head journal.Head) (bool, error) {
	own := l.own.Head()
	if head.Size >= own.Size || head.Size == 0 {
		return head == own || head.Size == 0, nil
	}
	root, err := tlog.TreeHash(head.Size, l.ownStore)
	return root == head.Root, err
}

// retire stops all signing in this unit, for good: only a successor goes on. What
// is held of the own journal is a mirror from then on, so that the tail that
// others hold of it comes back. The lock must be held.
func (l *ledger) retire(why string) {
	if l.own == nil {
		return
	}
	l.n.opts.Log.Error("nothing more is signed in this unit", "unit", l.id.Short(), "why", why, "held", l.own.Head().Size)
	l.file.Retired = true
	l.retired = retiredError(l, fmt.Errorf("%w (%s)", journal.ErrRolledBack, why))
	l.forgetful(why)
	if err := l.save(); err != nil {
		l.n.opts.Log.Error("that the journal is retired could not be stored; it is found out again", "unit", l.id.Short(), "err", err)
	}
	l.giveUp()
}

// forgetful stops the witness, because what was found out about this journal says that
// the marks, or the folder with them, may be of another time.
func (l *ledger) forgetful(why string) {
	if err := l.n.stopWitness(why); err != nil {
		l.n.opts.Log.Error("that the witness is stopped could not be stored; it is found out again", "err", err)
	}
}

// giveUp turns the own journal into a mirror of ourselves. The lock must be held.
func (l *ledger) giveUp() {
	st := l.ownStore
	l.own, l.ownStore = nil, nil
	if err := l.mirrorAt(l.origin(), st); err != nil {
		l.n.opts.Log.Error("the retired journal cannot be read", "unit", l.id.Short(), "err", err)
	}
}

// rootAt is the root that a mirrored journal had at a size.
func rootAt(m *mirror, size int64) (journal.Hash, error) {
	if size == 0 {
		return journal.Hash{}, nil
	}
	if size > m.m.Head().Size {
		return journal.Hash{}, fmt.Errorf("only %d entries are held", m.m.Head().Size)
	}
	return tlog.TreeHash(size, m.store)
}
