package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"entente/internal/intel"
	"entente/internal/peer"
)

// spooled keeps a stream in a temporary file, for what has to be read whole before any of it is believed. drop gives the
// file up, and is to be called in any case.
func (n *Node) spooled(r io.Reader) (text *io.SectionReader, drop func(), err error) {
	drop = func() {}
	var unique [8]byte
	if err := n.random(unique[:]); err != nil {
		return nil, drop, err
	}
	name := filepath.Join(n.at.spool(), strings.Replace(peer.SpoolName, "*", hex.EncodeToString(unique[:]), 1))
	if err := n.at.fs.MkdirAll(n.at.spool(), 0o700); err != nil {
		return nil, drop, err
	}
	tmp, err := n.at.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, drop, err
	}
	drop = func() {
		_ = tmp.Close()
		_ = n.at.fs.Remove(name) // nothing in it is needed again
	}
	size, err := io.Copy(io.NewOffsetWriter(tmp, 0), r)
	return io.NewSectionReader(tmp, 0, size), drop, err
}

// maxWhole bounds the bytes of what is imported whole or not at all, as it comes: it is kept meanwhile.
const maxWhole = 4 << 30

// importWhole takes in a stream if all of it is good: it is read to its end first, as a dry run does.
func (n *Node) importWhole(ctx context.Context, r ImportRequest, data io.Reader, progress func(Progress)) (*ImportResponse, error) {
	text, drop, err := n.spooled(io.LimitReader(&roomReader{n: n, r: data}, maxWhole+1))
	defer drop()
	if err != nil {
		return nil, importError(ctx, intel.Report{}, err)
	}
	if text.Size() > maxWhole {
		return nil, badInput("The file is too large to be imported whole or not at all.", fmt.Sprintf("It has more than %d bytes.", int64(maxWhole)), "Divide it, or import it without 'whole'.")
	}
	wanted := r.DryRun
	r.Whole, r.DryRun = false, true
	res, err := n.Import(ctx, r, text, progress)
	if err != nil {
		return nil, err
	}
	if res.BadCount > 0 {
		why := fmt.Sprintf("%d of it cannot be taken in", res.BadCount)
		if len(res.Bad) > 0 {
			why += fmt.Sprintf("; the first is %s %s: %s", res.Bad[0].Path, res.Bad[0].ID, res.Bad[0].Reason)
		}
		return nil, badInput("Nothing was taken in.", why+".", "See all of it with a dry run, and mend the file, or import without 'whole' what is good.")
	}
	if wanted {
		return res, nil
	}
	if _, err := text.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r.DryRun = false
	return n.Import(ctx, r, text, progress)
}
