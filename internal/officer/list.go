package officer

import (
	"errors"
	"fmt"
	"io/fs"

	jsonv2 "github.com/go-json-experiment/json"

	"entente/internal/store"
)

// readList reads a file of at most so many bytes; a missing one holds none. The error
// says which file it is.
func readList[T any](fsys store.FS, path string, most int64, parse func([]byte) ([]T, error)) ([]T, error) {
	text, err := store.ReadFile(fsys, path, most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []T
	if err == nil {
		list, err = parse(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// parseList reads {"members": [...]} strictly: whatever this version would not have
// written is damage. Each member is checked beside those before it.
func parseList[T any](text []byte, members string, most int, check func(before []T, x *T) error) ([]T, error) {
	var file map[string][]T
	if err := jsonv2.Unmarshal(text, &file, jsonv2.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	list := file[members]
	if list == nil || len(file) != 1 {
		return nil, fmt.Errorf("it has not the one member %q", members)
	}
	if len(list) > most {
		return nil, fmt.Errorf("it has %d %s, and at most %d are kept", len(list), members, most)
	}
	for i := range list {
		if err := check(list[:i], &list[i]); err != nil {
			return nil, fmt.Errorf("%d of the %s: %w", i+1, members, err)
		}
	}
	return list, nil
}

var errTwice = errors.New("it is there twice")
