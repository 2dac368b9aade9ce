// Package node is one running party: every use case is one method on Node.
// It owns wiring, configuration and life cycle; the three faces (api, cli, web)
// stand above it and know nothing below it.
package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"entente/internal/audit"
	"entente/internal/intel"
	"entente/internal/officer"
	"entente/internal/openid"
	"entente/internal/peer"
	"entente/internal/store"
	"entente/journal"
)

// Options are the seams a node stands on. Zero values mean the real thing.
type Options struct {
	Clock   func() time.Time // default time.Now
	Rand    io.Reader        // default crypto/rand
	Log     *slog.Logger     // default: discards
	Version string           // shown by Status
	FS      store.FS         // default: the machine's files
	Limits  peer.Limits      // bounds of the exchange
	// Dial opens connections to partners; default: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// keyLog lets a test of this package read what goes over the wire.
	keyLog io.Writer
	// watch lets a test of this package stand before the witness.
	watch func(http.Handler) http.Handler
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.FS == nil {
		o.FS = store.OS{}
	}
	return o
}

// Node is one party's open folder. All methods are safe for concurrent use.
type Node struct {
	opts   Options
	at     layout
	config Config
	lock   io.Closer            // nil where the file system knows no locks
	secret atomic.Pointer[keys] // replaced whole when the identity is rotated

	vault   *vault // encrypts evidence on the disk
	local   *store.Log
	objects *store.Objects
	intel   *intel.Intel
	marks   *store.HighWater

	bell     *peer.Bell
	rotating sync.Mutex // held while keys change, and while a backup reads them

	exports sync.Mutex // one share is put together at a time

	withdrawals withdrawals
	// drafting is held while drafts are read and written, also under the lock of a unit: nothing is locked
	// below it.
	drafting sync.Mutex
	held     heldActs   // acts that lack a second person's release
	scoring  sync.Mutex // one commitment to scores is made at a time
	pairing  *pairings
	tokens   *tokens
	officers *officer.Register
	provider *openid.Provider          // nil: none is configured
	toldOut  atomic.Pointer[time.Time] // when it last told of a sign-out
	audit    *audit.Log
	// pageSessions are those that tokens began in the pages; nil: no pages are served.
	pageSessions atomic.Pointer[TokenSessions]
	tallies      *tallies               // what has no line of its own in it
	unheard      atomic.Pointer[string] // why the last act could not be recorded

	guards    guards    // the operator's lists of what is guarded
	set       *setHere  // what administrators set beside the configuration
	feeds     *feeds    // what sensors are given, as text
	notes     *notices  // what a duty officer was told
	watching  watchRun  // what watchers' numbers belong to
	seen      sightings // what watchers saw
	prevalent prevalent // what they saw everywhere
	assets    assets    // what is protected
	findings  findings  // what watchers saw of it
	watched   watched   // that any of these changed
	geo       geo       // where addresses are
	growth    *growth   // how fast partners make this node grow

	arrivals chan struct{} // rung when payloads have arrived
	taking   sync.Mutex    // held while they are taken in
	full     atomic.Bool   // the disk was, when it was last looked at
	troubled atomic.Pointer[string]

	mu      sync.Mutex // guards what follows
	ledgers map[journal.UnitID]*ledger
	witness map[witnessKey]int64            // sizes that external witnesses are believed to know
	vouches map[journal.Origin]journal.Head // what the own witness cosigned since the start
	serving bool
	addr    string
	served  ed25519.PrivateKey               // the TLS key partners are answered with while serving
	wake    map[journal.UnitID]chan struct{} // told by hints and own writes; see Run
	synced  map[syncKey]time.Time            // when a session that was opened here was last complete
	met     map[syncKey]time.Time            // when the partner last opened one and was answered in full
	barred  map[syncKey]barred
}

type syncKey struct {
	unit  journal.UnitID
	party journal.PartyID
}

