package journal

import (
	"errors"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrNoResource marks a C2SP tlog-tiles path that a journal does not have (yet).
var ErrNoResource = errors.New("journal: there is no such tile")

// Tile returns a C2SP tlog-tiles tile of tree hashes: of the given level (0 to
// 6, each 8 levels of the tree), place n and width (1 to 256 hashes).
func Tile(st Storage, level int, n int64, width int) ([]byte, error) {
	if level < 0 || level > 6 || n < 0 || n > maxIndex>>8 || width < 1 || width > torchwood.TileWidth {
		return nil, ErrNoResource
	}
	size, err := storedSize(st)
	if err != nil {
		return nil, err
	}
	if last := n<<torchwood.TileHeight + int64(width); last > size>>(level*torchwood.TileHeight) {
		return nil, ErrNoResource
	}
	b, err := tlog.ReadTileData(tlog.Tile{H: torchwood.TileHeight, L: level, N: n, W: width}, st)
	if err != nil {
		return nil, fmt.Errorf("journal: tile %d/%d: %w", level, n, err)
	}
	return b, nil
}

// EntryBundle returns a C2SP tlog-tiles entry bundle: width (1 to 256) entries
// from index n*256 on, each after its length (2 bytes, big endian).
func EntryBundle(st Storage, n int64, width int) ([]byte, error) {
	if n < 0 || n > maxIndex>>8 || width < 1 || width > torchwood.TileWidth {
		return nil, ErrNoResource
	}
	size, err := storedSize(st)
	if err != nil {
		return nil, err
	}
	from := n << torchwood.TileHeight
	if from+int64(width) > size {
		return nil, ErrNoResource
	}
	var out []byte
	for raw, err := range st.Read(from, from+int64(width)) {
		if err != nil {
			return nil, fmt.Errorf("journal: bundle %d: %w", n, err)
		}
		if out, err = torchwood.AppendTileEntry(out, raw); err != nil {
			return nil, fmt.Errorf("journal: bundle %d: %w", n, err)
		}
	}
	return out, nil
}

// Resource returns what C2SP tlog-tiles serves under a path: "checkpoint",
// "tile/<level>/<n>[.p/<width>]" or "tile/entries/<n>[.p/<width>]". Standard
// tools read a journal through it. Unknown paths give [ErrNoResource].
func Resource(st Storage, path string) ([]byte, error) {
	if path == "checkpoint" {
		cp, err := st.Latest()
		if err == nil && cp == nil {
			err = ErrNoResource
		}
		return cp, err
	}
	t, err := torchwood.ParseTilePath(path)
	if err != nil {
		return nil, ErrNoResource
	}
	if t.L == -1 {
		return EntryBundle(st, t.N, t.W)
	}
	return Tile(st, t.L, t.N, t.W)
}

func storedSize(st Storage) (int64, error) {
	cp, err := st.Latest()
	if err != nil || cp == nil {
		return 0, err
	}
	_, h, err := CheckpointHead(cp)
	return h.Size, err
}
