package officer

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"entente/internal/store"
)

// Bounds on sessions.
const (
	SessionLife = 12 * time.Hour // from signing in
	SessionIdle = 2 * time.Hour  // from the last use
	// seenEvery is how old what the disk knows of the last use may be: after a start a
	// session may look unused for so much longer.
	seenEvery = 5 * time.Minute
	// fresh is how long after signing in credentials may be changed.
	fresh = 15 * time.Minute

	maxSessions      = 2048    // of all officers; the one used longest ago goes first
	maxSessionsOf    = 16      // of one officer; likewise
	maxSessionsFile  = 4 << 20 // bytes of sessions.json
	maxSessionDetail = 200     // characters kept of an address or a browser's name
)

// ByProvider is how somebody signed in for whom an OpenID provider vouched.
const ByProvider = "openid"

// Ways are how officers sign in.
func Ways() []string { return []string{"password", "recovery", "passkey", "set-up", ByProvider} }

// Session is a browser in which an officer is signed in.
type Session struct {
	ID      string `json:"id"` // 12 hexadecimal digits
	Secret  Digest `json:"sha256"`
	Officer string `json:"officer"` // id
	How     string `json:"how"`     // password, recovery, passkey, set-up, openid
	// There is which session at the provider it came of, if the provider names them.
	There Digest    `json:"there,omitzero"`
	From  string    `json:"from,omitempty"`
	Agent string    `json:"agent,omitempty"`
	Begun time.Time `json:"begun"`
	Seen  time.Time `json:"seen"`
}

// Fresh tells whether the officer signed in a moment ago, as changing credentials asks.
func (s Session) Fresh(now time.Time) bool { return now.Sub(s.Begun) < fresh }

func (s *Session) over(now time.Time) bool {
	return now.Sub(s.Begun) >= SessionLife || now.Sub(s.Seen) >= SessionIdle
}

// Sessions are who is signed in, over restarts. Only digests of their secrets are kept.
type Sessions struct {
	Options
	dir string

	mu      sync.Mutex
	live    map[Digest]*Session
	written time.Time // when the disk was last told
}

// SessionsPath is the file of the sessions in a folder.
func SessionsPath(dir string) string { return filepath.Join(dir, "sessions.json") }

type sessionsFile struct {
	Sessions []Session `json:"sessions"`
}

func openSessions(dir string, o Options) (*Sessions, error) {
	s := &Sessions{Options: o, dir: dir, live: map[Digest]*Session{}, written: o.Clock()}
	list, err := ReadSessions(o.FS, dir)
	for i := range list {
		if !list[i].over(o.Clock()) {
			s.live[list[i].Secret] = &list[i]
		}
	}
	return s, err
}

// ReadSessions reads the sessions in a folder; a missing file holds none.
func ReadSessions(fsys store.FS, dir string) ([]Session, error) {
	return readList(fsys, SessionsPath(dir), maxSessionsFile, parseSessions)
}

// parseSessions reads sessions.json.
func parseSessions(text []byte) ([]Session, error) {
	ids, secrets := map[string]bool{}, map[Digest]bool{}
	return parseList(text, "sessions", maxSessions, func(_ []Session, x *Session) error {
		switch {
		case !idForm.MatchString(x.ID) || !idForm.MatchString(x.Officer):
			return errors.New("an id is not 12 hexadecimal digits")
		case x.Begun.IsZero() || x.Seen.Before(x.Begun):
			return errors.New("it was used before it began")
		case x.From != detail(x.From) || x.Agent != detail(x.Agent) || x.How != detail(x.How):
			return errors.New("a detail is not kept like this")
		case ids[x.ID] || secrets[x.Secret]:
			return errTwice
		}
		ids[x.ID], secrets[x.Secret] = true, true
		return nil
	})
}

// detail is what is kept of a text that a browser sent.
func detail(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxSessionDetail {
		s = string(r[:maxSessionDetail])
	}
	return s
}

// write tells the disk what is live. The lock must be held.
func (s *Sessions) write() error {
	f := sessionsFile{Sessions: []Session{}}
	for _, x := range s.live {
		f.Sessions = append(f.Sessions, *x)
	}
	slices.SortFunc(f.Sessions, func(a, b Session) int { return strings.Compare(a.ID, b.ID) })
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	if err := store.WriteFile(s.FS, SessionsPath(s.dir), append(text, '\n')); err != nil {
		return err
	}
	s.written = s.Clock()
	return nil
}