// Open opens a node's folder. It takes the folder's lock: ErrLocked means that a
// server has it and should be asked instead. It reads every journal's heads,
// compares them with the high-water marks, and folds; it does not read back
// every byte (see VerifyJournals).
func Open(ctx context.Context, dir string, opts Options) (_ *Node, err error) {
	opts = opts.withDefaults()
	at := layout{files{opts.FS}, dir}
	if err := at.knowsFormat(); err != nil {
		return nil, err
	}
	config, err := readConfig(at)
	if err != nil {
		return nil, err
	}
	n := &Node{
		opts: opts, at: at, config: config, vault: at.vault(&config), feeds: newFeeds(nil),
		bell:    peer.NewBell(),
		growth:  newGrowth(config.growth()),
		notes:   new(notices),
		ledgers: map[journal.UnitID]*ledger{},
		wake:    map[journal.UnitID]chan struct{}{},
		synced:  map[syncKey]time.Time{},
		met:     map[syncKey]time.Time{},
		barred:  map[syncKey]barred{},
		witness: map[witnessKey]int64{}, vouches: map[journal.Origin]journal.Head{}, arrivals: make(chan struct{}, 1),
	}
	defer func() {
		if err != nil {
			err = errors.Join(doesNotStart(dir, err), n.Close())
		}
	}()
	if locker, ok := opts.FS.(store.Locker); ok {
		lock, err := locker.LockFolder(dir)
		if errors.Is(err, store.ErrLocked) {
			return nil, fmt.Errorf("%w: %w", ErrLocked, err)
		}
		if err != nil {
			return nil, err
		}
		n.lock = lock
	}
	if err := n.at.upgrade(func(what string) { opts.Log.Info("the folder was upgraded", "step", what) }); err != nil {
		return nil, err
	}
	if n.opts.Limits.Memory == nil { // one for all exchanges, in either direction and on files
		n.opts.Limits.Memory = peer.NewMemory(n.at.spool(), peer.DefaultWork)
		if err := n.opts.Limits.Memory.Clear(); err != nil {
			return nil, err
		}
	}
	if err := at.syncFolders(dir, at.key("")); err != nil {
		return nil, err
	}
	k, err := loadKeys(n.at)
	if err != nil {
		return nil, err
	}
	n.secret.Store(k)
	if n.set, err = openSettings(n.at); err != nil {
		return nil, err
	}
	specs, err := config.feedSpecsOf(n.set.now)
	if err != nil {
		return nil, err
	}
	n.feeds.serve(specs)
	if n.tokens, err = openTokens(n.at, &n.config); err != nil {
		return nil, err
	}
	if err := n.openOfficers(); err != nil {
		return nil, err
	}
	if n.marks, err = store.OpenHighWater(config.HighWater, store.Options{FS: opts.FS}); err != nil {
		return nil, err
	}
	if n.local, err = store.OpenLog(n.at.localLog(), store.Options{FS: opts.FS}); err != nil {
		return nil, err
	}
	if err := n.watching.renew(opts.Rand); err != nil {
		return nil, err
	}
	if err := n.openDerived(ctx); err != nil {
		return nil, err
	}
	if n.pairing, err = loadPairings(n); err != nil {
		return nil, err
	}
	if err := n.openLedgers(ctx); err != nil {
		return nil, err
	}
	if err := n.openHeld(); err != nil {
		return nil, err
	}
	if err := n.markOwn(); err != nil { // nothing is signed without marks, and the next start tries again
		opts.Log.Error("the own identities could not be kept beside the high-water marks; see 'entente doctor'", "err", err)
	}
	if err := n.noteWitness(); err != nil { // on a disk that takes no note the node starts all the same
		opts.Log.Error("it could not be noted that the marks are whole for the witness key; nothing is cosigned until it can at a start", "err", err)
	}
	n.warnOfWitness()
	return n, n.takeInFirst(ctx)
}

// doesNotStart puts damage that keeps a node from starting into words that a person
// can act on.
func doesNotStart(dir string, err error) error {
	var known *Error
	if !errors.Is(err, store.ErrDamaged) || errors.As(err, &known) {
		return err
	}
	return &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: "The node does not start: a file in " + dir + " is damaged.", Why: err.Error() + ".",
		Next: "Run 'entente doctor --dir " + dir + "': it changes nothing, names everything that is damaged, and the commands that mend it.", Err: err}
}

