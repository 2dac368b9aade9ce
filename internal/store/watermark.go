package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// watermark says up to where the derived files (index, points, hashes) are
// known to be on the disk. They are written without sync, because they can be
// computed again; after a crash everything behind the watermark is.
type watermark struct {
	size   int64 // entries
	points int64 // rows of the points file
	end    int64 // bytes of the log
}

// zero tells that nothing is known.
func (w watermark) zero() bool { return w == watermark{} }

const watermarkTitle = "entente/derived/v1"

func (w watermark) text() []byte {
	body := fmt.Sprintf("%s\n%d %d %d\n", watermarkTitle, w.size, w.points, w.end)
	sum := sha256.Sum256([]byte(body))
	return []byte(body + hex.EncodeToString(sum[:]) + "\n")
}

var errBadWatermark = errors.New("the file does not have the content its own sum says")

// parseWatermark is strict: only the exact text that text() writes is accepted.
func parseWatermark(text []byte) (watermark, error) {
	var w watermark
	lines := strings.SplitN(string(text), "\n", 3)
	if len(lines) != 3 {
		return watermark{}, errBadWatermark
	}
	if _, err := fmt.Sscanf(lines[1], "%d %d %d", &w.size, &w.points, &w.end); err != nil {
		return watermark{}, errBadWatermark
	}
	if w.size < 0 || w.points < 0 || w.end < 0 || string(w.text()) != string(text) {
		return watermark{}, errBadWatermark
	}
	return w, nil
}

// readWatermark returns the zero watermark when the file is missing.
func readWatermark(fsys FS, name string) (watermark, error) {
	text, err := ReadFile(fsys, name, 4<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return watermark{}, nil
	}
	if err != nil {
		return watermark{}, err
	}
	return parseWatermark(text)
}
