package node

import (
	"context"

	"entente/internal/notify"
)

// events is what a duty officer is told of: what of the table has a kind of notice, and shares in quarantine. The same thing
// has the same id at every look.
func (n *Node) events(ctx context.Context) ([]notify.Event, error) {
	res, needs, err := n.look(ctx, true)
	if err != nil {
		return nil, err
	}
	var out []notify.Event
	for i := range needs {
		if x := &needs[i]; x.kind != "" {
			out = append(out, x.event())
		}
	}
	if res.Objects.Quarantined > 0 {
		more, err := n.quarantined(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// event is the notice of a need.
func (x *need) event() notify.Event {
	e := notify.Event{ID: x.id, Kind: x.kind, Unit: x.Unit, Ref: x.Ref, At: x.Since, Urgency: x.Urgency, Code: x.Code, Title: x.title, Episode: x.again, Need: &x.Item}
	if x.Family() != "" {
		e.Code = x.Word
	}
	return e
}

// quarantined is one event for each share that has objects waiting for a decision; it looks at the first thousand objects.
func (n *Node) quarantined(ctx context.Context) ([]notify.Event, error) {
	list, err := n.intakePage(ctx, IntakeRequest{Limit: 1000})
	if err != nil {
		return nil, err
	}
	var out []notify.Event
	seen := map[string]bool{}
	for _, i := range list.Items {
		if i.Ref != "" && !seen[i.Ref] {
			seen[i.Ref] = true
			out = append(out, notify.Event{ID: notify.IDOf(notify.KindQuarantine, i.Ref), Kind: notify.KindQuarantine, Ref: i.Ref, At: n.now(), Urgency: "routine", Code: i.Code})
		}
	}
	return out, nil
}