// takeInFirst brings what is derived up to date, and takes in what was cut before it
// was. Content that cannot be taken in now keeps no node from starting: a full disk
// must not keep it from saying so. It is tried again while the node runs.
func (n *Node) takeInFirst(ctx context.Context) error {
	err := n.intel.CatchUp(ctx)
	if derivedDamaged(err) {
		err = n.deriveAgain(ctx, err)
	}
	if err != nil {
		return err
	}
	err = n.drainIntake(ctx)
	if derivedDamaged(err) {
		if err = n.deriveAgain(ctx, err); err != nil {
			return err
		}
		err = n.drainIntake(ctx)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	n.opts.Log.Error("not all content that has arrived could be taken in; it is tried again", "err", err)
	n.intakeSoon(nil)
	return nil
}

func (n *Node) deriveAgain(ctx context.Context, why error) error {
	n.opts.Log.Warn("the derived objects are damaged; they are derived again", "err", why)
	return n.intel.Rebuild(ctx, nil)
}

// openDerived opens what is derived. When that turns out to be damaged it is
// dropped: the local log and the journals' payloads give it again, which CatchUp
// does at this very start.
func (n *Node) openDerived(ctx context.Context) (err error) {
	o := store.Options{FS: n.opts.FS}
	open := func() (err error) {
		if n.objects, err = store.OpenObjects(n.at.objects(), o); err == nil {
			err = n.openIntel(ctx)
		}
		return err
	}
	err = open()
	if !derivedDamaged(err) {
		return err
	}
	n.opts.Log.Warn("the derived objects are damaged; they are derived again", "err", err)
	if n.objects != nil {
		_ = n.objects.Close() // it is damaged
		n.objects = nil
	}
	if err := store.RemoveObjects(n.at.objects(), o); err != nil {
		return err
	}
	return open()
}

// derivedDamaged tells whether what is derived is damaged, and not a log.
func derivedDamaged(err error) bool {
	var truth *store.DamageError
	return errors.Is(err, store.ErrDamaged) && !errors.As(err, &truth)
}

func (n *Node) openLedgers(ctx context.Context) error {
	names, err := n.at.folders(n.at.units())
	if err != nil {
		return err
	}
	for _, name := range names {
		id := journal.UnitID(name)
		if id.Check() != nil {
			continue
		}
		l, err := openLedger(ctx, n, id)
		if err != nil {
			return fmt.Errorf("unit %s: %w", id.Short(), err)
		}
		if l != nil {
			n.ledgers[id] = l
		}
	}
	return nil
}

// Close stops the node and releases its folder.
func (n *Node) Close() error {
	if n.audit != nil {
		n.tellSkipped(true)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, l := range n.ledgers {
		errs = append(errs, l.close())
	}
	n.ledgers = nil
	errs = append(errs, n.seen.close(), n.findings.close())
	if n.intel != nil {
		errs = append(errs, n.intel.Close())
	}
	if n.objects != nil {
		errs = append(errs, n.objects.Close())
	}
	if n.local != nil {
		errs = append(errs, n.local.Close())
	}
	if n.provider != nil {
		n.provider.Close()
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Close())
	}
	n.intel, n.objects, n.local, n.lock = nil, nil, nil, nil
	return errors.Join(errs...)
}

// Config returns the parsed configuration.
func (n *Node) Config() Config { return n.config }

// Dir returns the node's folder.
func (n *Node) Dir() string { return n.at.dir }

// Party returns this party's id.
func (n *Node) Party() journal.PartyID { return n.keys().party }

func (n *Node) keys() *keys { return n.secret.Load() }

func (n *Node) now() time.Time { return n.opts.Clock() }

// units returns the open ledgers in order of their ids.
func (n *Node) units() []*ledger {
	n.mu.Lock()
	defer n.mu.Unlock()
	return sortedLedgers(n.ledgers)
}
