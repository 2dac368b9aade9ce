package exhibit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"entente/journal"
)

// Folder is where a bag is written. Create makes a file that does not exist yet, with the folders above
// it; the name is relative and divided by "/". Closing the file makes it durable.
type Folder interface {
	Create(name string) (io.WriteCloser, error)
}

// Field is one line of bag-info.txt (RFC 8493 section 2.2.2).
type Field struct{ Name, Value string }

// Bag is what goes into a bag beside the content.
type Bag struct {
	Manifest *Manifest
	Info     []Field           // Payload-Oxum is added
	Tags     map[string][]byte // tag files by name, such as custody.json
}

// ErrContent marks content that is not what the manifest says.
var ErrContent = errors.New("the content is not what the manifest says")

// Names of the tag files that every bag has.
const (
	bagDeclaration = "bagit.txt"
	bagInfo        = "bag-info.txt"
	bagManifest    = "manifest-sha256.txt"
	bagTagManifest = "tagmanifest-sha256.txt"
	bagExhibit     = "exhibit.json" // the manifest of the exhibit, byte for byte
)

// WriteBag writes a bag (BagIt 1.0, RFC 8493) from the content of an exhibit. Every file is hashed as it is
// written; the first that is not what the manifest says ends it with an error that wraps [ErrContent].
// What was written until then is no bag: bagit.txt comes last.
func WriteBag(to Folder, b Bag, content io.Reader) error {
	exhibit, err := b.Manifest.Encode()
	if err != nil {
		return err
	}
	var manifest bytes.Buffer
	buf := make([]byte, 256<<10)
	for _, f := range b.Manifest.Files {
		if err := writeFile(to, f, content, buf); err != nil {
			return err
		}
		fmt.Fprintf(&manifest, "%s  data/%s\n", hexOf(f.SHA256), bagPath(f.Path))
	}
	switch n, err := io.ReadFull(content, buf[:1]); {
	case n > 0:
		return fmt.Errorf("%w: it goes on after the last file", ErrContent)
	case !errors.Is(err, io.EOF):
		return err
	}
	info := append(slices.Clone(b.Info), Field{"Payload-Oxum", fmt.Sprintf("%d.%d", b.Manifest.Size, len(b.Manifest.Files))})
	var text strings.Builder
	for _, f := range info {
		fmt.Fprintf(&text, "%s: %s\n", f.Name, oneLine(f.Value))
	}
	tags := map[string][]byte{bagInfo: []byte(text.String()), bagManifest: manifest.Bytes(), bagExhibit: exhibit,
		bagDeclaration: []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")}
	for name, data := range b.Tags {
		if _, taken := tags[name]; taken || CheckPath(name) != nil || strings.HasPrefix(name, "data/") || strings.HasPrefix(name, "tagmanifest-") {
			return fmt.Errorf("%+q is no name for a tag file", clip(name))
		}
		tags[name] = data
	}
	var tagManifest bytes.Buffer
	for _, name := range sortedNames(tags) {
		sum := sha256.Sum256(tags[name])
		fmt.Fprintf(&tagManifest, "%s  %s\n", hex.EncodeToString(sum[:]), bagPath(name))
	}
	tags[bagTagManifest] = tagManifest.Bytes()
	for _, name := range sortedNames(tags) {
		if err := writeTag(to, name, tags[name]); err != nil {
			return err
		}
	}
	return nil
}

// sortedNames are the names in order, the declaration last.
func sortedNames(tags map[string][]byte) []string {
	var out []string
	for name := range tags {
		if name != bagDeclaration {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	if _, ok := tags[bagDeclaration]; ok {
		out = append(out, bagDeclaration)
	}
	return out
}

func writeFile(to Folder, f File, content io.Reader, buf []byte) error {
	w, err := to.Create("data/" + f.Path)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(w, sum)}, io.LimitReader(content, f.Size), buf)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	switch {
	case n != f.Size:
		return fmt.Errorf("%w: %+q ends after %d bytes of %d", ErrContent, clip(f.Path), n, f.Size)
	case journal.Hash(sum.Sum(nil)) != f.SHA256:
		return fmt.Errorf("%w: %+q does not have its SHA-256", ErrContent, clip(f.Path))
	}
	return nil
}

func writeTag(to Folder, name string, data []byte) error {
	w, err := to.Create(name)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// bagPath writes a path as manifests do: CR, LF and % are percent-encoded (RFC 8493 section 2.1.3).
func bagPath(p string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(p)
}

// oneLine keeps a value on the line that it stands on.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

func hexOf(h journal.Hash) string { return hex.EncodeToString(h[:]) }
