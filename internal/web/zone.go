package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/node"
)

// zoneCookie holds the zone of the reader's browser and its offset, which a script puts there. It says nothing about anybody.
const zoneCookie = "entente-zone"

// maxZoneCookie bounds what a browser may say about its zone, in bytes.
const maxZoneCookie = 200

// readerZone is the zone in which instants are told to a reader. It has a name that a form can send back: an IANA name
// or an offset.
type readerZone struct {
	Name string
	at   *time.Location
}

// zoneOf is the zone that an officer chose, else that of the browser, else that of the node. A choice that this machine
// does not know (its data of zones is older than the one it was made with) counts as none.
func (h *handler) zoneOf(r *http.Request, g node.Grant) readerZone {
	if z, ok := zoneNamed(g.Zone); ok {
		return z
	}
	if z, ok := browserZone(r); ok {
		return z
	}
	now := h.Clock()
	return readerZone{offsetOf(now), now.Location()}
}

func zoneNamed(name string) (readerZone, bool) {
	loc, err := accord.Zone(name)
	return readerZone{name, loc}, err == nil
}

// browserZone is the zone that a browser is in. Where this machine does not know it by name, the offset that the browser
// has at the time stands in for it.
func browserZone(r *http.Request) (readerZone, bool) {
	c, err := r.Cookie(zoneCookie)
	if err != nil || len(c.Value) > maxZoneCookie {
		return readerZone{}, false
	}
	said, err := url.QueryUnescape(c.Value)
	if err != nil {
		return readerZone{}, false
	}
	name, offset, _ := strings.Cut(said, " ")
	if z, ok := zoneNamed(name); ok {
		return z, true
	}
	return zoneNamed(offset)
}

// offsetOf is the offset of a time from UTC, as forms send it.
func offsetOf(t time.Time) string { return t.Format("-07:00") }

// startOf is the beginning of a day in a zone, some days later; the zero time where none was typed.
func startOf(typed string, later int, in readerZone) (time.Time, error) {
	if typed == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, typed)
	if err != nil {
		return day, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: fmt.Sprintf("%.40q is no day.", typed), Why: "A day is written as 2026-01-31.", Next: "Go back, and choose one."}
	}
	return accord.DayStart(day.AddDate(0, 0, later), in.at), nil
}

// typedTime reads a time with its zone: an offset in it, or an offset or the name of a zone beside it. Beside a name the
// offset is the one that holds there at that time. Where the clocks are changed a time can be there twice, or not at all;
// then an offset has to say which is meant.
func typedTime(s, zone string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if zone == "" {
		zone = "Z"
	}
	in, err := accord.Zone(zone)
	if err != nil {
		return time.Time{}, err
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return accord.DayStart(day, in), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		clock, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		switch at := accord.Instants(clock, in); len(at) {
		case 0:
			return time.Time{}, fmt.Errorf("there is no %s in %s, where the clocks are put forward over it: choose another time, or write an offset instead of the zone", clock.Format("2006-01-02 15:04"), zone)
		case 1:
			return at[0], nil
		default:
			return time.Time{}, fmt.Errorf("%s is there twice in %s, where the clocks are put back over it: write %s or %s instead of the zone", clock.Format("2006-01-02 15:04"), zone, offsetOf(at[0]), offsetOf(at[1]))
		}
	}
	return time.Time{}, fmt.Errorf("%.100q is no time: write 2026-01-31T09:30, and beside it a zone such as Europe/Paris or an offset from UTC such as +01:00", s)
}
