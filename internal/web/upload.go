package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"

	"entente/internal/node"
)

// patience is how long a browser may take for the next piece of what it sends.
const patience = time.Minute

// steadyBody gives a large body as long as it takes while it keeps coming.
type steadyBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b steadyBody) Read(p []byte) (int, error) {
	now := time.Now()
	_ = b.conn.SetReadDeadline(now.Add(patience)) // where it cannot be set there is none
	_ = b.conn.SetWriteDeadline(now.Add(2 * patience))
	return b.ReadCloser.Read(p)
}

// uploaded is an act whose form ends with a file, which is read as it comes and never held. What was typed
// stands before the file in the form.
func uploaded[In any](do func(r *http.Request, in In, name string, file io.Reader) (outcome, error)) act {
	return uploads(func(r *http.Request, in In, next func() (string, io.Reader, error)) (outcome, error) {
		name, file, err := next()
		if err != nil {
			return outcome{}, err
		}
		return do(r, in, name, file)
	})
}

// uploads is uploaded for several files: next yields them one after the other, and then [io.EOF].
func uploads[In any](do func(r *http.Request, in In, next func() (string, io.Reader, error)) (outcome, error)) act {
	return func(r *http.Request) (outcome, error) {
		parts, err := r.MultipartReader()
		if err != nil {
			return outcome{}, badForm(err)
		}
		r.PostForm = url.Values{}
		for left := int64(maxForm); ; {
			part, err := parts.NextPart()
			if errors.Is(err, io.EOF) {
				return outcome{}, badForm(errors.New("no file was chosen"))
			}
			if err != nil {
				return outcome{}, badForm(err)
			}
			if part.FormName() == "file" && part.FileName() != "" {
				var in In
				if err := take(r, &in); err != nil {
					return outcome{}, err
				}
				out, err := do(r, in, filesFrom(parts, part))
				if x, acts := any(&in).(interface{ Act() *node.Acting }); acts {
					if held, ok := heldReady(x.Act(), err); ok {
						return held, nil
					}
				}
				return out, err
			} else if part.FormName() == "file" {
				continue
			}
			value, err := io.ReadAll(io.LimitReader(part, left+1))
			if err != nil {
				return outcome{}, badForm(err)
			}
			if left -= int64(len(value)); left < 0 {
				return outcome{}, &node.Error{Code: node.CodeBadInput, Status: http.StatusRequestEntityTooLarge, What: "The form is too large.", Why: fmt.Sprintf("What is typed may have %d bytes.", maxForm), Next: "Put long texts into the file."}
			}
			r.PostForm.Add(part.FormName(), string(value))
		}
	}
}

// filesFrom yields the files of a form from the first on.
func filesFrom(parts *multipart.Reader, first *multipart.Part) func() (string, io.Reader, error) {
	part := first
	return func() (string, io.Reader, error) {
		if part != nil {
			file := part
			part = nil
			return file.FileName(), file, nil
		}
		file, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return "", nil, io.EOF
		case err != nil:
			return "", nil, badForm(err)
		case file.FormName() != "file" || file.FileName() == "":
			return "", nil, badForm(errors.New("something was typed behind the files"))
		}
		return file.FileName(), file, nil
	}
}
