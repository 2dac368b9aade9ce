package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"entente/internal/accord"
	"entente/internal/watch/asset"
	"entente/journal"
)

const (
	// maxAreas is the most countries, and the most networks, that one partner answers for.
	maxAreas = 1000
	// maxAssetPartners is the most partners that something is said of.
	maxAssetPartners = 1000
)

// assets is assets.json: what is protected, and who answers for what. It is in backups, and in no journal.
type assets struct {
	mu   sync.Mutex
	read bool
	now  assetFile  // never changed in place
	set  *asset.Set // of it
	mark string     // another one after each change
}

type assetFile struct {
	Assets   []asset.Asset `json:"assets"` // by id
	Partners []areaOf      `json:"partners,omitempty"`
}

// areaOf is what a partner answers for.
type areaOf struct {
	Unit      journal.UnitID  `json:"unit"`
	Party     journal.PartyID `json:"party"`
	Countries []string        `json:"countries,omitempty"`
	Networks  []string        `json:"networks,omitempty"`
}

func (l layout) assets() string { return filepath.Join(l.dir, "assets.json") }

// withAssets runs f with what is protected.
func (n *Node) withAssets(f func(*assets) error) error {
	a := &n.assets
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.read {
		file, err := readAssets(n.at)
		if err != nil {
			return err
		}
		if err := a.take(file); err != nil {
			return err
		}
	}
	return f(a)
}

func readAssets(at layout) (assetFile, error) {
	var file assetFile
	if _, err := at.readJSON(at.assets(), &file); err != nil {
		return file, err
	}
	_, err := asset.CleanAll(file.Assets)
	return file, err
}

func (a *assets) take(file assetFile) error {
	set, err := asset.NewSet(file.Assets)
	if err != nil {
		return err
	}
	a.now, a.set, a.read = file, set, true
	a.mark = asset.Mark(file.Assets)
	return nil
}

// assetsNow is what is protected now, and the mark of it.
func (n *Node) assetsNow() (file assetFile, set *asset.Set, mark string, err error) {
	err = n.withAssets(func(a *assets) error {
		file, set, mark = a.now, a.set, a.mark
		return nil
	})
	return file, set, mark, err
}

// changeAssets makes a change durable, and then what holds.
func (n *Node) changeAssets(dry bool, change func(assetFile) (assetFile, error)) error {
	return n.withAssets(func(a *assets) error {
		file, err := change(a.now)
		if err != nil {
			return err
		}
		next := &assets{}
		if err := next.take(file); err != nil {
			if errors.Is(err, asset.ErrBad) {
				return badAsset(err)
			}
			return err
		}
		if dry {
			return nil
		}
		if err := n.at.writeJSON(n.at.assets(), file); err != nil {
			return fmt.Errorf("keeping the assets: %w", err)
		}
		n.watched.changed()
		return a.take(file)
	})
}

func badAsset(err error) error {
	return badInput("This cannot be protected as it is written.", strings.TrimPrefix(err.Error(), "asset: ")+".", "Correct it; 'entente asset add --help' has examples.")
}

func noAsset(id string) error {
	return notFound(fmt.Sprintf("There is no asset %.60q.", id), "List them with 'entente asset list'.")
}

