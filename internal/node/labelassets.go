package node

import (
	"entente/internal/lang"
	"entente/internal/watch/asset"
)

// AssetKinds are the kinds of assets that have words in all languages.
func AssetKinds() []string { return asset.Kinds() }

// AssetKindText is the kind of an asset in words, or as it is where it is a word of the party's own.
func AssetKindText(c *lang.Catalog, kind string) string { return kindText(c, kind) }

func (v *AssetView) label(c *lang.Catalog) { v.Labels = Labels{"kind": kindText(c, v.Kind)} }

func (v *FindingView) label(c *lang.Catalog) {
	v.Labels = Labels{"of": c.Code("asset-finding", v.Of), "why": FindingWhyText(c, v.Of, v.Why)}
}

// FindingWhyText says in words how a name looks like an asset's, or in which role the asset stands in the record.
func FindingWhyText(c *lang.Catalog, of, why string) string {
	family := "record-role"
	if of == asset.Lookalike {
		family = "lookalike"
	}
	if !c.Has(family + "." + why) {
		return why
	}
	return c.Code(family, why)
}

// DraftReasonText says in one line why the node drafted something, and how it chose to whom.
func DraftReasonText(c *lang.Catalog, w *DraftReason) string {
	key := "why"
	if w.Window != "" {
		key = "why-window"
	}
	return c.Text("alarm."+key, "of", c.Code("asset-finding", w.Of), "asset", w.Asset, "value", w.Value, "by", c.Code("chosen", w.By), "window", w.Window)
}
