package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/internal/store"
	"entente/journal"
)

// maxExhibitErrors bounds what a verification lists; further errors are counted only by what is not verified.
const maxExhibitErrors = 100

// exhibitChunks reads an exhibit chunk by chunk, each held against its manifest. What lies below a journal's
// head never changes, so reading needs no lock.
type exhibitChunks struct {
	l      *ledger
	x      *desk.Exhibit
	m      *exhibit.Manifest
	text   []byte // of the manifest
	chunks []desk.Chunk
	there  []bool
}

func (n *Node) exhibitChunks(unitName, id string) (*exhibitChunks, error) {
	l, ref, err := n.findExhibit(unitName, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	x, _ := l.fold.Exhibit(ref)
	c := &exhibitChunks{l: l, x: &x.Exhibit, chunks: make([]desk.Chunk, x.Chunks), there: make([]bool, x.Chunks)}
	for number := range x.Chunks {
		c.chunks[number], c.there[number] = x.ChunkAt(number)
	}
	c.m, c.text, err = l.manifest(&x.Exhibit)
	return c, n.sealedError(err)
}

// errNotHere marks a chunk that is not held here.
var errNotHere = errors.New("is not here")

// chunk returns the bytes of one chunk.
func (c *exhibitChunks) chunk(number int64) ([]byte, error) {
	if !c.there[number] {
		return nil, &exhibit.ChunkError{Number: number, Why: "was not written yet"}
	}
	commitment := c.chunks[number].Payload.Commitment
	stamp, stampErr := c.l.payloads.Stamp(commitment)
	salt, data, err := c.l.payloads.Get(commitment)
	if stampErr == nil {
		c.l.mu.Lock()
		c.l.readBack(commitment, stamp, err)
		c.l.mu.Unlock()
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNotHere
	}
	if err != nil {
		return nil, err
	}
	plain, err := journal.OpenPayload(c.chunks[number].Payload, salt, data, c.m.Chunk)
	if err != nil {
		return nil, &exhibit.ChunkError{Number: number, Why: "cannot be read: " + err.Error()}
	}
	return plain, c.m.CheckChunk(number, plain)
}

// VerifyExhibit reads all of an exhibit back: that every chunk is here and is the one of the manifest, and every file has
// its hash.
func (n *Node) VerifyExhibit(ctx context.Context, r ExhibitIDRequest, progress func(Progress)) (*ExhibitVerifyResponse, error) {
	c, err := n.exhibitChunks(r.Unit, r.ID)
	if err != nil {
		return nil, err
	}
	res := &ExhibitVerifyResponse{ID: c.x.ID.String(), Seal: hex.EncodeToString(c.x.Seal[:])}
	note := func(err error) {
		if len(res.Errors) < maxExhibitErrors {
			res.Errors = append(res.Errors, err.Error())
		}
	}
	files := exhibit.NewFileHashes(c.m)
	for number := range c.x.Chunks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		plain, err := c.chunk(number)
		var ce *exhibit.ChunkError
		switch {
		case errors.Is(err, errNotHere):
			res.Missing++
		case harmed(err):
			res.Damaged++
			note(err)
		case errors.Is(err, store.ErrSealed):
			return nil, n.sealedError(err)
		case errors.As(err, &ce):
			note(err)
		case err != nil:
			return nil, err
		default:
			res.Chunks++
			res.Bytes += int64(len(plain))
			files.Write(plain)
		}
		if err != nil {
			files.Skip(c.m.SizeOf(number))
		}
		if progress != nil {
			progress(Progress{Stage: "verify", Done: min((number+1)*c.x.Chunk, c.x.Size), Total: c.x.Size, Unit: "bytes"})
		}
	}
	good, bad := files.End()
	res.Files = good
	for _, path := range bad {
		note(fmt.Errorf("the file %+q does not have the SHA-256 that the manifest says", path))
	}
	res.OK = len(res.Errors) == 0 && res.Missing == 0 && res.Chunks == c.x.Chunks && res.Files == c.x.Files
	return res, nil
}

// ExhibitManifest writes the bytes of the manifest.
func (n *Node) ExhibitManifest(_ context.Context, r ExhibitIDRequest, w io.Writer) error {
	c, err := n.exhibitChunks(r.Unit, r.ID)
	if err != nil {
		return err
	}
	_, err = w.Write(c.text)
	return err
}

// GetExhibit writes the content of an exhibit from an offset on, every chunk verified before it is written.
func (n *Node) GetExhibit(ctx context.Context, r ExhibitGetRequest, w io.Writer) error {
	c, err := n.exhibitChunks(r.Unit, r.ID)
	if err != nil {
		return err
	}
	if r.Offset < 0 || r.Offset > c.x.Size {
		return badInput("The offset lies outside the content.", fmt.Sprintf("The content has %d bytes.", c.x.Size), "Begin at 0.")
	}
	for number := r.Offset / c.x.Chunk; number < c.x.Chunks; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		plain, err := c.chunk(number)
		switch {
		case errors.Is(err, errNotHere):
			return conflict("not-here", "Not all of this exhibit is here.", fmt.Sprintf("Chunk %d of %d has not come, or was destroyed.", number+1, c.x.Chunks), "Open a session: 'entente sync'.")
		case err != nil:
			return n.sealedError(err)
		}
		from := max(0, r.Offset-number*c.x.Chunk)
		if _, err := w.Write(plain[from:]); err != nil {
			return err
		}
	}
	return nil
}
