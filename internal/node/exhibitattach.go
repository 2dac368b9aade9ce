package node

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"entente/internal/exhibit"
)

// ExhibitAttachRequest attaches one file whose content comes once, as a browser sends it: the body of the call.
type ExhibitAttachRequest struct {
	Acting
	Unit  string `json:"unit,omitempty"`
	About string `json:"about,omitempty"` // the request that it belongs to
	TLP   string `json:"tlp,omitempty"`   // default amber
	Title string `json:"title,omitempty"` // default: the name of the file
	Name  string `json:"name"`            // of the file; folders in it are left out
}

// AttachFile makes an exhibit of one file. The manifest, which is written first, has the hashes of the whole, so the
// content is kept until it is all there: under a key that is nowhere but in memory, and gone afterwards.
func (n *Node) AttachFile(ctx context.Context, r ExhibitAttachRequest, body io.Reader, progress func(Progress)) (*ExhibitAddResponse, error) {
	name := path.Base(strings.ReplaceAll(r.Name, `\`, "/"))
	if err := exhibit.CheckPath(name); err != nil {
		return nil, badInput("The file cannot have this name.", err.Error()+".", "Give it a plain name, and attach it again.")
	}
	var key [32]byte
	if err := n.random(key[:]); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	// The key is used once, so the counter may begin at nothing. What was changed meanwhile does not fit the manifest.
	cover := func(r io.Reader) io.Reader {
		return cipher.StreamReader{S: cipher.NewCTR(block, make([]byte, aes.BlockSize)), R: r}
	}
	const most = exhibit.ChunkSize * exhibit.MaxChunks
	text, drop, err := n.spooled(io.LimitReader(&roomReader{n: n, r: cover(body)}, most+1))
	defer drop()
	if err != nil {
		return nil, err
	}
	file := oneFile{name: name, size: text.Size(), open: func() io.Reader { return cover(io.NewSectionReader(text, 0, text.Size())) }}
	title := r.Title
	if title == "" {
		title = name
	}
	m, err := exhibit.Describe(file, name, exhibit.Options{Title: title, Sniff: func(_ string, first []byte) string {
		kind, _, _ := strings.Cut(http.DetectContentType(first), ";")
		return kind
	}})
	if err != nil {
		return nil, badInput("This cannot be attached.", err.Error()+".", "Attach another file, or a smaller one.")
	}
	manifest, err := m.Encode()
	if err != nil {
		return nil, badInput("This cannot be attached.", err.Error()+".", "Give it another title or name.")
	}
	added, err := n.AddExhibit(ctx, ExhibitAddRequest{Acting: r.Acting, Unit: r.Unit, About: r.About, TLP: r.TLP}, bytes.NewReader(manifest), progress)
	if err != nil || added.Exhibit.State != "adding" {
		return added, err
	}
	content := exhibit.Content(file, m, added.Offset)
	defer content.Close()
	return n.ExhibitContent(ctx, ExhibitContentRequest{Acting: r.Acting, Unit: added.Unit, ID: added.Exhibit.ID, Offset: added.Offset}, content, progress)
}

// oneFile is a file system with one file.
type oneFile struct {
	name string
	size int64
	open func() io.Reader
}

func (f oneFile) Open(name string) (fs.File, error) {
	if name != f.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openFile{f, f.open()}, nil
}

type openFile struct {
	oneFile
	io.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.oneFile, nil }
func (f *openFile) Close() error               { return nil }

func (f oneFile) Name() string       { return f.name }
func (f oneFile) Size() int64        { return f.size }
func (f oneFile) Mode() fs.FileMode  { return 0o400 }
func (f oneFile) ModTime() time.Time { return time.Time{} }
func (f oneFile) IsDir() bool        { return false }
func (f oneFile) Sys() any           { return nil }