// AddAssets adds what is to be protected.
func (n *Node) AddAssets(_ context.Context, r AssetAddRequest) (*AssetAddResponse, error) {
	if len(r.Assets) == 0 || len(r.Assets) > asset.MaxAssets {
		return nil, badInput("No asset is named, or too many.", fmt.Sprintf("1 to %d are needed.", asset.MaxAssets), "Name some.")
	}
	res := &AssetAddResponse{Added: []AssetView{}, DryRun: r.DryRun}
	err := n.changeAssets(r.DryRun, func(file assetFile) (assetFile, error) {
		list := slices.Clone(file.Assets)
		fresh := map[string]bool{}
		for _, v := range r.Assets {
			a, err := n.assetOf(v)
			if err != nil {
				return file, err
			}
			if fresh[a.ID] {
				return file, badInput("The asset "+a.ID+" is named twice.", "An id names one asset.", "Give each an id of its own.")
			}
			fresh[a.ID] = true
			if i := slices.IndexFunc(list, func(x asset.Asset) bool { return x.ID == a.ID }); i >= 0 {
				if !r.Replace {
					return file, conflict("exists", "There is an asset "+a.ID+" already.", "It would be replaced.", "Give replace (--replace), or choose another id.")
				}
				list[i] = a
				res.Replaced = append(res.Replaced, a.ID)
			} else {
				list = append(list, a)
			}
			res.Added = append(res.Added, n.assetView(a))
		}
		slices.SortFunc(list, func(a, b asset.Asset) int { return cmp.Compare(a.ID, b.ID) })
		res.Total = len(list)
		file.Assets = list
		return file, nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// assetOf reads an asset as somebody gave it. A unit of a window may be named by its name.
func (n *Node) assetOf(v AssetView) (asset.Asset, error) {
	a := asset.Asset{ID: v.ID, Title: strings.TrimSpace(v.Title), Owner: strings.TrimSpace(v.Owner), Kind: v.Kind, Names: eachOf(v.Names), Prefixes: eachOf(v.Prefixes)}
	for _, w := range v.Windows {
		x := asset.Window{Name: w.Name, Unit: w.Unit, Clause: w.Clause, From: w.From, To: w.To}
		if w.Unit != "" || w.Clause != "" {
			l, err := n.findUnit(w.Unit)
			if err != nil {
				return a, err
			}
			x.Unit, x.From, x.To = string(l.id), time.Time{}, time.Time{}
			if _, ok := l.election(w.Clause); !ok {
				return a, notFound(fmt.Sprintf("The accord in force has no election window %.60q.", w.Clause), "See its clauses with 'entente accord show', or give own dates.")
			}
		}
		a.Windows = append(a.Windows, x)
	}
	a, err := asset.Clean(a)
	if err != nil {
		return a, badAsset(err)
	}
	return a, nil
}

// election finds an election window of the accord in force.
func (l *ledger) election(clause string) (accord.Election, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	doc, _ := l.fold.InForce()
	if doc == nil {
		return accord.Election{}, false
	}
	i := slices.IndexFunc(doc.Elections, func(e accord.Election) bool { return e.ID == clause })
	if i < 0 {
		return accord.Election{}, false
	}
	return doc.Elections[i], true
}

// window resolves a window: its dates, and whether there is one.
func (n *Node) window(w asset.Window) (asset.Window, bool) {
	if w.Unit == "" {
		return w, true
	}
	l := n.ledger(journal.UnitID(w.Unit))
	if l == nil {
		return w, false
	}
	e, ok := l.election(w.Clause)
	if !ok {
		return w, false
	}
	from, err1 := time.Parse(time.RFC3339, e.From)
	to, err2 := time.Parse(time.RFC3339, e.To)
	w.From, w.To, w.Name = from.UTC(), to.UTC(), cmp.Or(w.Name, e.Name)
	return w, err1 == nil && err2 == nil
}

// openWindow is the window of an asset that is open at a time; "" if none is.
func (n *Node) openWindow(a asset.Asset, at time.Time) (name string, open bool) {
	for _, w := range a.Windows {
		if w, ok := n.window(w); ok && !at.Before(w.From) && at.Before(w.To) {
			return cmp.Or(w.Name, w.Clause, w.From.Format(time.DateOnly)), true
		}
	}
	return "", false
}

func (n *Node) assetView(a asset.Asset) AssetView {
	v := AssetView{ID: a.ID, Title: a.Title, Owner: a.Owner, Kind: a.Kind, Names: a.Names, Prefixes: a.Prefixes}
	now := n.now()
	for _, w := range a.Windows {
		r, ok := n.window(w)
		v.Windows = append(v.Windows, AssetWindow{Name: r.Name, Unit: r.Unit, Clause: r.Clause, From: r.From, To: r.To, Open: ok && !now.Before(r.From) && now.Before(r.To), Absent: !ok})
	}
	return v
}

// Assets lists what is protected, and who answers for which countries and networks.
func (n *Node) Assets(_ context.Context, r AssetListRequest) (*AssetListResponse, error) {
	file, _, _, err := n.assetsNow()
	if err != nil {
		return nil, err
	}
	res := &AssetListResponse{Assets: []AssetView{}, Partners: []AssetPartner{}, Database: n.geo.view(n.opts.FS, n.config.Watch.Databases, n.now())}
	for _, a := range file.Assets {
		if (r.Kind == "" || a.Kind == r.Kind) && (r.Owner == "" || a.Owner == r.Owner) {
			res.Assets = append(res.Assets, n.assetView(a))
		}
	}
	for _, p := range file.Partners {
		res.Partners = append(res.Partners, n.partnerView(p))
	}
	return res, nil
}

func (n *Node) partnerView(p areaOf) AssetPartner {
	v := AssetPartner{Unit: string(p.Unit), Party: string(p.Party), Countries: p.Countries, Networks: p.Networks}
	if l := n.ledger(p.Unit); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		v.UnitName, v.Name = l.name(), l.partyName(p.Party)
	}
	return v
}

// Asset shows one asset, with what was found about it.
func (n *Node) Asset(ctx context.Context, r AssetShowRequest) (*AssetShowResponse, error) {
	file, _, _, err := n.assetsNow()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(file.Assets, func(a asset.Asset) bool { return a.ID == r.ID })
	if i < 0 {
		return nil, noAsset(r.ID)
	}
	list, err := n.Findings(ctx, FindingListRequest{Asset: r.ID})
	if err != nil {
		return nil, err
	}
	return &AssetShowResponse{Asset: n.assetView(file.Assets[i]), Findings: list.Findings, Total: list.Total}, nil
}

// RemoveAsset ends the protection of an asset.
func (n *Node) RemoveAsset(_ context.Context, r AssetRemoveRequest) (*AssetRemoveResponse, error) {
	res := &AssetRemoveResponse{DryRun: r.DryRun}
	err := n.changeAssets(r.DryRun, func(file assetFile) (assetFile, error) {
		i := slices.IndexFunc(file.Assets, func(a asset.Asset) bool { return a.ID == r.ID })
		if i < 0 {
			return file, noAsset(r.ID)
		}
		res.Asset = n.assetView(file.Assets[i])
		file.Assets = slices.Delete(slices.Clone(file.Assets), i, i+1)
		return file, nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// SetAssetPartner says for which countries and networks a partner answers.
func (n *Node) SetAssetPartner(_ context.Context, r AssetPartnerRequest) (*AssetPartnerResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	party, err := l.findParty(r.Party)
	if err != nil {
		return nil, err
	}
	if party == n.keys().party {
		return nil, badInput("That is this party itself.", "Attacks are told to others.", "Name another member.")
	}
	area := areaOf{Unit: l.id, Party: party}
	for _, c := range eachOf(r.Countries) {
		c = strings.ToUpper(c)
		if len(c) != 2 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return nil, badInput(fmt.Sprintf("%.60q is no country.", c), "Countries are named by the two letters of ISO 3166-1.", "Give for instance FR.")
		}
		area.Countries = append(area.Countries, c)
	}
	for _, text := range eachOf(r.Networks) {
		if as, ok := systemNumber(text); ok {
			area.Networks = append(area.Networks, "AS"+as)
			continue
		}
		p, err := asset.Prefix(text)
		if err != nil {
			return nil, badInput("A network cannot be read.", err.Error()+", nor the number of an autonomous system.", "Give for instance 203.0.113.0/24 or AS64500.")
		}
		area.Networks = append(area.Networks, p.String())
	}
	slices.Sort(area.Countries)
	slices.Sort(area.Networks)
	area.Countries, area.Networks = slices.Compact(area.Countries), slices.Compact(area.Networks)
	if len(area.Countries) > maxAreas || len(area.Networks) > maxAreas {
		return nil, badInput("There are too many countries or networks.", fmt.Sprintf("A partner answers for at most %d of each.", maxAreas), "Name larger blocks, or countries.")
	}
	res := &AssetPartnerResponse{Partner: n.partnerView(area), DryRun: r.DryRun, Removed: len(area.Countries)+len(area.Networks) == 0}
	err = n.changeAssets(r.DryRun, func(file assetFile) (assetFile, error) {
		list := slices.DeleteFunc(slices.Clone(file.Partners), func(p areaOf) bool { return p.Unit == area.Unit && p.Party == area.Party })
		if !res.Removed {
			if len(list) >= maxAssetPartners {
				return file, conflict("too-many", "Something is said of too many partners.", fmt.Sprintf("At most %d are kept.", maxAssetPartners), "Take some back first.")
			}
			list = append(list, area)
		}
		file.Partners = list
		return file, nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// systemNumber reads the number of an autonomous system, such as AS64500.
func systemNumber(text string) (string, bool) {
	digits, ok := strings.CutPrefix(strings.ToUpper(text), "AS")
	if !ok || digits == "" || len(digits) > 10 || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	digits = strings.TrimLeft(digits, "0")
	return digits, digits != ""
}

// covers tells how well a partner answers for an address: by network, system or country, and which.
func (p *areaOf) covers(a netip.Addr, country, system string) (by, what string, rank int) {
	for _, text := range p.Networks {
		if as, ok := systemNumber(text); ok {
			if as == system && rank < 2 {
				by, what, rank = byPartnerSystem, text, 2
			}
		} else if net, err := netip.ParsePrefix(text); err == nil && a.IsValid() && net.Contains(a) && rank < 3+net.Bits() {
			by, what, rank = byPartnerNetwork, text, 3+net.Bits()
		}
	}
	if rank == 0 && country != "" && slices.Contains(p.Countries, country) {
		by, what, rank = byPartnerCountry, country, 1
	}
	return by, what, rank
}

// ParseAssetWindow reads a window as people write it: "FROM/TO NAME", the times in RFC 3339, or "UNIT#CLAUSE".
func ParseAssetWindow(text string) (AssetWindow, error) {
	bad := badInput(fmt.Sprintf("%.100q is no window.", text), "A window is written FROM/TO NAME, with times in RFC 3339, or UNIT#CLAUSE for one of an accord.",
		"Give for instance '2026-11-01T00:00:00Z/2026-11-04T00:00:00Z general election'.")
	text = strings.TrimSpace(text)
	if unit, clause, ok := strings.Cut(text, "#"); ok && !strings.Contains(unit, "/") {
		if unit == "" || clause == "" {
			return AssetWindow{}, bad
		}
		return AssetWindow{Unit: unit, Clause: clause}, nil
	}
	dates, name, _ := strings.Cut(text, " ")
	from, to, ok := strings.Cut(dates, "/")
	if !ok {
		return AssetWindow{}, bad
	}
	begin, err1 := time.Parse(time.RFC3339, from)
	end, err2 := time.Parse(time.RFC3339, to)
	if err := errors.Join(err1, err2); err != nil {
		bad.Err = err
		return AssetWindow{}, bad
	}
	return AssetWindow{Name: strings.TrimSpace(name), From: begin, To: end}, nil
}

// Text writes a window as ParseAssetWindow reads it.
func (w AssetWindow) Text() string {
	if w.Unit != "" {
		return w.Unit + "#" + w.Clause
	}
	return strings.TrimSpace(w.From.Format(time.RFC3339) + "/" + w.To.Format(time.RFC3339) + " " + w.Name)
}
