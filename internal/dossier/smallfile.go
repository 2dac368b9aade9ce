package dossier

import (
	"fmt"
	"io"
	"slices"
)

// writeSmall writes the file of one thing, an entry or a statement: its magic and one line of JSON.
func writeSmall(w io.Writer, magic string, f any) error {
	b, err := marshal(f)
	if err != nil {
		return fmt.Errorf("dossier: %T: %w", f, err)
	}
	if len(b)+len(magic)+1 > MaxStatementFile {
		return fmt.Errorf("dossier: the file would have %d bytes, at most %d are allowed", len(b), MaxStatementFile)
	}
	_, err = w.Write(slices.Concat([]byte(magic), b, []byte("\n")))
	return err
}

// readSmall reads such a file whole, once the parties that are to be trusted have been looked at.
func readSmall(r io.Reader, o Options) ([]byte, error) {
	for _, p := range o.Trust {
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("dossier: trusted party: %w", err)
		}
	}
	all, err := io.ReadAll(io.LimitReader(r, MaxStatementFile+1))
	if err != nil {
		return nil, fmt.Errorf("dossier: reading: %w", err)
	}
	if len(all) > MaxStatementFile {
		return nil, ErrTooLarge
	}
	return all, nil
}
