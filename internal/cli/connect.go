package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entente/internal/api"
	"entente/internal/node"
)

const controlSocket = "control.sock"

// starting is how long a command waits for a server that has the folder but
// does not answer yet.
const starting = 3 * time.Second

// session is a way to the node of a folder, and how to let go of it.
type session struct {
	*api.Client
	server bool // a server runs over the folder
	close  func() error
	// establish asks, before the first command that may sign something, whether the
	// own journals are the latest; nil where a server did so at its start.
	establish func(context.Context) error
}

// silent are the operations after which nothing can be signed. All others are
// preceded by asking the partners, so that one that is new is on the safe side.
var silent = map[string]bool{
	"status": true, "identity.show": true, "unit.show": true, "accord.show": true, "accord.diff": true, "import": true,
	"intake.list": true, "search": true, "search.around": true, "sighting.list": true, "sighting.make": true, "watch.set": true, "watch.report": true, "asset.add": true, "asset.list": true, "asset.show": true, "asset.remove": true, "asset.partner": true, "finding.list": true, "finding.draft": true, "request.list": true, "request.show": true, "notify.list": true, "notify.ack": true, "notify.test": true, "courier.export": true,
	"journal.show": true, "journal.verify": true, "journal.prove": true, "journal.file": true, "journal.sides": true, "journal.check": true, "journal.proofs": true, "release.list": true, "release.show": true, "release.reject": true, "dossier.export": true, "backup": true, "rebuild": true,
	"review.report": true, "review.list": true, "review.show": true,
	"exhibit.list": true, "exhibit.show": true, "exhibit.verify": true, "exhibit.manifest": true, "exhibit.get": true,
	"token.new": true, "token.list": true, "token.revoke": true,
	"officer.new": true, "officer.list": true, "officer.show": true, "officer.roles": true, "officer.reads": true, "officer.disable": true, "officer.enable": true, "officer.reset": true, "officer.bind": true, "officer.unbind": true,
	"officer.provider": true, "officer.sessions": true, "officer.end-session": true, "audit.list": true, "audit.verify": true,
}

// before prepares an operation.
func (s *session) before(ctx context.Context, op string) error {
	if s.establish == nil || silent[op] {
		return nil
	}
	return s.establish(ctx)
}

// connect finds the node of the folder: the server that runs over it, else the
// folder itself.
func (a *app) connect(ctx context.Context) (*session, error) {
	dir, err := a.folder()
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(starting); ; {
		if conn, err := dialControl(ctx, dir); err == nil {
			_ = conn.Close()
			c := api.Dialed(func(ctx context.Context) (net.Conn, error) { return dialControl(ctx, dir) })
			return &session{Client: c, server: true, close: func() error { c.Close(); return nil }}, nil
		}
		n, err := openNode(ctx, dir)
		if err == nil {
			c := api.InProcess(api.Handler(n, api.Options{Trusted: true}))
			return &session{Client: c, close: n.Close, establish: n.Establish}, nil
		}
		if !errors.Is(err, node.ErrLocked) || time.Now().After(end) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// openWhenFree opens the folder in this process, and waits a little for a
// command that has it open just now. Where a server has it, waiting is in vain.
func openWhenFree(ctx context.Context, dir string, o node.Options) (*node.Node, error) {
	for end := time.Now().Add(starting); ; {
		n, err := node.Open(ctx, dir, o)
		if !errors.Is(err, node.ErrLocked) || time.Now().After(end) {
			return n, err
		}
		if conn, dialed := dialControl(ctx, dir); dialed == nil {
			_ = conn.Close()
			return nil, &node.Error{Code: node.CodeLocked, Status: http.StatusConflict, What: "A server already runs over " + dir + ".",
				Why: "It answers on its control socket.", Next: "Use it, or stop it first: two processes must never write one journal.", Err: err}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// call runs a plain operation.
func (a *app) call(ctx context.Context, op string, in, out any) error {
	return a.with(ctx, func(s *session) error {
		if err := s.before(ctx, op); err != nil {
			return err
		}
		return s.Call(ctx, op, in, out)
	})
}

// long runs a long operation, with progress on a terminal.
func (a *app) long(ctx context.Context, op string, in any, body io.Reader, out any) error {
	return a.with(ctx, func(s *session) error {
		if err := s.before(ctx, op); err != nil {
			return err
		}
		bar := a.progress(op)
		defer bar.done()
		return s.Long(ctx, op, in, body, bar.set, out)
	})
}

func (a *app) with(ctx context.Context, work func(*session) error) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	if c := a.catalog(); a.wish != "" || !c.IsEnglish() {
		s.In(c.Tag())
	}
	s.At(a.zoneWish)
	err = a.gone(work(s))
	if closing := s.close(); err == nil && closing != nil {
		return fmt.Errorf("closing the folder: %w", closing)
	}
	return err
}

// gone tells of a server that ended while it worked.
func (a *app) gone(err error) error {
	var lost *api.BrokenError
	if !errors.As(err, &lost) {
		return err
	}
	next := "Start it again ('entente serve'), see whether what you asked for was done, and say it again if not."
	if strings.HasPrefix(lost.Op, "exhibit.") {
		next = "Start it again ('entente serve') and give the same command again: what was begun goes on where it stopped."
	}
	return &node.Error{Code: "node-gone", Status: http.StatusBadGateway, What: "The node went away before it had answered.",
		Why: "Its server ended or was ended during " + lost.Op + ": " + rootOf(lost).Error() + ".", Next: next, Err: err}
}

// rootOf is the last cause of an error: what the system says.
func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// dialControl opens a connection to the server over a folder.
func dialControl(ctx context.Context, dir string) (net.Conn, error) {
	name, release, err := socketName(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	var d net.Dialer
	return d.DialContext(ctx, "unix", name)
}

// listenControl listens on the folder's control socket. Only who owns the
// folder can reach it: the folder has mode 0700 and the socket 0600. The caller
// holds the folder's lock, so a socket that is already there is a stale one.
func listenControl(dir string) (net.Listener, error) {
	path := filepath.Join(dir, controlSocket)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the stale control socket: %w", err)
	}
	name, release, err := socketName(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("closing the control socket to others: %w", err)
	}
	// The name it was bound under may be gone by then; the path is removed by hand.
	l.SetUnlinkOnClose(false)
	return keepOne(l), nil
}

// maxSocketName is what fits into sockaddr_un everywhere, with its end.
const maxSocketName = 100

// socketName gives a name for the control socket that the system accepts. A
// folder too deep for a socket address is reached through an open descriptor
// where the system has that; release is called after the name was used.
func socketName(dir string) (name string, release func(), err error) {
	path := filepath.Join(dir, controlSocket)
	if len(path) <= maxSocketName {
		return path, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	short := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if _, err := os.Stat(short); err != nil {
		_ = f.Close()
		return "", nil, fmt.Errorf("the path of %s is too long for a socket (more than %d bytes): put the folder nearer to the root", path, maxSocketName)
	}
	return short + "/" + controlSocket, func() { _ = f.Close() }, nil
}
