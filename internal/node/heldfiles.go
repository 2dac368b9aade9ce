package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// heldAgain is how long files of an exhibit that was released wait until they are brought on once more, where the bytes of the
// day were used up.
const heldAgain = time.Minute

// Evidence that is held ready: its announcement, the manifest, is an entry like any other. The hashes of all chunks stand in it, so
// who releases it releases exactly those bytes; the entries of the chunks, which name the announcement and so cannot be made before
// it is written, are written under its claims. The files themselves lie beside the act meanwhile, encrypted as evidence is.

func (l layout) heldFiles(id string) string { return filepath.Join(l.held(), id+"-files.sealed") }

// isEvidence tells whether the content of an entry lies encrypted here.
func (e *heldEntry) isEvidence() bool { return strings.HasPrefix(e.Kind, exhibitKinds) }

// putHeld writes the content of an entry of an act.
func (n *Node) putHeld(id string, i int, evidence bool, data []byte) error {
	if !evidence {
		return n.at.write(n.at.heldContent(id, i), data)
	}
	var b bytes.Buffer
	w, err := n.vault.Seal(&b)
	if err != nil {
		return n.sealedError(err)
	}
	_, err = w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		return n.sealedError(err)
	}
	return n.at.write(n.at.heldContent(id, i), b.Bytes())
}

// heldData is the content of an entry of an act, as it is committed to.
func (n *Node) heldData(h *heldFile, i int) ([]byte, error) {
	data, err := n.at.read(n.at.heldContent(h.ID, i))
	if err != nil || !h.Entries[i].isEvidence() {
		return data, err
	}
	r, err := n.vault.Open(bytes.NewReader(data))
	if err != nil {
		return nil, n.sealedError(err)
	}
	return io.ReadAll(io.LimitReader(r, h.Entries[i].Payload.Size+1))
}

// keepFiles keeps the files of an exhibit whose announcement is held ready. Where there is no room for them among all that is held,
// they are not kept, and have to be attached again once it is released.
func (n *Node) keepFiles(id string, size int64, content io.Reader) error {
	n.held.mu.Lock()
	waiting := size
	for _, x := range n.held.acts {
		if x.open() || x.Whole > 0 {
			waiting += x.bytes()
		}
	}
	n.held.mu.Unlock()
	if waiting > maxHeldBytes {
		return nil
	}
	if err := n.roomFor(size); err != nil {
		return err
	}
	name := n.at.heldFiles(id)
	if err := n.sealInto(name, content); err != nil {
		return errors.Join(err, n.at.remove(name))
	}
	n.held.deciding.Lock() // what is decided on meanwhile is seen with the files or without, not between
	defer n.held.deciding.Unlock()
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	h := n.held.acts[id]
	if h == nil || h.State != HeldWaiting { // decided on meanwhile
		return n.at.remove(name)
	}
	x := *h
	x.Whole = size
	if err := n.at.writeJSON(n.at.heldAct(id), &x); err != nil {
		return err
	}
	n.held.acts[id] = &x
	return nil
}

// sealInto encrypts a stream into a file, which is durable when it returns.
func (n *Node) sealInto(name string, r io.Reader) (err error) {
	f, err := n.at.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := n.vault.Seal(io.NewOffsetWriter(f, 0))
	if err != nil {
		return n.sealedError(err)
	}
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Sync()
}

