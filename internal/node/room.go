package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"syscall"

	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"
)

// Bounds of the reserve: what is kept free on the disk under the folder, so that
// what a node has begun it can also finish. A tenth of the disk, within them.
const (
	minReserve = 32 << 20
	maxReserve = 256 << 20
	// marksReserve is kept free where the high-water marks lie, if that is another disk.
	marksReserve = 64 << 10
)

// Codes of the failures of a machine, see [StorageError].
const (
	CodeDiskFull = "disk-full" // also told to partners
	CodeReadOnly = "read-only"
	CodeDisk     = "disk-failed"
	CodeFiles    = "too-many-files"
	CodeDenied   = "not-permitted"
)

func reserveOf(r store.Room) int64 { return min(max(r.Total/10, minReserve), maxReserve) }

// room tells how much may still be written before the reserve is touched: by
// content, and by control entries (which may use three quarters of the reserve, so
// that a suspension still comes in and goes out when content no longer does). What
// cannot be found out is taken as enough: a write will tell.
func (n *Node) room() (view DiskView, content, control int64) {
	r, err := store.RoomOf(n.opts.FS, n.at.dir)
	if err != nil {
		r = store.Room{Free: maxReserve * 2, Total: maxReserve * 2}
	}
	view = DiskView{Free: r.Free, Total: r.Total, Reserve: reserveOf(r)}
	content, control = r.Free-view.Reserve, r.Free-view.Reserve/4
	if m, err := store.RoomOf(n.opts.FS, n.config.HighWater); err == nil && m.Free < marksReserve {
		content, control = min(content, m.Free-marksReserve), min(control, m.Free-marksReserve)
	}
	view.Full = content <= 0
	return view, content, control
}

// roomFor says no to content for which there is no room.
func (n *Node) roomFor(bytes int64) error {
	view, content, _ := n.room()
	if bytes <= content {
		return nil
	}
	return fullError(fmt.Sprintf("%s are free under %s, and %s of them are kept for what is under way.", sizeText(view.Free), n.at.dir, sizeText(view.Reserve)), store.ErrNoRoom)
}

// roomForControl says no to journal entries of so many bytes for which, with what is
// derived from them, there is no room.
func (n *Node) roomForControl(bytes int64) error {
	if _, _, control := n.room(); 2*bytes > control {
		return store.ErrNoRoom
	}
	return nil
}

func runBytes(run peer.Run) int64 {
	size := int64(len(run.Checkpoint))
	for _, raw := range run.Entries {
		size += int64(len(raw))
	}
	return size
}

func fullError(why string, err error) *Error {
	return &Error{Code: CodeDiskFull, Status: http.StatusInsufficientStorage, What: "There is no room on the disk.", Why: why,
		Next: "Free some space, then do it again; nothing that was confirmed before is lost. A serving node goes on by itself.", Err: err}
}

func sizeText(bytes int64) string {
	if bytes < 10<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// noRoom is what a partner hears.
func noRoom(o journal.Origin, index int64, c *journal.Hash) *peer.Refusal {
	return &peer.Refusal{Code: CodeDiskFull, Origin: o, Index: index, Commitment: c, Detail: "there is no room for it here; it is asked for again once there is"}
}

// StorageError puts a failure of the machine under a node (a full, failing or
// read-only disk, too few file descriptors, missing rights) into words that a
// person can act on; nil if err is nothing of the kind. The codes are those above.
func StorageError(err error) *Error {
	of := func(code, what, next string) *Error {
		return &Error{Code: code, Status: http.StatusServiceUnavailable, What: what, Why: err.Error() + ".", Next: next, Err: err}
	}
	var known *Error
	switch {
	case err == nil || errors.As(err, &known):
		return known
	case store.IsFull(err):
		why := err.Error()
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			why = path.Error() // of all that is said about it, what a person can act on
		}
		return fullError(why+".", err)
	case errors.Is(err, syscall.EROFS):
		return of(CodeReadOnly, "The disk is read-only.", "A disk that turned read-only has usually failed: look into the system's log, mend it and mount it again. Reading goes on meanwhile.")
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return of(CodeFiles, "There are too few file descriptors.", "Raise the limit (ulimit -n; LimitNOFILE= of the service) to 1024 or more and start again.")
	case errors.Is(err, fs.ErrPermission):
		return of(CodeDenied, "The system does not permit this.", "Give the folder and everything in it to the user the node runs as.")
	case errors.Is(err, syscall.EIO) || errors.Is(err, store.ErrBroken) || errors.Is(err, journal.ErrBroken):
		return of(CodeDisk, "The disk failed, and what it holds of this is not known.", "Nothing more is written there until it was opened again, which a serving node tries by itself. Look into the system's log; then see with 'entente journal show' whether the entry is there before doing it again.")
	}
	return nil
}

// roomReader reads as long as there is room for what comes of it.
type roomReader struct {
	n    *Node
	r    io.Reader
	left int
}

func (r *roomReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		if err := r.n.roomFor(1); err != nil {
			return 0, err
		}
		r.left = 256 << 10
	}
	k, err := r.r.Read(p)
	r.left -= k
	return k, err
}
