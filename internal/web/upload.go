package web

import (
	"errors"
	"fmt"
	"io"
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
			if name := part.FileName(); part.FormName() == "file" && name != "" {
				var in In
				if err := take(r, &in); err != nil {
					return outcome{}, err
				}
				return do(r, in, name, part)
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
