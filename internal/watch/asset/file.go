package asset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxFile is the largest file of assets, in bytes.
const MaxFile = 8 << 20

// ReadFile reads assets: JSON, as a list or as 'entente asset list --json' writes it, or text with a name, an address or a
// block a line, each an asset of its own kind other with that for its id. Empty lines and what stands behind # do not
// count. The error is [ErrBad], or of reading.
func ReadFile(in io.Reader) ([]Asset, error) {
	raw, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("%w: the file is larger than %d bytes", ErrBad, MaxFile)
	}
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
	var list []Asset
	switch {
	case len(raw) == 0:
	case raw[0] == '[':
		err = json.Unmarshal(raw, &list)
	case raw[0] == '{':
		var f struct {
			Assets *[]Asset `json:"assets"`
		}
		if err = json.Unmarshal(raw, &f); err == nil && f.Assets == nil {
			err = errors.New(`it has no list "assets"`)
		}
		if f.Assets != nil {
			list = *f.Assets
		}
	default:
		list, err = lines(raw)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBad, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: there is none in the file", ErrBad)
	}
	return CleanAll(list)
}

func lines(raw []byte) ([]Asset, error) {
	var list []Asset
	s := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; s.Scan(); n++ {
		text, _, _ := strings.Cut(s.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if len(list) == MaxAssets {
			return nil, fmt.Errorf("there are more than %d", MaxAssets)
		}
		a := Asset{Kind: "other"}
		if p, err := Prefix(text); err == nil {
			a.Prefixes = []string{text}
			a.ID = "net-" + strings.NewReplacer(":", "-", "/", "-").Replace(p.String())
		} else {
			a.Names = []string{text}
			a.ID = strings.ToLower(strings.TrimSuffix(text, "."))
		}
		if len(a.ID) > maxID || !word(a.ID, maxID) { // what cannot be one of its own
			a.ID = fmt.Sprintf("line-%d", n)
		}
		list = append(list, a)
	}
	return list, s.Err()
}

// CleanAll cleans assets, and holds them to what a party may have together: an id once, and no more names and prefixes
// than [MaxAll].
func CleanAll(list []Asset) ([]Asset, error) {
	if len(list) > MaxAssets {
		return nil, fmt.Errorf("%w: there are more than %d", ErrBad, MaxAssets)
	}
	ids := map[string]bool{}
	names, prefixes := 0, 0
	out := make([]Asset, 0, len(list))
	for _, a := range list {
		c, err := Clean(a)
		if err != nil {
			return nil, err
		}
		if ids[c.ID] {
			return nil, fmt.Errorf("%w: there are two of the id %s", ErrBad, c.ID)
		}
		ids[c.ID] = true
		names, prefixes = names+len(c.Names), prefixes+len(c.Prefixes)
		out = append(out, c)
	}
	if names > MaxAll || prefixes > MaxAll {
		return nil, fmt.Errorf("%w: together they have more than %d names or prefixes", ErrBad, MaxAll)
	}
	return out, nil
}
