package node

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestKeys: each key is told with since when it is in use; a dry run of a rotation says what would change, needs no
// organisation key and changes nothing.
func TestKeys(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "node"), time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	began := now
	o := Options{Clock: func() time.Time { return now }}
	must[*InitResult](t)(Init(t.Context(), dir, InitOptions{Name: "North"}, o))
	n := must[*Node](t)(Open(t.Context(), dir, o))
	t.Cleanup(func() { _ = n.Close() })
	must[*UnitRef](t)(n.FoundUnit(t.Context(), UnitFoundRequest{Name: "Joint unit"}))
	org := must[[]byte](t)(os.ReadFile(filepath.Join(dir, orgKeyName)))
	since := func(kind string) (time.Time, string) {
		t.Helper()
		k := must[*KeysResponse](t)(n.Keys(t.Context()))
		i := slices.IndexFunc(k.Keys, func(k KeyView) bool { return k.Kind == kind })
		if i < 0 {
			t.Fatalf("there is no %s in %+v", kind, k.Keys)
		}
		return k.Keys[i].At, k.Keys[i].ID
	}
	now = now.AddDate(0, 1, 0)
	_, before := since(KeyNode)
	dry := must[*IdentityRotateResponse](t)(n.RotateIdentity(t.Context(), IdentityRotateRequest{What: "node", DryRun: true, Compromise: true}))
	if at, id := since(KeyNode); !dry.DryRun || dry.Version != 2 || !slices.Equal(dry.Changes, []string{KeyNode, KeyJournal}) || !slices.Equal(dry.Units, []string{"Joint unit"}) || dry.Identity.Version != 1 || len(dry.Entries) != 0 || id != before || !at.Equal(began) {
		t.Errorf("%+v, %s since %v", dry, id, at)
	}
	if _, err := n.RotateIdentity(t.Context(), IdentityRotateRequest{What: "node", DryRun: true, OrgKey: "no key"}); err == nil {
		t.Error("a dry run takes another key")
	}
	if _, err := n.RotateIdentity(t.Context(), IdentityRotateRequest{What: "courier", DryRun: true}); err == nil {
		t.Error("a key that is never rotated")
	}
	done := must[*IdentityRotateResponse](t)(n.RotateIdentity(t.Context(), IdentityRotateRequest{What: "node", OrgKey: string(org), Compromise: true}))
	if at, id := since(KeyNode); done.Version != 2 || done.Identity.Version != 2 || !slices.Equal(done.Changes, dry.Changes) || id == before || !at.Equal(now) {
		t.Errorf("%+v, %s since %v", done, id, at)
	}
	if at, _ := since(KeyTLS); !at.Equal(began) {
		t.Errorf("the TLS key is in use since %v", at)
	}
	k := must[*KeysResponse](t)(n.Keys(t.Context()))
	i := slices.IndexFunc(k.Keys, func(k KeyView) bool { return k.Kind == KeyJournal })
	if i < 0 || k.Keys[i].Unit != "Joint unit" || k.Keys[i].ID == "" || k.OrgKeyFile != filepath.Join(dir, orgKeyName) || len(k.Commands) != 3 {
		t.Errorf("%+v", k)
	}
	if _, id := since(KeyEvidence); id != "" {
		t.Errorf("a key of evidence before there is any: %s", id)
	}
	must[*ExhibitRekeyResponse](t)(n.RekeyExhibits(t.Context(), ExhibitRekeyRequest{}, nil))
	if _, id := since(KeyEvidence); id == "" {
		t.Error("no key of evidence")
	}
	if err := os.Remove(filepath.Join(dir, orgKeyName)); err != nil {
		t.Fatal(err)
	}
	if k := must[*KeysResponse](t)(n.Keys(t.Context())); k.OrgKeyFile != "" || k.Keys[0].File != "" {
		t.Errorf("%+v", k)
	}
}
