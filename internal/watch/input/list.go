package input

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFiles is the number of files that the inputs of a watch name, and of folders that are looked through for them.
const maxFiles = 100_000

// ErrMany means that the inputs name more files than are read.
var ErrMany = errors.New("too many files")

// listed is a file that was found.
type listed struct {
	path string
	info fs.FileInfo // of what the path leads to
	of   int         // the input that names it
	// asked tells that it is an input itself, or what one matches, and not below a folder.
	asked bool
}

// lister lists the files that inputs name. However many paths and links lead to a file, it is listed once, and under a path of its own rather than that of
// a link: a link to what is written at the moment, as Zeek's current or latest.log, leads elsewhere tomorrow.
type lister struct {
	found []listed
	// links are followed when all else was found, and found on the way.
	links []listed
	// known is what was found already, folders are those that were looked through, both by what the system knows them by.
	known, folders map[string]struct{}
	tell           func(path string, err error)
}

// files lists the files that inputs name, each a file, a folder with everything below it, or a pattern. Hidden files are left out of folders and of patterns
// that do not ask for them. Those of an input come in the order in which they were changed last, so that a rotated log is read from its
// oldest part on. What cannot be read below a folder is told, and the rest is listed. It fails with [fs.ErrNotExist] if an input
// is not there, with [ErrMany], and if a folder that is an input cannot be read; of inputs that were there, again, that is only told. What leave names,
// files and folders, is left out: it is no log although it may lie among them.
func files(names, leave []string, again bool, tell func(path string, err error)) ([]listed, error) {
	l := &lister{known: map[string]struct{}{}, folders: map[string]struct{}{}, tell: tell}
	for _, path := range leave {
		if info, err := os.Stat(path); err == nil { // it may not be there yet
			key := known(path, info)
			l.known[key], l.folders[key] = struct{}{}, struct{}{}
		}
	}
	for i, name := range names {
		switch err := l.input(name, i); {
		case err != nil && again && !errors.Is(err, ErrMany):
			tell(name, err)
		case err != nil:
			return nil, err
		}
	}
	for n := 0; n < len(l.links); n++ { // following one may find others
		x := l.links[n]
		if err := l.add(x); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(l.found, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.of, b.of), a.info.ModTime().Compare(b.info.ModTime()), cmp.Compare(a.path, b.path))
	})
	return l.found, nil
}

// input finds what one input names.
func (l *lister) input(name string, of int) error {
	info, err := os.Stat(name)
	switch {
	case err == nil:
		return l.ask(listed{name, info, of, true})
	case !strings.ContainsAny(name, "*?["):
		return err
	}
	matches, err := filepath.Glob(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	met := false
	for _, path := range matches {
		if hidden(path) && !hidden(name) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			l.tell(path, err)
			continue
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		met = true // also if another input named it before
		if err := l.ask(listed{path, info, of, true}); err != nil {
			return err
		}
	}
	if !met {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

// hidden tells whether the last part of a path begins as that of a hidden file.
func hidden(path string) bool {
	base := filepath.Base(path)
	return strings.HasPrefix(base, ".") && base != "." && base != ".."
}

// ask adds what an input is, later where that is a link.
func (l *lister) ask(x listed) error {
	if own, err := os.Lstat(x.path); err == nil && own.Mode()&fs.ModeSymlink != 0 {
		l.links = append(l.links, x)
		return l.bounded()
	}
	return l.add(x)
}

// add adds a file, or what is below a folder, if it was not found before.
func (l *lister) add(x listed) error {
	key := known(x.path, x.info)
	if !x.info.IsDir() {
		if _, twice := l.known[key]; !twice {
			l.known[key] = struct{}{}
			l.found = append(l.found, x)
		}
		return l.bounded()
	}
	if _, twice := l.folders[key]; twice {
		return nil
	}
	l.folders[key] = struct{}{}
	list, err := os.ReadDir(x.path)
	switch {
	case err != nil && x.asked:
		return err
	case err != nil:
		l.tell(x.path, err) // what could be read of it is listed
	}
	for _, d := range list {
		if err := l.below(x, d); err != nil {
			return err
		}
	}
	return l.bounded()
}

// below adds what stands in a folder.
func (l *lister) below(folder listed, d fs.DirEntry) error {
	path := filepath.Join(folder.path, d.Name())
	if hidden(path) {
		return nil
	}
	info, err := d.Info()
	isLink := d.Type()&fs.ModeSymlink != 0
	if isLink {
		info, err = os.Stat(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !isLink:
		return nil // it was moved away meanwhile
	case err != nil:
		l.tell(path, err)
		return nil
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil
	}
	x := listed{path, info, folder.of, false}
	if isLink {
		l.links = append(l.links, x)
		return l.bounded()
	}
	return l.add(x)
}

func (l *lister) bounded() error {
	if len(l.found)+len(l.links) > maxFiles || len(l.folders) > maxFiles {
		return fmt.Errorf("%w: the inputs name more than %d", ErrMany, maxFiles)
	}
	return nil
}

// known is what the system knows a file by, whatever path led to it; where it knows it by none, the path without links.
func known(path string, info fs.FileInfo) string {
	if id := identity(info); id.inode != 0 {
		return fmt.Sprintf("%d/%d", id.device, id.inode)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Clean(path)
}
