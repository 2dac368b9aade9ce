package lang

import (
	"fmt"
	"strconv"
	"time"
)

// In is the catalog for a reader in a time zone: instants are told in it. With nil each is told in the offset it came
// with. Nothing but [Catalog.Time] depends on it.
func (c *Catalog) In(zone *time.Location) *Catalog {
	there := *c
	there.zone = zone
	return &there
}

// Time renders an instant with its offset, to the second: in the reader's zone, else in the offset it came with; "" for
// the zero time.
func (c *Catalog) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if c.zone != nil {
		t = t.In(c.zone)
	}
	y, m, d := t.Date()
	month := strconv.Itoa(int(m))
	return c.Text("time.date", "y", fmt.Sprintf("%04d", y), "mm", fmt.Sprintf("%02d", int(m)), "dd", fmt.Sprintf("%02d", d), "m", month, "d", strconv.Itoa(d),
		"month", c.month(month), "time", t.Format("15:04:05"), "offset", t.Format("-07:00"))
}

func (c *Catalog) month(n string) string {
	if text, ok := c.texts["time.month."+n]; ok {
		return text
	}
	return n
}

// Relative says how far away something is: "in 3 h 10 min", "2 d 4 h ago".
func (c *Catalog) Relative(d time.Duration) string {
	s := c.Span(d)
	switch {
	case s == "":
		return c.Text("time.now")
	case d < 0:
		return c.Text("time.ago", "span", s)
	}
	return c.Text("time.in", "span", s)
}

// Span renders the two largest units of a duration, rounded to the second of them; "" below one
// second.
func (c *Catalog) Span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d >= 24*time.Hour:
		d = d.Round(time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	}
	units := []struct {
		key  string
		size time.Duration
	}{{"time.d", 24 * time.Hour}, {"time.h", time.Hour}, {"time.min", time.Minute}, {"time.s", time.Second}}
	for i, u := range units {
		n := d / u.size
		if n == 0 {
			continue
		}
		s := c.Text(u.key, "n", int(n))
		if i+1 < len(units) {
			if rest := (d - n*u.size) / units[i+1].size; rest > 0 {
				s = c.Text("time.joint", "a", s, "b", c.Text(units[i+1].key, "n", int(rest)))
			}
		}
		return s
	}
	return ""
}
