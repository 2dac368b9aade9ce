package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"

	"entente/internal/store"
)

// maxSettingsFile bounds settings.json.
const maxSettingsFile = 1 << 20

// settings is settings.json: what administrators set over pages, command line or API, beside what the operator pins in
// config.yaml. What is pinned always holds.
type settings struct {
	Channels []keptChannel `json:"channels,omitempty"`
	Plan     *keptPlan     `json:"plan,omitempty"`
	// Feeds is nil as long as nobody has changed them.
	Feeds *[]keptFeed `json:"feeds,omitempty"`
}

// keptChannel is one channel. Its secret lies in this file alone: no answer, page, log or audit line has it.
type keptChannel struct {
	Name     string    `json:"name"`
	Webhook  string    `json:"webhook,omitempty"`
	Mail     *keptMail `json:"mail,omitempty"`
	Hook     string    `json:"hook,omitempty"` // a program in the folder hooks
	Secret   string    `json:"secret,omitempty"`
	CA       string    `json:"ca,omitempty"` // PEM
	Language string    `json:"language,omitempty"`
}

type keptMail struct {
	Server string   `json:"server"`
	TLS    string   `json:"tls"`
	User   string   `json:"user,omitempty"`
	From   string   `json:"from"`
	To     []string `json:"to"`
}

// keptPlan is who is told when.
type keptPlan struct {
	First    []string     `json:"first,omitempty"`
	Escalate []keptRung   `json:"escalate,omitempty"`
	Quiet    *NotifyQuiet `json:"quiet,omitempty"`
}

type keptRung struct {
	After string   `json:"after"` // as Go writes durations
	To    []string `json:"to"`
}

type keptFeed struct {
	Name          string   `json:"name"`
	Format        string   `json:"format"`
	TLP           string   `json:"tlp,omitempty"`
	Types         []string `json:"types,omitempty"`
	MinConfidence int      `json:"min_confidence,omitempty"`
	MinScore      int      `json:"min_score,omitempty"`
	Sources       []string `json:"sources,omitempty"`
}

// setHere is what was set here, as it holds now.
type setHere struct {
	at layout
	// changing is held while something is changed: what is looked at before is still so when it is written.
	changing sync.Mutex
	mu       sync.RWMutex
	now      settings // never changed in place
}

func settingsPath(dir string) string { return filepath.Join(dir, "settings.json") }

// openSettings reads what was set. A damaged file keeps the node from starting: who is to be called must not be guessed.
func openSettings(at layout) (*setHere, error) {
	s, err := readSettings(at)
	return &setHere{at: at, now: s}, err
}

func readSettings(at layout) (settings, error) {
	path := settingsPath(at.dir)
	text, err := store.ReadFile(at.fs, path, maxSettingsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return settings{}, nil
	}
	var s settings
	if err == nil {
		s, err = parseSettings(text)
	}
	if err != nil {
		return settings{}, &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: path + " is damaged: it is not known how the duty officer is called, or what sensors are given.",
			Why: err.Error() + ".", Next: "Mend it, or remove it and set channels and feeds again with 'entente notify set' and 'entente feed set'; what config.yaml pins still holds.", Err: err}
	}
	return s, nil
}

// parseSettings reads settings.json strictly: whatever this version would not have written is damage.
func parseSettings(text []byte) (settings, error) {
	var s settings
	if err := jsonv2.Unmarshal(text, &s, jsonv2.RejectUnknownMembers(true)); err != nil {
		return s, err
	}
	for i := range s.Channels {
		c := s.Channels[i].config()
		if err := c.check(); err != nil {
			return s, err
		}
	}
	c := NotifyConfig{Channels: s.channels()}
	if err := s.Plan.into(&c); err != nil {
		return s, err
	}
	if _, err := c.plan(); err != nil {
		return s, err
	}
	if s.Feeds != nil {
		if _, err := feedList(*s.Feeds); err != nil {
			return s, err
		}
	}
	return s, nil
}

// get is what was set, to be looked at.
func (h *setHere) get() settings {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.now
}

// put makes what is set durable, and then what holds. changing must be held.
func (h *setHere) put(s settings) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if len(text) >= maxSettingsFile {
		return conflict("too-many", "There is too much in the settings.", fmt.Sprintf("settings.json has at most %d bytes.", maxSettingsFile), "Remove a channel or a feed first.")
	}
	if _, err := parseSettings(text); err != nil { // never anything that the next start would refuse
		return badInput("This cannot be set.", err.Error()+".", "Correct it.")
	}
	if err := h.at.write(settingsPath(h.at.dir), append(bytes.Clone(text), '\n')); err != nil {
		return fmt.Errorf("keeping the settings: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = s
	return nil
}

// pinned refuses to change what the operator's file says.
func pinned(what string) error {
	return conflict("pinned", what+" is set in the configuration file, and cannot be changed here.", "The operator pinned it there.", "Change it in config.yaml and start the node again, or take it out there first.")
}

// with gives the list with one more, or with one in the place of that of its name.
func with[T any](list []T, one T, name func(T) string) []T {
	out := slices.Clone(list)
	if i := slices.IndexFunc(out, func(x T) bool { return name(x) == name(one) }); i >= 0 {
		out[i] = one
		return out
	}
	return append(out, one)
}
