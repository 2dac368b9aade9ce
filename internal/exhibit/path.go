package exhibit

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Bounds of a path. They are what file systems in use allow.
const (
	MaxPath  = 1024 // bytes
	MaxName  = 240  // bytes of one name in it
	MaxDepth = 32   // names in it
)

// PathError says why a path cannot be part of an exhibit.
type PathError struct {
	Path string
	Why  string
}

// Error quotes the path, so that no control character in it reaches a terminal.
func (e *PathError) Error() string { return fmt.Sprintf("the path %+q %s", clip(e.Path), e.Why) }

// CheckPath refuses a path that could leave its folder, or be another file on another system: it is
// relative, divided by "/", in UTF-8, has no empty, "." or ".." names, no NUL and no backslash, no name
// that ends in a dot or a space, and none that a system reserves for a device.
func CheckPath(p string) error {
	fail := func(why string) error { return &PathError{p, why} }
	switch {
	case p == "":
		return fail("is empty")
	case len(p) > MaxPath:
		return fail(fmt.Sprintf("has more than %d bytes", MaxPath))
	case !utf8.ValidString(p):
		return fail("is not UTF-8")
	case strings.ContainsAny(p, "\x00\\"):
		return fail("holds a backslash or a NUL")
	case strings.Count(p, "/") >= MaxDepth:
		return fail(fmt.Sprintf("lies more than %d folders deep", MaxDepth-1))
	}
	for name := range strings.SplitSeq(p, "/") {
		switch {
		case name == "" || name == "." || name == "..":
			return fail("has an empty name, \".\" or \"..\" in it")
		case len(name) > MaxName:
			return fail(fmt.Sprintf("has a name of more than %d bytes in it", MaxName))
		case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
			return fail("has a name that ends in a dot or a space")
		case reserved(name):
			return fail("has a name in it that some systems reserve for a device")
		}
	}
	return nil
}

// reserved says whether a name is that of a device on some systems, with any extension.
func reserved(name string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(name), ".")
	base = strings.TrimRight(base, " ")
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if n, ok := strings.CutPrefix(base, port); ok && strings.Contains("123456789¹²³", n) && utf8.RuneCountInString(n) == 1 {
			return true
		}
	}
	return false
}

// fold is what two paths have in common that are one file where case or composition does not count.
func fold(p string) string { return norm.NFC.String(cases.Fold().String(norm.NFC.String(p))) }

// collisions notices paths that would be the same file, or a file and a folder, somewhere.
type collisions struct {
	files   map[string]string // folded, as spelt
	folders map[string]string
}

func newCollisions(n int) *collisions {
	return &collisions{files: make(map[string]string, n), folders: map[string]string{}}
}

func (c *collisions) add(p string) error {
	if other, ok := c.files[fold(p)]; ok {
		return &PathError{p, fmt.Sprintf("and %+q are one file where case or composition does not count", clip(other))}
	}
	if _, ok := c.folders[fold(p)]; ok {
		return &PathError{p, "is a file and a folder"}
	}
	c.files[fold(p)] = p
	for i := range len(p) {
		if p[i] != '/' {
			continue
		}
		dir := p[:i]
		key := fold(dir)
		if _, ok := c.files[key]; ok {
			return &PathError{dir, "is a file and a folder"}
		}
		if other, ok := c.folders[key]; ok && other != dir {
			return &PathError{dir, fmt.Sprintf("and %+q are one folder where case or composition does not count", clip(other))}
		}
		c.folders[key] = dir
	}
	return nil
}

func clip(s string) string {
	if len(s) <= 120 {
		return s
	}
	return s[:120] + "..."
}
