package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"entente/internal/intake"
	"entente/internal/node"
	"entente/internal/observable"
	"entente/internal/watch/indicators"
	"entente/internal/watch/input"
	"entente/stix"
)

const (
	// maxHunted is the most values of one hunt.
	maxHunted = 1 << 20
	// maxHuntRefused is how many of the things that are no values are told of.
	maxHuntRefused = 20
)

// listEndings are those of files with indicators.
var listEndings = map[string]bool{".json": true, ".jsonl": true, ".ndjson": true, ".csv": true, ".tsv": true, ".txt": true, ".list": true, ".lst": true, ".stix": true, ".misp": true, ".gz": true, ".zst": true}

// huntValues gathers what is to be hunted for, each value once.
func (a *app) huntValues(args []string, h *hunted) ([]observable.Value, error) {
	var out []observable.Value
	seen := map[observable.Value]bool{}
	add := func(v observable.Value) error {
		if !seen[v] {
			if len(out) == maxHunted {
				return usage("usage.too-many-values", "n", maxHunted)
			}
			seen[v] = true
			out = append(out, v)
		}
		return nil
	}
	refuse := func(what string, err error) {
		if len(h.Refused) < maxHuntRefused {
			h.Refused = append(h.Refused, what+": "+err.Error())
		}
	}
	for _, arg := range args {
		if !isFile(arg) {
			if listEndings[strings.ToLower(filepath.Ext(arg))] && !strings.Contains(arg, ":") {
				return nil, usage("usage.no-such-list", "text", arg) // "not seen" of its name would be taken for what its values are
			}
			v, err := observable.Parse(arg)
			if err != nil {
				return nil, usage("usage.no-value-or-file", "text", arg)
			}
			if err := add(v); err != nil {
				return nil, err
			}
			continue
		}
		f, err := openNamed(arg)
		if err != nil {
			return nil, err
		}
		err = readHunted(f, arg, add, refuse)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, &node.Error{Code: node.CodeBadInput, Status: 400, What: "There is nothing to hunt for.", Why: "The files hold no value that stands for itself.",
			Next: "Give a value, a STIX bundle, a MISP event, a table, or a list of one value a line."}
	}
	return out, nil
}

// readHunted reads the values of a file.
func readHunted(r io.Reader, name string, add func(observable.Value) error, refuse func(string, error)) error {
	text, closing, err := input.Text(bufio.NewReader(r))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer closing()
	object := func(x *stix.Object) error {
		if x.Type != "indicator" {
			return nil
		}
		pattern, _ := x.Get("pattern")
		text, _ := pattern.Text()
		values := observable.Alone(text)
		if len(values) == 0 {
			refuse(name+": "+x.ID, errors.New("its pattern asks for more than one value"))
		}
		for _, v := range values {
			if err := add(v); err != nil {
				return err
			}
		}
		return nil
	}
	_, err = indicators.ReadFile(text, name, indicators.Taker{
		Object: object,
		Item:   func(i intake.Item) error { return add(i.Value) },
		Refuse: func(what string, err error) { refuse(name+": "+what, err) },
		Unmarked: func(n int) {
			if n > 0 {
				refuse(name, fmt.Errorf("attributes that are not marked for detection (to_ids), and so left out: %d", n))
			}
		},
	})
	if errors.Is(err, indicators.ErrFormat) {
		return notIndicators(name, err)
	}
	return err
}

// openNamed opens a file that was named on the command line.
func openNamed(name string) (*os.File, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrPermission) {
		return nil, &node.Error{Code: node.CodeBadInput, Status: 400, What: name + " cannot be read.", Why: err.Error() + ".", Next: "Let the user read it who runs this command."}
	}
	return f, err
}

// notIndicators says what to do about a file that holds no values.
func notIndicators(name string, err error) error {
	return &node.Error{Code: node.CodeBadInput, Status: 400, What: name + " holds no values in a form that is known.", Why: err.Error() + ".",
		Next: "Give STIX, MISP, a table, or a list of one value a line, in which lines that are none begin with #. Reports and pages are read by 'entente intel import'."}
}
