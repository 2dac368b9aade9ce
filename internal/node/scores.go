package node

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entente/internal/intel"
	"entente/stix"

	"github.com/google/uuid"
)

// falsePositives is what the import is called in which statements of false positives are.
const falsePositives = "false positives"

// maxStatedNote bounds what is said of a false positive, in characters.
const maxStatedNote = 2000

// opinionSpace is the namespace of the ids of our statements: one for each party and
// indicator.
var opinionSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("entente/false-positive/v1"))

// GuardSources tells the score of each source, the lowest first.
func (n *Node) GuardSources(ctx context.Context) (*GuardSourcesResponse, error) {
	behind, err := n.upToDate(ctx)
	if err != nil {
		return nil, err
	}
	all, err := n.intel.Sources(ctx)
	if err != nil {
		return nil, err
	}
	res := &GuardSourcesResponse{Sources: []GuardSource{}, Behind: behind}
	disputes, err := n.disputes(ctx, maxDisputes)
	if err != nil {
		return nil, err
	}
	disputed := map[string]map[string]bool{}
	for _, d := range disputes {
		if disputed[d.Source] == nil {
			disputed[d.Source] = map[string]bool{}
		}
		disputed[d.Source][d.Indicator] = true
	}
	for _, s := range all {
		v := n.sourceView(s)
		v.Disputed = int64(len(disputed[v.Source]))
		res.Sources = append(res.Sources, v)
	}
	slices.SortStableFunc(res.Sources, func(a, b GuardSource) int {
		return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(b.False, a.False), cmp.Compare(a.Source, b.Source))
	})
	return res, nil
}

func (n *Node) sourceView(s intel.SourceCount) GuardSource {
	v := GuardSource{Source: n.sourceName(s.Source), Given: s.Given, False: s.False, Score: s.Score()}
	if v.Source != s.Source {
		v.Party = s.Source
	}
	return v
}

// FalsePositive states that an indicator is a false positive: a STIX opinion that strongly
// disagrees with it, imported here, which can be shared like any object. The indicator is
// taken from sensors, and counts against its source. Retract takes the statement back.
func (n *Node) FalsePositive(ctx context.Context, r FalsePositiveRequest) (*FalsePositiveResponse, error) {
	if r.Sighting != "" {
		of, err := n.sightingOf(r.Sighting)
		if err != nil {
			return nil, err
		}
		if r.ID != "" && r.ID != of {
			return nil, badInput("The sighting is of another indicator.", "It is of "+of+".", "Name the sighting alone.")
		}
		r.ID = of
	}
	if stix.IDType(r.ID) != "indicator" || !utf8.ValidString(r.Note) || utf8.RuneCountInString(r.Note) > maxStatedNote {
		return nil, badInput("No indicator is named, or the note is too long.", fmt.Sprintf("An indicator's id is needed, and a note has at most %d characters.", maxStatedNote), "Look the id up with 'entente search'.")
	}
	var sources []string
	tlp := stix.TLPNone
	for f, err := range n.intel.Select(ctx, intel.Query{ID: r.ID}) {
		if err != nil {
			return nil, queryError(err)
		}
		tlp = max(tlp, f.Effective)
		if len(f.Provenance) > 0 && !slices.Contains(sources, f.Provenance[0].Source) {
			sources = append(sources, f.Provenance[0].Source)
		}
	}
	if len(sources) == 0 {
		return nil, notFound(fmt.Sprintf("No accepted object has the id %.80q.", r.ID), "Look it up with 'entente search'.")
	}
	id := n.opinionOn(r.ID)
	res := &FalsePositiveResponse{ID: r.ID, Opinion: id, Sources: []GuardSource{}}
	raw, err := n.intel.NewestHere(ctx, id)
	if err != nil {
		return nil, err
	}
	now := n.now().UTC().Truncate(time.Millisecond)
	created, standing := now, false
	if raw != nil {
		old, err := stix.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("the statement that is here cannot be read: %w", err)
		}
		created, standing = old.Created.Time, !old.Revoked
		if !now.After(old.Modified.Time) {
			now = old.Modified.Time.Truncate(time.Millisecond).Add(time.Millisecond)
		}
	}
	switch {
	case r.Retract && !standing:
		return nil, notFound("Nothing was stated here of this indicator that could be taken back.", "Statements that came with an import are taken back by who made them.")
	case !r.Retract && standing:
		res.Known = true
	default:
		if err := n.state(ctx, r, id, created, now, tlp); err != nil {
			return nil, err
		}
	}
	if _, err := n.upToDate(ctx); err != nil {
		return nil, err
	}
	if r.Tell {
		if res.Told, err = n.tellOriginators(ctx, r, id); err != nil {
			return nil, err
		}
	}
	all, err := n.intel.Sources(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if slices.Contains(sources, s.Source) {
			res.Sources = append(res.Sources, n.sourceView(s))
		}
	}
	return res, nil
}

// opinionOn is the id of this party's statement about an indicator, whether there is one or not.
func (n *Node) opinionOn(indicator string) string {
	return "opinion--" + uuid.NewSHA1(opinionSpace, []byte(string(n.keys().party)+" "+indicator)).String()
}

// ownStatement is the id of this party's statement that an indicator is a false positive; "" if none stands.
func (n *Node) ownStatement(ctx context.Context, indicator string) (string, error) {
	id := n.opinionOn(indicator)
	raw, err := n.intel.NewestHere(ctx, id)
	if err != nil || raw == nil || isRevoked(raw) {
		return "", err
	}
	return id, nil
}

// state imports a statement; it is marked as strictly as what it speaks of.
func (n *Node) state(ctx context.Context, r FalsePositiveRequest, id string, created, modified time.Time, tlp stix.TLP) error {
	const form = "2006-01-02T15:04:05.000Z"
	o := map[string]any{"type": "opinion", "spec_version": "2.1", "id": id, "created": created.UTC().Format(form), "modified": modified.UTC().Format(form),
		"opinion": "strongly-disagree", "object_refs": []string{r.ID}}
	if r.Note != "" {
		o["explanation"] = r.Note
	}
	if r.Retract {
		o["revoked"] = true
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	rep, err := n.intel.Import(ctx, strings.NewReader(string(text)), intel.Source{Name: falsePositives, Statement: tlp}, intel.Options{})
	if err == nil && rep.BadCount > 0 {
		err = fmt.Errorf("the statement was not taken in: %s", rep.Bad[0].Reason)
	}
	return err
}
