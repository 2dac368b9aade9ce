package officer

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"entente/internal/store"
)

// Errors that a caller decides by.
var (
	ErrNone     = errors.New("officer: there is no such officer")
	ErrTaken    = errors.New("officer: the sign-in name is taken")
	ErrFull     = errors.New("officer: there are too many")
	ErrLast     = errors.New("officer: it is the last way to sign in")
	ErrCode     = errors.New("officer: the code is not good, or not any more")
	ErrWrong    = errors.New("officer: the name, the password or the code is wrong")
	ErrSlow     = errors.New("officer: too many tries")
	ErrDisabled = errors.New("officer: the officer is disabled")
	ErrUnbound  = errors.New("officer: no officer has this account")
)

// Options are what a register stands on.
type Options struct {
	FS    store.FS
	Clock func() time.Time
	Rand  io.Reader
}

// Register is the officers of a node and their sessions. It is safe for concurrent use.
type Register struct {
	Options
	dir string

	mu   sync.Mutex
	list []Officer // oldest first

	hashing  hashing
	address  *rates
	name     *rates
	device   *rates
	second   *rates
	teller   *rates
	waiting  *ceremonies
	Sessions *Sessions
}

// Path is the file of the officers in a folder.
func Path(dir string) string { return filepath.Join(dir, "officers.json") }

type officersFile struct {
	Officers []Officer `json:"officers"`
}

// Open reads the officers and their sessions in a node's folder. What it cannot read it
// does not guess: the error says which file it is.
func Open(dir string, o Options) (*Register, error) {
	r := &Register{Options: o, dir: dir, hashing: make(hashing, maxHashing),
		address: newRates(triesByAddress, everyByAddress), name: newRates(triesByName, everyByName), device: newRates(triesByName, everyByName), second: newRates(triesOfSecond, everyOfSecond), teller: newRates(triesByAddress, everyByAddress),
		waiting: &ceremonies{by: map[string]*ceremony{}}}
	var err error
	if r.list, err = Read(o.FS, dir); err != nil {
		return nil, err
	}
	r.Sessions, err = openSessions(dir, o)
	return r, err
}

// Read reads the officers in a folder; a missing file holds none.
func Read(fsys store.FS, dir string) ([]Officer, error) {
	return readList(fsys, Path(dir), maxFile, parse)
}

// parse reads officers.json.
func parse(text []byte) ([]Officer, error) {
	return parseList(text, "officers", maxOfficers, func(before []Officer, o *Officer) error {
		if slices.ContainsFunc(before, o.like) {
			return errTwice
		}
		return o.whole()
	})
}

// like tells whether another officer cannot be told from this one.
func (o *Officer) like(p Officer) bool {
	return p.ID == o.ID || p.Name == o.Name || string(p.Handle) == string(o.Handle) || o.Identity != nil && p.Identity != nil && *p.Identity == *o.Identity
}

// write makes a list durable, and then what holds. The lock must be held.
func (r *Register) write(list []Officer) error {
	text, err := json.MarshalIndent(officersFile{Officers: append([]Officer{}, list...)}, "", " ")
	if err != nil {
		return err
	}
	if len(text) >= maxFile {
		return ErrFull
	}
	if err := store.WriteFile(r.FS, Path(r.dir), append(text, '\n')); err != nil {
		return err
	}
	r.list = list
	return nil
}

// change applies f to a copy of an officer and keeps the copy. What fails changes
// nothing.
func (r *Register) change(id string, f func(*Officer) error) (Officer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.list, func(o Officer) bool { return o.ID == id })
	if i < 0 {
		return Officer{}, ErrNone
	}
	o := r.list[i].clone()
	if err := f(&o); err != nil {
		return Officer{}, err
	}
	if err := o.whole(); err != nil {
		return Officer{}, err
	}
	list := slices.Clone(r.list)
	list[i] = o
	if err := r.write(list); err != nil {
		return Officer{}, fmt.Errorf("keeping the officer: %w", err)
	}
	return o.clone(), nil
}

