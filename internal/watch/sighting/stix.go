package sighting

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/stix"
)

// STIX gives a sighting as STIX 2.1, created at a time: how often, first and last. With countOnly it says how often and
// nothing of when. Machines, fields and lines are never in it. It fails for an indicator that has no identifier of STIX.
//
// With the same secret the same indicator, machine and hour have the same identifier, so that a sighting that grew is a new
// version of itself. Without it nobody can tell a machine from an identifier by trying all addresses.
func (s *Sighting) STIX(secret []byte, at time.Time, countOnly bool) ([]byte, error) {
	if !strings.HasPrefix(s.Indicator, "indicator--") {
		return nil, fmt.Errorf("%q is no identifier of a STIX indicator", s.Indicator)
	}
	created := at.UTC()
	if !s.Hour.IsZero() && s.Hour.Before(created) {
		created = s.Hour // every version of a sighting was created at the same time
	}
	b := stix.Build("sighting").ID("sighting--"+s.ID(secret)).Set("created", created).Set("modified", at.UTC()).
		Set("sighting_of_ref", s.Indicator).Set("count", min(s.Count(), 999_999_999))
	if !countOnly && !s.First.IsZero() {
		b.Set("first_seen", s.First.UTC()).Set("last_seen", s.Last.UTC())
	}
	if level, err := stix.ParseTLP(s.TLP); err == nil && level != stix.TLPNone {
		b.Refs("object_marking_refs", level.MarkingID())
	}
	o, err := b.Object()
	if err != nil {
		return nil, fmt.Errorf("sighting of %s: %w", s.Indicator, err)
	}
	return o.Raw, nil
}

