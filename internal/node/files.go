package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Where things lie in a node's folder. Truth: identity.json, units/*, local.log.
// Private keys: keys/* and units/*/key-*. Derived: objects/. Never backed up:
// highwater/, lock, control.sock.
type layout struct{ dir string }

func (l layout) identity() string       { return filepath.Join(l.dir, "identity.json") }
func (l layout) key(name string) string { return filepath.Join(l.dir, "keys", name) }
func (l layout) units() string          { return filepath.Join(l.dir, "units") }
func (l layout) unit(id string) string  { return filepath.Join(l.dir, "units", id) }
func (l layout) localLog() string       { return filepath.Join(l.dir, "local.log") }
func (l layout) objects() string        { return filepath.Join(l.dir, "objects") }
func (l layout) spool() string          { return filepath.Join(l.dir, "spool") } // of exchanges; empty when nothing runs
func (l layout) pairings() string       { return filepath.Join(l.dir, "pairings.json") }

// ControlSocket is where a serving node answers the command line.
func ControlSocket(dir string) string { return filepath.Join(dir, "control.sock") }

const maxPrivateFile = 64 << 20

// writeFile writes a small private file so that after a crash either the old or
// the new content is there: temporary file, fsync, rename, fsync of the folder.
func writeFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // does nothing once renamed
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'))
}

// readJSON reads a private file; a missing one leaves v alone and reports false.
func readJSON(path string, v any) (bool, error) {
	data, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return true, nil
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxPrivateFile {
		return nil, fmt.Errorf("%s has %d bytes, more than any file of a node: it is not ours", path, info.Size())
	}
	return os.ReadFile(path)
}
