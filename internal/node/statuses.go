package node

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"entente/taxii"
)

func (l layout) statuses() string { return filepath.Join(l.dir, "statuses") }

// statusFiles keeps what became of requests of TAXII clients, one file for each. Its name says what must be known of all of
// them, so that none is read when the node starts.
type statusFiles struct{ at layout }

// A name has the moment in microseconds, the number of objects, and the id.
var statusFile = regexp.MustCompile(`^([0-9]{16})-([0-9]{1,9})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json$`)

func statusFileName(n taxii.StatusName) string {
	return fmt.Sprintf("%016d-%d-%s.json", n.At.UnixMicro(), n.Total, n.ID)
}

func parseStatusFile(name string) (n taxii.StatusName, ok bool) {
	m := statusFile.FindStringSubmatch(name)
	if m == nil {
		return n, false
	}
	at, err := strconv.ParseInt(m[1], 10, 64)
	total, err2 := strconv.Atoi(m[2])
	return taxii.StatusName{ID: m[3], At: time.UnixMicro(at).UTC(), Total: total}, err == nil && err2 == nil
}

func (s statusFiles) path(n taxii.StatusName) string {
	return filepath.Join(s.at.statuses(), statusFileName(n))
}

// Statuses implements taxii.StatusStore.
func (s statusFiles) Statuses() (out []taxii.StatusName, err error) {
	names, err := s.at.fs.ReadDir(s.at.statuses())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, name := range names {
		if n, ok := parseStatusFile(name); ok {
			out = append(out, n)
		}
	}
	return out, err
}

// LoadStatus implements taxii.StatusStore.
func (s statusFiles) LoadStatus(n taxii.StatusName) ([]byte, error) { return s.at.read(s.path(n)) }

// SaveStatus implements taxii.StatusStore.
func (s statusFiles) SaveStatus(n taxii.StatusName, text []byte) error {
	if err := s.at.fs.MkdirAll(s.at.statuses(), 0o700); err != nil {
		return err
	}
	return s.at.write(s.path(n), text)
}

// DropStatus implements taxii.StatusStore.
func (s statusFiles) DropStatus(n taxii.StatusName) error { return s.at.remove(s.path(n)) }
