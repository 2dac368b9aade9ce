package asset

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"entente/internal/observable"
	"entente/internal/watch/lookalike"
	"entente/internal/watch/record"
)

// maxPlaces bounds what of one record is looked at.
const maxPlaces = 64

// Set tells what concerns assets. It does not change and may be used by many goroutines.
type Set struct {
	list     []Asset
	names    map[string]int
	prefixes map[netip.Prefix]int
	bits     []int // lengths of the prefixes, the longest first
	look     *lookalike.Set
}

// NewSet makes a set. The error is [ErrBad].
func NewSet(list []Asset) (*Set, error) {
	list, err := CleanAll(list)
	if err != nil {
		return nil, err
	}
	s := &Set{list: list, names: map[string]int{}, prefixes: map[netip.Prefix]int{}}
	var alike []lookalike.Asset
	for i, a := range list {
		alike = append(alike, lookalike.Asset{ID: a.ID, Names: a.Names})
		for _, name := range a.Names {
			if _, has := s.names[name]; !has {
				s.names[name] = i
			}
		}
		for _, text := range a.Prefixes {
			p, err := Prefix(text)
			if err != nil {
				return nil, err
			}
			if _, has := s.prefixes[p]; !has {
				s.prefixes[p] = i
				if !slices.Contains(s.bits, p.Bits()) {
					s.bits = append(s.bits, p.Bits())
				}
			}
		}
	}
	slices.SortFunc(s.bits, func(a, b int) int { return b - a })
	if s.look, err = lookalike.New(alike, nil); err != nil {
		return nil, err
	}
	return s, nil
}

// Assets lists the assets.
func (s *Set) Assets() []Asset { return s.list }

// Place is where something of an asset stands.
type Place struct {
	Asset string // its id
	At    string // the name or the prefix of the asset
	Role  record.Role
}

// Name finds the asset that a domain belongs to.
func (s *Set) Name(domain string) (Place, bool) {
	for rest := domain; ; {
		if i, ok := s.names[rest]; ok {
			return Place{Asset: s.list[i].ID, At: rest}, true
		}
		_, above, ok := strings.Cut(rest, ".")
		if !ok {
			return Place{}, false
		}
		rest = above
	}
}

// Addr finds the asset that an address belongs to, the one with the longest prefix.
func (s *Set) Addr(a netip.Addr) (Place, bool) {
	a = a.WithZone("").Unmap()
	for _, bits := range s.bits {
		if p, err := a.Prefix(bits); err == nil {
			if i, ok := s.prefixes[p]; ok {
				return Place{Asset: s.list[i].ID, At: p.String()}, true
			}
		}
	}
	return Place{}, false
}

// Concerns lists the assets that a record has something of, each once, but for what stands in the fields of but: what
// an indicator itself names is not what is attacked.
func (s *Set) Concerns(r *record.Record, but []record.Field) []Place {
	var out []Place
	s.places(r, func(p Place, f record.Field, host bool) {
		named := slices.ContainsFunc(but, func(x record.Field) bool { return x.Text == f.Text && (host || x.Path == f.Path) })
		if !named && !slices.ContainsFunc(out, func(x Place) bool { return x.Asset == p.Asset }) {
			out = append(out, p)
		}
	})
	return out
}

// places lists what of a record belongs to assets, with the field that it stands in, or that stands for the machine of the record.
func (s *Set) places(r *record.Record, each func(p Place, f record.Field, host bool)) {
	add := func(p Place, ok bool, f record.Field, host bool) {
		if p.Role = f.Role; ok {
			each(p, f, host)
		}
	}
	for i, f := range r.Fields {
		if i == maxPlaces {
			break
		}
		if f.Role == record.Referrer || f.Role == record.Agent {
			continue
		}
		if a, ok := address(f); ok {
			p, ok := s.Addr(a)
			add(p, ok, f, false)
		} else if name, ok := Domain(f); ok {
			p, ok := s.Name(name)
			add(p, ok, f, false)
		}
	}
	if r.Host == "" {
		return
	}
	host := record.Field{Role: record.Source, Type: observable.IPv6, Text: r.Host}
	if a, err := netip.ParseAddr(r.Host); err == nil {
		p, ok := s.Addr(a)
		add(p, ok, host, true)
	} else if v, err := observable.New(observable.Domain, r.Host); err == nil {
		host.Type = observable.Domain
		p, ok := s.Name(v.Text)
		add(p, ok, host, true)
	}
}

func address(f record.Field) (netip.Addr, bool) {
	switch f.Type {
	case observable.IPv4, observable.IPv6, observable.Domain, "":
		a, err := netip.ParseAddr(f.Text)
		return a.WithZone("").Unmap(), err == nil
	}
	return netip.Addr{}, false
}

// Domain is the canonical domain in a field: a name, or the host of a URL or of an e-mail address.
func Domain(f record.Field) (string, bool) {
	text := f.Text
	switch f.Type {
	case observable.Domain:
	case observable.URL:
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return "", false
		}
		text = u.Hostname()
	case observable.Email:
		_, after, ok := strings.Cut(text, "@")
		if !ok {
			return "", false
		}
		text = strings.TrimSuffix(after, ">")
	default:
		return "", false
	}
	v, err := observable.New(observable.Domain, text)
	return v.Text, err == nil
}

// Foreign lists the public addresses of a record that belong to nobody here: first those of the fields of hit, then those that opened
// connections, stand in answers, and were connected to; of a question that is who answers questions, and does not count. own are networks of this
// party. There are at most four.
func (s *Set) Foreign(r *record.Record, hit []record.Field, own []netip.Prefix) []netip.Addr {
	var out []netip.Addr
	add := func(f record.Field) {
		a, ok := address(f)
		if !ok || len(out) == 4 || slices.Contains(out, a) || !a.IsGlobalUnicast() || a.IsPrivate() || slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return
		}
		if _, ours := s.Addr(a); !ours {
			out = append(out, a)
		}
	}
	for _, f := range hit {
		add(f)
	}
	for _, role := range []record.Role{record.Source, record.Answer, record.Destination} {
		if role == record.Destination && slices.ContainsFunc(r.Fields, func(f record.Field) bool { return f.Role == record.Query }) {
			break
		}
		for i, f := range r.Fields {
			if i < maxPlaces && f.Role == role {
				add(f)
			}
		}
	}
	return out
}

// Lookalikes adds what a domain looks like to dst.
func (s *Set) Lookalikes(dst []lookalike.Finding, domain string) []lookalike.Finding {
	return s.look.Find(dst, domain)
}
