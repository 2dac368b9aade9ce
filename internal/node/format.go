package node

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// folderFormat is the format of a node's folder that this program writes. A
// folder says its own in the file "format"; format 1, the first, had no such file.
const folderFormat = 2

// CodeNewerFormat: the folder was written by a newer version of this program.
const CodeNewerFormat = "newer-format"

func (l layout) formatPath() string { return filepath.Join(l.dir, "format") }

// format reads which format the folder has.
func (l layout) format() (int, error) {
	text, err := l.read(l.formatPath())
	if errors.Is(err, fs.ErrNotExist) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	return parseFormat(l.dir, text)
}

// parseFormat reads the text of the file "format"; none at all is format 1.
func parseFormat(dir string, text []byte) (int, error) {
	if text == nil {
		return 1, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(string(text), "\n"))
	if err != nil || n < 2 || string(text) != formatText(n) {
		return 0, &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: "The file " + filepath.Join(dir, "format") + " does not say which format the folder has.",
			Why:  "It holds one number and a line break, and is written once.",
			Next: "Write the format again that the last program used (this one: " + strconv.Itoa(folderFormat) + "), or remove the file: steps of an upgrade that were done before do no harm."}
	}
	return n, nil
}

func formatText(n int) string { return strconv.Itoa(n) + "\n" }

// knowsFormat refuses a folder of a newer version before anything is touched.
func (l layout) knowsFormat() error {
	n, err := l.format()
	if err != nil {
		return err
	}
	return checkFormat(l.dir, n)
}

func checkFormat(where string, n int) error {
	if n <= folderFormat {
		return nil
	}
	return &Error{Code: CodeNewerFormat, Status: http.StatusConflict,
		What: fmt.Sprintf("The folder %s has format %d; this program knows formats up to %d. Nothing was touched.", where, n, folderFormat),
		Why:  "A newer version wrote it. This one could lose what that version keeps there.",
		Next: "Run that version, or a later one. An upgrade is not taken back: to go back, restore a backup made before it."}
}

// upgradeStep brings a folder from one format to the next. It may be cut at any
// moment and done again.
type upgradeStep struct {
	from int
	what string // for people, as what it will do
	do   func(layout) error
}

func upgradeSteps() []upgradeStep {
	return []upgradeStep{{
		from: 1, what: "remove half-written files that crashes left behind, and note the format in the file \"format\"",
		// Format 1 named half-written private files .tmp-*, each time anew.
		do: func(l layout) error {
			var left []string
			err := l.walk("", func(name string) {
				if strings.HasPrefix(path.Base(name), ".tmp-") {
					left = append(left, name)
				}
			})
			for _, name := range left {
				err = errors.Join(err, l.remove(filepath.Join(l.dir, filepath.FromSlash(name))))
			}
			return err
		},
	}}
}

// upgrade brings the folder to the format of this program, step by step. The
// folder's lock must be held.
func (l layout) upgrade(told func(what string)) error {
	n, err := l.format()
	if err != nil {
		return err
	}
	for _, s := range upgradeSteps() {
		if s.from < n {
			continue
		}
		if err := s.do(l); err != nil {
			return fmt.Errorf("upgrading %s from format %d: %w", l.dir, s.from, err)
		}
		if err := l.write(l.formatPath(), []byte(formatText(s.from+1))); err != nil {
			return fmt.Errorf("upgrading %s from format %d: %w", l.dir, s.from, err)
		}
		told(s.what)
	}
	return nil
}
