package node

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"

	"entente/internal/feed"
)

// mispEvents are the events of a MISP feed: one for each block that has something.
func (n *Node) mispEvents(f *feedState, t *feedText) []feed.MISPEvent {
	id := n.keys().id
	var out []feed.MISPEvent
	for _, p := range t.parts {
		out = append(out, feed.MISPEvent{Feed: "Entente feed " + f.spec.name, Number: p.number, Org: id.Name, OrgUUID: feed.OrgUUID(string(n.keys().party)),
			Changed: p.moved, TLP: f.spec.tlp, Entries: p.entries})
	}
	return out
}

// misp serves one file of a MISP feed.
func (h *feedHandler) misp(w http.ResponseWriter, r *http.Request, f *feedState, t *feedText, file string) {
	events := h.n.mispEvents(f, t)
	var body []byte
	var err error
	media := "application/json"
	switch file {
	case "manifest.json", "":
		body, err = feed.MISPManifest(events)
	case "hashes.csv":
		media = "text/csv; charset=utf-8; header=absent"
		body, err = h.hashes(r, f, t, events)
	default:
		for i, e := range events {
			if file != e.UUID()+".json" {
				continue
			}
			var text []byte
			if text, err = io.ReadAll(t.blocks[i].reader()); err == nil {
				body, err = e.File(text)
			}
		}
		if body == nil && err == nil {
			http.Error(w, "There is no such file in the feed; manifest.json names its events.", http.StatusNotFound)
			return
		}
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256(body))[:34] + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Type", media)
	if sameTag(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if err := h.body(r, func() error { _, err := w.Write(body); return err }); err != nil && r.Context().Err() == nil {
		h.n.opts.Log.Debug("a feed was not read to its end", "feed", f.spec.name, "err", err)
	}
}

// hashes writes hashes.csv: the MD5 of each value with the event it is in.
func (h *feedHandler) hashes(r *http.Request, f *feedState, t *feedText, events []feed.MISPEvent) ([]byte, error) {
	now := h.n.now()
	var out []byte
	for _, e := range events {
		last := ""
		for a, err := range h.n.intel.Active(r.Context(), e.Number*t.span, (e.Number+1)*t.span) {
			if err != nil {
				return nil, err
			}
			if ok, _ := f.spec.takes(&a, now); ok && !t.stand[a.Source].Low && a.Value.Key() != last {
				last = a.Value.Key()
				out = feed.MISPHash(out, a.Value.Text, e.UUID())
			}
		}
	}
	return out, nil
}
