package node

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"entente/misp"
	"entente/stix"
)

// withdrawn gives a revoking version of each indicator that an earlier state of the event
// gave and that the event wants no more: its attribute, or all of its object, is not for
// detection now. The attribute itself is still there, so nothing else would say so.
func (n *Node) withdrawn(ctx context.Context, e *misp.Event, now *misp.Bundle) ([][]byte, error) {
	given := map[string]bool{}
	creator := ""
	for _, o := range now.Objects {
		given[o.ID] = true
		if o.ID == "report--"+strings.TrimPrefix(now.ID, "bundle--") || o.ID == "grouping--"+strings.TrimPrefix(now.ID, "bundle--") {
			creator = o.CreatedByRef
		}
	}
	var out [][]byte
	check := func(id string, stamp time.Time, stamped bool) error {
		if _, err := uuid.Parse(id); err != nil || len(id) != 36 || !stamped || given["indicator--"+strings.ToLower(id)] {
			return nil
		}
		raw, err := n.intel.NewestHere(ctx, "indicator--"+strings.ToLower(id))
		if err != nil || raw == nil {
			return err
		}
		o, err := stix.Parse(raw)
		if err != nil || o.Revoked || o.CreatedByRef != creator || !stamp.After(o.Modified.Time) {
			return err
		}
		if raw, err = revoking(raw, stamp); err == nil {
			out = append(out, raw)
		}
		return err
	}
	for a := range e.AllAttributes() {
		if a.ToIDS() {
			continue
		}
		stamp, ok := a.Timestamp()
		if err := check(a.UUID(), stamp, ok); err != nil {
			return nil, err
		}
	}
	for o := range e.Objects() {
		stamp, ok := o.Timestamp()
		detects := false
		for a := range o.Attributes() {
			detects = detects || a.ToIDS()
			if t, is := a.Timestamp(); is && t.After(stamp) {
				stamp, ok = t, true // MISP dates the attribute that was changed
			}
		}
		if detects {
			continue
		}
		if err := check(o.UUID(), stamp, ok); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// revoking gives the version of an indicator that takes it back. It has not the event's
// text in it, which is another's now.
func revoking(raw []byte, at time.Time) ([]byte, error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("revoking an indicator: %w", err)
	}
	delete(o, "extensions")
	o["revoked"] = json.RawMessage("true")
	o["modified"] = json.RawMessage(at.UTC().Format(`"2006-01-02T15:04:05.000Z"`))
	out, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("revoking an indicator: %w", err)
	}
	return out, nil
}