// Begin makes a session and returns its secret. There is that at the provider, if one was.
func (s *Sessions) Begin(officer, how, from, agent string, there Digest) (string, Session, error) {
	secret, err := newSecret(s.Rand)
	if err != nil {
		return "", Session{}, err
	}
	var id [idBytes]byte
	if _, err := io.ReadFull(s.Rand, id[:]); err != nil {
		return "", Session{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock().UTC()
	x := &Session{ID: hex.EncodeToString(id[:]), Secret: digestOf(secret), Officer: officer, How: how, There: there, From: detail(from), Agent: detail(agent), Begun: now, Seen: now}
	for k, y := range s.live {
		if y.over(now) || y.ID == x.ID {
			delete(s.live, k)
		}
	}
	s.room(maxSessionsOf, func(y *Session) bool { return y.Officer == officer })
	s.room(maxSessions, func(*Session) bool { return true })
	s.live[x.Secret] = x
	if err := s.write(); err != nil {
		delete(s.live, x.Secret)
		return "", Session{}, fmt.Errorf("keeping the session: %w", err)
	}
	return secret, *x, nil
}

// room ends the session that was used longest ago, if there are most of a sort. The
// lock must be held.
func (s *Sessions) room(most int, of func(*Session) bool) {
	n := 0
	var oldest *Session
	for _, x := range s.live {
		if !of(x) {
			continue
		}
		n++
		if oldest == nil || x.Seen.Before(oldest.Seen) {
			oldest = x
		}
	}
	if n >= most {
		delete(s.live, oldest.Secret)
	}
}

// Find looks a session up by its secret and, if somebody asked for something by hand,
// notes that it was used. It is looked up by digest, so the time it takes says nothing
// about the secret.
func (s *Sessions) Find(secret string, byHand bool) (Session, bool) {
	d := digestOf(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.live[d]
	now := s.Clock().UTC()
	if x == nil {
		return Session{}, false
	}
	if x.over(now) {
		delete(s.live, d)
		return Session{}, false
	}
	if byHand && now.After(x.Seen) {
		x.Seen = now
	}
	if byHand && now.Sub(s.written) >= seenEvery {
		s.written = now // also when it fails: not at every page
		_ = s.write()   // a session that looks unused for longer ends earlier
	}
	return *x, true
}

// List is the live sessions of an officer, or of all, the newest first.
func (s *Sessions) List(officer string) []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Session{}
	for _, x := range s.live {
		if (officer == "" || x.Officer == officer) && !x.over(s.Clock()) {
			out = append(out, *x)
		}
	}
	slices.SortFunc(out, func(a, b Session) int {
		return 2*b.Begun.Compare(a.Begun) + strings.Compare(a.ID, b.ID)
	})
	return out
}

// End ends a session by its id; of an officer, only if it is theirs.
func (s *Sessions) End(id, officer string) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, x := range s.live {
		if x.ID == id && (officer == "" || x.Officer == officer) {
			delete(s.live, k)
			return *x, s.told()
		}
	}
	return Session{}, ErrNone
}

// endIf ends the sessions that a test picks, and tells which.
func (s *Sessions) endIf(is func(*Session) bool) ([]Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ended []Session
	for k, x := range s.live {
		if !x.over(s.Clock()) && is(x) {
			ended = append(ended, *x)
			delete(s.live, k)
		}
	}
	if len(ended) == 0 {
		return nil, nil
	}
	slices.SortFunc(ended, func(a, b Session) int { return strings.Compare(a.Officer+a.ID, b.Officer+b.ID) })
	return ended, s.told()
}

// EndOf ends all sessions of an officer but one.
func (s *Sessions) EndOf(officer, but string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := false
	for k, x := range s.live {
		if x.Officer == officer && x.ID != but {
			delete(s.live, k)
			ended = true
		}
	}
	if !ended {
		return nil
	}
	return s.told()
}

// told makes ends durable. The lock must be held.
func (s *Sessions) told() error {
	if err := s.write(); err != nil {
		return fmt.Errorf("the sessions are at an end, but the disk could not be told, and after a start they would go on; end them once more: %w", err)
	}
	return nil
}