// ID is a UUID of a sighting: with the same secret the same indicator, machine and hour have the same one, however it grows.
func (s *Sighting) ID(secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s|%s|%s|%d|%t", s.Indicator, s.Value.Key(), s.Host, s.Hour.Unix(), s.Rest)
	id := uuid.UUID(mac.Sum(nil)[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // as a random one: STIX 2.1, section 2.9
	return id.String()
}

// ecs is a sighting in the names of the Elastic Common Schema 8.
type ecs struct {
	Timestamp time.Time           `json:"@timestamp"`
	ECS       map[string]string   `json:"ecs"`
	Event     ecsEvent            `json:"event"`
	Host      *ecsHost            `json:"host,omitempty"`
	Network   *ecsNetwork         `json:"network,omitempty"`
	Threat    ecsThreat           `json:"threat"`
	Related   map[string][]string `json:"related,omitempty"`
	Entente   ecsOwn              `json:"entente"`
}

type ecsEvent struct {
	ID       string     `json:"id,omitempty"` // of the message
	Kind     string     `json:"kind"`
	Category []string   `json:"category"`
	Type     []string   `json:"type"`
	Provider string     `json:"provider"`
	Start    *time.Time `json:"start,omitempty"`
	End      *time.Time `json:"end,omitempty"`
	Original string     `json:"original,omitempty"`
}

type ecsHost struct {
	Name string `json:"name,omitempty"`
	IP   string `json:"ip,omitempty"`
}

type ecsNetwork struct {
	Direction string `json:"direction"`
}

type ecsThreat struct {
	Indicator ecsIndicator `json:"indicator"`
}

type ecsIndicator struct {
	ID        []string          `json:"id"`
	Type      string            `json:"type"`
	Name      string            `json:"name"`
	IP        string            `json:"ip,omitempty"`
	URL       map[string]string `json:"url,omitempty"`
	File      any               `json:"file,omitempty"`
	Email     map[string]string `json:"email,omitempty"`
	Provider  string            `json:"provider,omitempty"`
	Marking   map[string]string `json:"marking,omitempty"`
	Sightings int64             `json:"sightings"`
	FirstSeen *time.Time        `json:"first_seen,omitempty"`
	LastSeen  *time.Time        `json:"last_seen,omitempty"`
}

type ecsOwn struct {
	Sighting   string                     `json:"sighting,omitempty"` // the same however it grows
	Lines      int64                      `json:"lines"`
	Roles      map[record.Role]int64      `json:"roles"`
	Directions map[record.Direction]int64 `json:"directions,omitempty"`
	Formats    []string                   `json:"formats"`
	Seen       []string                   `json:"seen"`
	Sample     []Line                     `json:"sample,omitempty"`
	Rest       bool                       `json:"rest,omitempty"`
}

// ECS gives a sighting as one JSON object in the names of the Elastic Common Schema, for the party's own systems: it has
// the sample of lines.
func (s *Sighting) ECS(at time.Time) ([]byte, error) { return s.ECSMessage(at, "", "") }

// ECSMessage is ECS with the id of a message, in event.id, and of the sighting, in entente.sighting.
func (s *Sighting) ECSMessage(at time.Time, message, id string) ([]byte, error) {
	e := ecs{Timestamp: at.UTC(), ECS: map[string]string{"version": "8.17.0"},
		Event:   ecsEvent{ID: message, Kind: "alert", Category: []string{"threat"}, Type: []string{"indicator"}, Provider: "entente"},
		Threat:  ecsThreat{ecsIndicator{ID: []string{s.Indicator}, Type: stixType(s.Value.Type), Name: s.Value.Text, Provider: s.Source, Sightings: s.Count()}},
		Entente: ecsOwn{Sighting: id, Lines: s.Lines, Roles: s.Roles, Directions: s.Ways, Formats: s.Formats, Seen: s.Seen, Sample: s.Sample, Rest: s.Rest},
	}
	if s.TLP != "" {
		e.Threat.Indicator.Marking = map[string]string{"tlp": strings.TrimPrefix(strings.ToUpper(s.TLP), "TLP:")}
	}
	if !s.First.IsZero() {
		e.Timestamp = s.Last.UTC()
		first, last := s.First.UTC(), s.Last.UTC()
		e.Event.Start, e.Event.End, e.Threat.Indicator.FirstSeen, e.Threat.Indicator.LastSeen = &first, &last, &first, &last
	}
	if len(s.Sample) > 0 {
		e.Event.Original = s.Sample[0].Text
	}
	if s.Host != "" {
		e.Host = &ecsHost{Name: s.Host}
		if v, ok := observable.Detect(s.Host); ok && (v.Type == observable.IPv4 || v.Type == observable.IPv6) {
			e.Host = &ecsHost{IP: v.Text}
			e.Related = map[string][]string{"ip": {v.Text}}
		}
	}
	if len(s.Ways) == 1 {
		for way := range s.Ways {
			e.Network = &ecsNetwork{Direction: string(way)}
		}
	}
	x := &e.Threat.Indicator
	switch s.Value.Type {
	case observable.IPv4, observable.IPv6:
		x.IP = s.Value.Text
	case observable.URL:
		x.URL = map[string]string{"full": s.Value.Text}
	case observable.Domain:
		x.URL = map[string]string{"domain": s.Value.Text}
	case observable.Email:
		x.Email = map[string]string{"address": s.Value.Text}
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512:
		x.File = map[string]map[string]string{"hash": {string(s.Value.Type): s.Value.Text}}
	case observable.FileName:
		x.File = map[string]string{"name": s.Value.Text}
	case observable.FilePath:
		x.File = map[string]string{"path": s.Value.Text}
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("sighting of %s as ECS: %w", s.Indicator, err)
	}
	return b, nil
}

// stixType is the type of cyber-observable that ECS names an indicator's type by.
func stixType(t observable.Type) string {
	switch t {
	case observable.Domain:
		return "domain-name"
	case observable.IPv4:
		return "ipv4-addr"
	case observable.IPv6:
		return "ipv6-addr"
	case observable.URL:
		return "url"
	case observable.Email:
		return "email-addr"
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512, observable.FileName, observable.FilePath:
		return "file"
	case observable.RegistryKey:
		return "windows-registry-key"
	case observable.MAC:
		return "mac-addr"
	case observable.Mutex:
		return "mutex"
	case observable.ASN:
		return "autonomous-system"
	case observable.Serial:
		return "x509-certificate"
	}
	return string(t)
}
