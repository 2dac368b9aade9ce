package node

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"entente/internal/exhibit"
)

// ExhibitAttachRequest attaches files whose content comes once, as a browser sends it: the body of the call.
type ExhibitAttachRequest struct {
	Acting
	Unit  string `json:"unit,omitempty"`
	About string `json:"about,omitempty"` // the request that it belongs to
	TLP   string `json:"tlp,omitempty"`   // default amber
	Title string `json:"title,omitempty"` // default: the name of the file
	Name  string `json:"name"`            // of the file; folders in it are left out
}

// AttachFile makes an exhibit of one file, as AttachFiles does.
func (n *Node) AttachFile(ctx context.Context, r ExhibitAttachRequest, body io.Reader, progress func(Progress)) (*ExhibitAddResponse, error) {
	return n.AttachFiles(ctx, r, func() (string, io.Reader, error) {
		if body == nil {
			return "", nil, io.EOF
		}
		defer func() { body = nil }()
		return r.Name, body, nil
	}, progress)
}

// AttachFiles makes one exhibit of the files that next yields with their names until [io.EOF]; each is read to its end
// before the next one is asked for. The manifest, which is written first, has the hashes of the whole, so the
// content is kept until it is all there: under a key that is nowhere but in memory, and gone afterwards.
func (n *Node) AttachFiles(ctx context.Context, r ExhibitAttachRequest, next func() (string, io.Reader, error), progress func(Progress)) (*ExhibitAddResponse, error) {
	var key [32]byte
	if err := n.random(key[:]); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	const most = exhibit.ChunkSize * exhibit.MaxChunks
	files := &comingFiles{next: next}
	text, drop, err := n.spooled(io.LimitReader(&roomReader{n: n, r: covered(block, 0, files)}, most+1))
	defer drop()
	if err != nil {
		return nil, err
	}
	kept := files.kept(func(offset, size int64) io.Reader {
		return covered(block, offset, io.NewSectionReader(text, offset, size))
	})
	title := r.Title
	if title == "" && len(kept) > 0 {
		title = files.all[0].name
		if more := len(kept) - 1; more > 0 {
			title = fmt.Sprintf("%s (+%d)", title, more)
		}
	}
	m, err := exhibit.Describe(kept, ".", exhibit.Options{Title: title, Sniff: func(_ string, first []byte) string {
		kind, _, _ := strings.Cut(http.DetectContentType(first), ";")
		return kind
	}})
	if err != nil {
		return nil, badInput("This cannot be attached.", err.Error()+".", "Attach something else, or less.")
	}
	manifest, err := m.Encode()
	if err != nil {
		return nil, badInput("This cannot be attached.", err.Error()+".", "Give it another title or name.")
	}
	added, err := n.AddExhibit(ctx, ExhibitAddRequest{Acting: r.Acting, Unit: r.Unit, About: r.About, TLP: r.TLP}, bytes.NewReader(manifest), progress)
	if err == nil && added.Held != "" {
		content := exhibit.Content(kept, m, 0)
		defer content.Close()
		return added, n.keepFiles(added.Held, m.Size, content)
	}
	if err != nil || added.Exhibit == nil || added.Exhibit.State != "adding" {
		return added, err
	}
	content := exhibit.Content(kept, m, added.Offset)
	defer content.Close()
	return n.ExhibitContent(ctx, ExhibitContentRequest{Acting: r.Acting, Unit: added.Unit, ID: added.Exhibit.ID, Offset: added.Offset}, content, progress)
}

// covered covers or uncovers what is read from an offset on. The key is used for one stream, so its counter may begin at
// nothing. What was changed meanwhile does not fit the manifest.
func covered(block cipher.Block, offset int64, r io.Reader) io.Reader {
	var counter [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], uint64(offset)/aes.BlockSize)
	s := cipher.NewCTR(block, counter[:])
	skipped := make([]byte, offset%aes.BlockSize)
	s.XORKeyStream(skipped, skipped)
	return cipher.StreamReader{S: s, R: r}
}

// comingFiles reads files one behind the other, and notes where each of them lies.
type comingFiles struct {
	next func() (string, io.Reader, error)
	open io.Reader
	done int64
	all  []attachedFile
}

func (c *comingFiles) Read(p []byte) (int, error) {
	for {
		if c.open == nil {
			name, body, err := c.next()
			if err != nil {
				return 0, err
			}
			name = path.Base(strings.ReplaceAll(name, `\`, "/"))
			if err := exhibit.CheckPath(name); err != nil {
				return 0, badInput("The file cannot have this name.", err.Error()+".", "Give it a plain name, and attach it again.")
			}
			if len(c.all) == exhibit.MaxFiles {
				return 0, badInput("These are too many files.", fmt.Sprintf("An exhibit has at most %d.", exhibit.MaxFiles), "Attach fewer at a time, or one archive of them.")
			}
			c.open, c.all = body, append(c.all, attachedFile{name: name, offset: c.done})
		}
		k, err := c.open.Read(p)
		c.done += int64(k)
		c.all[len(c.all)-1].size += int64(k)
		if errors.Is(err, io.EOF) {
			c.open, err = nil, nil
		}
		if k > 0 || err != nil {
			return k, err
		}
	}
}

// kept are the files that came, as a file system.
func (c *comingFiles) kept(open func(offset, size int64) io.Reader) attachedFiles {
	out := slices.Clone(c.all)
	for i := range out {
		out[i].open = open
	}
	slices.SortStableFunc(out, func(a, b attachedFile) int { return strings.Compare(a.name, b.name) })
	return out
}

// attachedFiles is a file system with some files in one folder, sorted by name.
type attachedFiles []attachedFile

func (f attachedFiles) Open(name string) (fs.File, error) {
	i, ok := slices.BinarySearchFunc(f, name, func(k attachedFile, name string) int { return strings.Compare(k.name, name) })
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openFile{f[i], f[i].open(f[i].offset, f[i].size)}, nil
}

// Stat and ReadDir are for the folder, which is all that is walked.
func (f attachedFiles) Stat(string) (fs.FileInfo, error) {
	return attachedFile{name: ".", folder: true}, nil
}

// ReadDir is explained at Stat.
func (f attachedFiles) ReadDir(string) (out []fs.DirEntry, err error) {
	for _, k := range f {
		out = append(out, fs.FileInfoToDirEntry(k))
	}
	return out, nil
}

// attachedFile is one of them, or their folder.
type attachedFile struct {
	name         string
	offset, size int64
	folder       bool
	open         func(offset, size int64) io.Reader
}

type openFile struct {
	attachedFile
	io.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.attachedFile, nil }
func (f *openFile) Close() error               { return nil }

func (f attachedFile) Name() string       { return f.name }
func (f attachedFile) Size() int64        { return f.size }
func (f attachedFile) ModTime() time.Time { return time.Time{} }
func (f attachedFile) IsDir() bool        { return f.folder }
func (f attachedFile) Sys() any           { return nil }
func (f attachedFile) Mode() fs.FileMode {
	if f.folder {
		return fs.ModeDir | 0o500
	}
	return 0o400
}
