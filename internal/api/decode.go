package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"entente/internal/node"
)

// strict refuses what a misspelt or forged request would show: unknown members,
// members named twice, names in another case, invalid UTF-8. Everything else
// is read as encoding/json reads it, since node's types are written for it.
var strict = jsonv2.JoinOptions(
	jsonv1.DefaultOptionsV1(),
	jsontext.AllowDuplicateNames(false),
	jsontext.AllowInvalidUTF8(false),
	jsonv2.MatchCaseInsensitiveNames(false),
	jsonv2.RejectUnknownMembers(true),
)

// decode reads a request. Nothing at all counts as {}.
func decode[T any](text []byte) (T, error) {
	var v T
	if len(bytes.TrimSpace(text)) == 0 {
		return v, nil
	}
	if err := jsonv2.Unmarshal(text, &v, strict); err != nil {
		var none T // a half-read request must not be used by mistake
		return none, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest,
			What: "The request cannot be read.", Why: err.Error() + ".",
			Next: "See GET /api/v1/ for the fields of each operation.", Err: err}
	}
	return v, nil
}

var errTooLong = errors.New("too long")

// readAtMost reads all of r, which may have at most limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest,
			What: "The request did not arrive whole.", Why: err.Error() + ".", Next: "Send it again.", Err: err}
	}
	if int64(len(text)) > limit {
		return nil, &node.Error{Code: "too-long", Status: http.StatusRequestEntityTooLarge,
			What: "The request is too long.", Why: fmt.Sprintf("At most %d bytes are read.", limit),
			Next: "Send less at once.", Err: errTooLong}
	}
	return text, nil
}

// written is how answers are written: as encoding/json does, but lists and maps
// that are nil are empty, as the description of the API says, and <, > and & stay
// as they are, since nothing here is put into a page.
var written = jsonv2.JoinOptions(
	jsonv1.DefaultOptionsV1(),
	jsonv2.FormatNilSliceAsNull(false),
	jsonv2.FormatNilMapAsNull(false),
	jsontext.EscapeForHTML(false),
	jsontext.EscapeForJS(false),
)

// encode writes v as one line of JSON.
func encode(v any) ([]byte, error) {
	text, err := jsonv2.Marshal(v, written)
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return append(text, '\n'), nil
}
