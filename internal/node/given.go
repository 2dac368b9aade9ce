package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
)

// What readers of MISP feeds were given cannot be derived, but lies with what can, in objects/, of which a backup has nothing.
// So a backup has it in files of its own, which the first start of the restored node takes in and removes.
const givenDir = "given"

// given writes what readers of feeds were given. A backup is no worse a backup of all else if that cannot be read.
func (a *archive) given(n *Node) error {
	i := 0
	for text, err := range n.intel.GivenTexts(a.ctx) {
		if err != nil && a.ctx.Err() == nil {
			n.opts.Log.Warn("what MISP feeds gave cannot be read, and the backup has not all of it; 'entente rebuild' mends what is derived", "err", err)
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.header(path.Join(givenDir, fmt.Sprintf("%08d", i)), int64(len(text))); err != nil {
			return err
		}
		if _, err := a.tw.Write(text); err != nil {
			return err
		}
		a.total += int64(len(text))
		a.told(int64(len(text)))
		i++
	}
	return nil
}

// takeGiven takes in what a backup had of what was given. It is called before anything is given.
func (n *Node) takeGiven(ctx context.Context) error {
	dir := filepath.Join(n.at.dir, givenDir)
	names, err := n.at.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if !backedUp(path.Join(givenDir, name)) {
			continue
		}
		text, err := n.at.read(filepath.Join(dir, name))
		whole := false
		if err = errors.Join(err, ctx.Err()); err == nil {
			whole, err = n.intel.TakeGiven(text)
		}
		if err != nil {
			return fmt.Errorf("taking in %s, which the backup had: %w", filepath.Join(dir, name), err)
		}
		if !whole {
			n.opts.Log.Warn("what MISP feeds gave is not known in full: a file that the backup had is damaged", "file", filepath.Join(dir, name))
		}
	}
	if err := n.intel.SyncGiven(); err != nil {
		return err
	}
	return n.at.remove(dir)
}