// openFiles reads the files of an act, one behind the other.
func (n *Node) openFiles(id string) (io.ReadCloser, error) {
	f, err := n.at.fs.OpenFile(n.at.heldFiles(id), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r, err := n.vault.Open(io.NewSectionReader(f, 0, size))
	if err != nil {
		return nil, errors.Join(n.sealedError(err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

// bringHeld writes the content of an exhibit whose announcement was released, as far as the bytes of the day let it. What is whole, or
// was given up, is not kept any more.
func (n *Node) bringHeld(ctx context.Context, h *heldFile) error {
	l := n.ledger(h.Unit)
	if l == nil {
		return nil // the unit is not here any more; the files go with the act
	}
	var at ExhibitAddResponse
	l.mu.Lock()
	x, ok := l.fold.Exhibit(h.Refs[0])
	if ok {
		l.written(&x, &at)
	}
	l.mu.Unlock()
	if ok && x.State == desk.BeingAdded {
		if at.Offset >= at.Until && at.Until < x.Size { // not today
			return nil
		}
		content, err := n.openFiles(h.ID)
		if err != nil {
			return err
		}
		defer content.Close()
		if _, err := io.CopyN(io.Discard, content, at.Offset); err != nil {
			return fmt.Errorf("reading what was held ready: %w", err)
		}
		done, err := n.ExhibitContent(ctx, ExhibitContentRequest{Acting: Acting{By: Claim{h.By.Agency, h.By.Role}}, Unit: string(h.Unit), ID: x.ID.String(), Offset: at.Offset}, content, nil)
		if err != nil || done.Exhibit.State == string(desk.BeingAdded) {
			return err
		}
	}
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	return n.dropFiles(h.ID)
}

// dropFiles removes the files of an act. The lock of the acts must be held.
func (n *Node) dropFiles(id string) error {
	if h := n.held.acts[id]; h != nil && h.Whole > 0 {
		x := *h
		x.Whole = 0
		if err := n.at.writeJSON(n.at.heldAct(id), &x); err != nil {
			return err
		}
		n.held.acts[id] = &x
	}
	return n.at.remove(n.at.heldFiles(id))
}

// heldLoop brings on what was released and could not be written at once: because the bytes of the day were used up, or the node
// stopped.
func (n *Node) heldLoop(ctx context.Context) {
	again := time.NewTicker(heldAgain)
	defer again.Stop()
	for {
		n.bringAllHeld(ctx)
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

func (n *Node) bringAllHeld(ctx context.Context) {
	n.held.mu.Lock()
	var all []*heldFile
	for _, h := range n.held.acts {
		if h.State == HeldReleased && h.Whole > 0 && len(h.Refs) > 0 {
			x := *h
			all = append(all, &x)
		}
	}
	n.held.mu.Unlock()
	for _, h := range all {
		n.held.deciding.Lock() // not while somebody's release brings them
		err := n.bringHeld(ctx, h)
		n.held.deciding.Unlock()
		if err != nil && ctx.Err() == nil {
			n.opts.Log.Error("evidence that was released cannot be written yet; it will be tried again", "act", h.ID, "err", err)
		}
	}
}

// resealHeld seals what is held ready of evidence to the newest key.
func (n *Node) resealHeld() error {
	n.held.deciding.Lock()
	defer n.held.deciding.Unlock()
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	for _, h := range n.held.acts {
		for i, e := range h.Entries {
			if !h.open() || e.Payload == nil || !e.isEvidence() {
				continue
			}
			data, err := n.heldData(h, i)
			if err == nil {
				err = n.putHeld(h.ID, i, true, data)
			}
			if err != nil {
				return err
			}
		}
		if h.Whole == 0 {
			continue
		}
		if err := n.resealFiles(h.ID); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) resealFiles(id string) error {
	r, err := n.openFiles(id)
	if err != nil {
		return err
	}
	name := n.at.heldFiles(id)
	err = errors.Join(n.sealInto(name+".new", r), r.Close())
	if err != nil {
		return errors.Join(err, n.at.remove(name+".new"))
	}
	return n.at.rename(name+".new", name)
}

// claimsOfAdd are the claims under which an exhibit was announced, where two persons did: its chunks, whose hashes stand in it, are
// written under them too. The lock must be held.
func (l *ledger) claimsOfAdd(ref journal.Ref) ([]journal.By, error) {
	for _, j := range l.journals() {
		if j.origin != ref.Origin || !j.own {
			continue
		}
		for raw, err := range j.store.Read(ref.Index, ref.Index+1) {
			if err != nil {
				return nil, err
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err != nil {
				return nil, err
			}
			return e.Release, nil
		}
	}
	return nil, nil
}