// List is all officers, the oldest first.
func (r *Register) List() []Officer {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Officer, len(r.list))
	for i := range r.list {
		out[i] = r.list[i].clone()
	}
	return out
}

// Find looks an officer up by id or sign-in name.
func (r *Register) Find(who string) (Officer, error) {
	return r.first(func(o *Officer) bool { return o.ID == who || o.Name == FoldName(who) })
}

func (r *Register) first(is func(*Officer) bool) (Officer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.list {
		if is(&r.list[i]) {
			return r.list[i].clone(), nil
		}
	}
	return Officer{}, ErrNone
}

// New makes an officer with a one-time code, which is in the answer and nowhere else.
// Of o, what people decide is used.
func (r *Register) New(o Officer) (Officer, string, error) {
	o = Officer{Name: FoldName(o.Name), Display: o.Display, Agency: o.Agency, Roles: o.Roles, Claims: o.Claims, Language: o.Language, Zone: o.Zone, State: Invited}
	code, err := r.invite(&o)
	if err != nil {
		return Officer{}, "", err
	}
	made, err := r.add(o)
	return made, code, err
}

// add gives an officer what is made at random, and keeps it.
func (r *Register) add(o Officer) (Officer, error) {
	o = o.clone()
	if o.Display == "" {
		o.Display = o.Name
	}
	if err := o.check(); err != nil {
		return Officer{}, err
	}
	random := make([]byte, idBytes+handleBytes)
	if _, err := io.ReadFull(r.Rand, random); err != nil {
		return Officer{}, err
	}
	o.ID, o.Handle = hex.EncodeToString(random[:idBytes]), random[idBytes:]
	o.Created = r.Clock().UTC().Truncate(time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(r.list, o.like) {
		return Officer{}, ErrTaken
	}
	if len(r.list) >= maxOfficers {
		return Officer{}, ErrFull
	}
	if err := r.write(append(slices.Clone(r.list), o)); err != nil {
		return Officer{}, fmt.Errorf("keeping the officer: %w", err)
	}
	return o.clone(), nil
}

// invite gives an officer a new one-time code.
func (r *Register) invite(o *Officer) (string, error) {
	code, err := newCode(r.Rand)
	if err != nil {
		return "", err
	}
	o.Invitation = &Invitation{Code: digestOf(code), Expires: r.Clock().UTC().Truncate(time.Second).Add(invitationLife)}
	return code, nil
}

// Change replaces what people decide about an officer: display, agency, roles, claims,
// language, zone.
func (r *Register) Change(id string, f func(*Officer)) (Officer, error) {
	return r.change(id, func(o *Officer) error {
		c := o.clone()
		f(&c)
		o.Display, o.Agency, o.Roles, o.Claims, o.Language, o.Zone = c.Display, c.Agency, c.Roles, c.Claims, c.Language, c.Zone
		return nil
	})
}

// Disable ends an officer's sessions and lets nobody sign in as them.
func (r *Register) Disable(id string) (Officer, error) {
	o, err := r.change(id, func(o *Officer) error { o.State = Disabled; return nil })
	if err != nil {
		return o, err
	}
	return o, r.Sessions.EndOf(id, "")
}

// Enable lets a disabled officer sign in again as before, or set up credentials as
// before.
func (r *Register) Enable(id string) (Officer, error) {
	return r.change(id, func(o *Officer) error {
		if o.State != Disabled {
			return nil
		}
		o.State = Active
		if o.Invitation != nil && o.Password == nil && len(o.Passkeys) == 0 && o.Identity == nil {
			o.State = Invited
		}
		return nil
	})
}

// Reset takes all credentials and sessions of an officer away and makes a new one-time
// code. An officer who is disabled stays so.
func (r *Register) Reset(id string) (Officer, string, error) {
	code := ""
	o, err := r.change(id, func(o *Officer) (err error) {
		o.forget()
		if o.State != Disabled {
			o.State = Invited
		}
		code, err = r.invite(o)
		return err
	})
	if err != nil {
		return o, "", err
	}
	return o, code, r.Sessions.EndOf(id, "")
}
