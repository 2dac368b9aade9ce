package web

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente/internal/lang"
	"entente/internal/node"
)

// inZone asks for a page as a browser that said in which zone it is.
func (v *visitor) inZone(t *testing.T, path, zone string) string {
	t.Helper()
	r := newGet(path)
	if zone != "" {
		r.AddCookie(&http.Cookie{Name: zoneCookie, Value: url.QueryEscape(zone)})
	}
	resp := v.do(r)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", path, resp.StatusCode)
	}
	return html.UnescapeString(readAll(t, resp))
}

// TestZoneOfABrowser: times are told in the zone of the browser, with the offset that holds there at the time; a zone that
// is not known is told by its offset, and what is no zone leaves that of the node. noon is at 12:00 +01:00.
func TestZoneOfABrowser(t *testing.T) {
	v := signedIn(t, story{})
	for _, x := range []struct{ cookie, made, zone string }{
		{"", "2026-03-09 12:00:00 +01:00", "+01:00"},
		{"Europe/Vienna +01:00", "2026-03-09 12:00:00 +01:00", "Europe/Vienna"},
		{"Asia/Kolkata +05:30", "2026-03-09 16:30:00 +05:30", "Asia/Kolkata"},
		{"Asia/Kathmandu +05:45", "2026-03-09 16:45:00 +05:45", "Asia/Kathmandu"},
		{"America/New_York -05:00", "2026-03-09 07:00:00 -04:00", "America/New_York"}, // since the day before
		{"Atlantis/Poseidonis -03:30", "2026-03-09 07:30:00 -03:30", "-03:30"},
		{"Local", "2026-03-09 12:00:00 +01:00", "+01:00"},
		{"../../etc/passwd", "2026-03-09 12:00:00 +01:00", "+01:00"},
		{"+99:00 +99:00", "2026-03-09 12:00:00 +01:00", "+01:00"},
		{strings.Repeat("x", 10000), "2026-03-09 12:00:00 +01:00", "+01:00"},
	} {
		body := v.inZone(t, "/", x.cookie)
		if !strings.Contains(body, "Page made "+x.made) || !strings.Contains(body, "Times in "+x.zone+" (") {
			t.Errorf("%.40q: no %q in %q", x.cookie, x.made, x.zone)
		}
	}
	// one sheet after the other, whoever it was for
	for range 3 {
		for zone, made := range map[string]string{"Asia/Kolkata": "16:30:00 +05:30", "Asia/Tokyo": "20:00:00 +09:00"} {
			if body := v.inZone(t, "/requests", zone); !strings.Contains(body, made) {
				t.Errorf("%s: not %s", zone, made)
			}
		}
	}
}

// TestZoneInEachLanguage: the offset is there in every language, and what says it.
func TestZoneInEachLanguage(t *testing.T) {
	v := signedIn(t, story{})
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		r := newGet("/requests?lang=" + tag)
		r.AddCookie(&http.Cookie{Name: zoneCookie, Value: "Asia/Kolkata"})
		body := html.UnescapeString(readAll(t, v.do(r)))
		kolkata := time.FixedZone("", 5*3600+1800)
		if want := c.Text("ui.page-made", "at", c.Time(noon.In(kolkata))); !strings.Contains(want, "+05:30") || !strings.Contains(body, want) {
			t.Errorf("%s: no %q", tag, want)
		}
		if want := c.Text("ui.times-in", "zone", "Asia/Kolkata", "offset", "+05:30"); !strings.Contains(body, want) {
			t.Errorf("%s: no %q", tag, want)
		}
	}
}

// TestZoneOfAnOfficer: what an officer chose holds in whatever browser, until they or an administrator change it; the
// browser's own is offered.
func TestZoneOfAnOfficer(t *testing.T) {
	d := newDesk(t)
	v, _ := d.setUp(t, d.invite(t, "ada"))
	if body := v.inZone(t, "/profile", "Asia/Kolkata +05:30"); !strings.Contains(body, "16:30:00 ngày 9/3/2026 (UTC+05:30)") && !strings.Contains(body, "+05:30") {
		t.Error("not in the zone of the browser")
	}
	for _, zone := range []string{"Asia/Ho_Chi_Minh", "-09:30"} {
		if resp, _ := v.post(t, "/profile/zone", url.Values{"zone": {" " + zone}}); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q: %d", zone, resp.StatusCode)
		}
		o, err := d.n.Officer(t.Context(), node.OfficerRequest{Officer: "ada"})
		if err != nil || o.Officer.Zone != zone || o.Officer.Language != "vi" {
			t.Fatalf("%+v, %v", o, err)
		}
		body := v.inZone(t, "/profile", "Asia/Kolkata +05:30")
		c, _ := lang.Known("en")
		loc, _ := zoneNamed(zone)
		if !strings.Contains(body, c.In(loc.at).Time(d.now)) || !strings.Contains(body, `<input type="hidden" name="zone" value="Asia/Kolkata">`) {
			t.Errorf("%q: the page does not tell times in it, or does not offer the browser's", zone)
		}
		if body := v.inZone(t, "/profile", zone); strings.Contains(body, `<input type="hidden" name="zone"`) {
			t.Errorf("%q is offered to who has it", zone)
		}
	}
	for _, bad := range []string{"Atlantis/Poseidonis", "Local", "+15:00", "/etc/passwd", strings.Repeat("A", 100)} {
		if resp, body := v.post(t, "/profile/zone", url.Values{"zone": {bad}}); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, bad) {
			t.Errorf("%.20q: %d", bad, resp.StatusCode)
		}
	}
	none, kolkata := "", "Asia/Kolkata"
	if _, err := d.n.OfficerReads(t.Context(), node.OfficerReadsRequest{Officer: "ada", Zone: &kolkata}); err != nil {
		t.Fatal(err)
	}
	if body := v.inZone(t, "/", ""); !strings.Contains(body, "+05:30") {
		t.Error("what an administrator set does not hold at once")
	}
	if _, err := d.n.OfficerReads(t.Context(), node.OfficerReadsRequest{Officer: "ada", Zone: &none}); err != nil {
		t.Fatal(err)
	}
	if o, err := d.n.Officer(t.Context(), node.OfficerRequest{Officer: "ada"}); err != nil || o.Officer.Zone != "" || o.Officer.Language != "vi" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := d.n.OfficerReads(t.Context(), node.OfficerReadsRequest{Officer: "ada"}); err == nil {
		t.Error("nothing was taken for a change")
	}
	lines, err := d.n.Audit(t.Context(), node.AuditListRequest{Action: "profile.zone"})
	if err != nil || len(lines.Lines) != 7 {
		t.Errorf("%d lines, %v", len(lines.Lines), err)
	}
}

// TestTypedTime: a time that was typed has the offset that its zone has then; what its clocks do not show once is refused,
// with what to write.
func TestTypedTime(t *testing.T) {
	for _, x := range []struct{ typed, zone, want string }{
		{"2026-01-31T09:30", "Europe/Vienna", "2026-01-31T09:30:00+01:00"},
		{"2026-07-31T09:30:15", "Europe/Vienna", "2026-07-31T09:30:15+02:00"},
		{"2026-07-31T09:30", "Asia/Kolkata", "2026-07-31T09:30:00+05:30"},
		{"2026-07-31T09:30", "-09:30", "2026-07-31T09:30:00-09:30"},
		{"2026-07-31T09:30", "", "2026-07-31T09:30:00Z"},
		{"2026-07-31T09:30+03:00", "Europe/Vienna", ""},
		{"2026-07-31T09:30:00+03:00", "Europe/Vienna", "2026-07-31T09:30:00+03:00"},
		{"2026-10-25T02:30", "+02:00", "2026-10-25T02:30:00+02:00"},
		{"2026-04-24", "Africa/Cairo", "2026-04-24T01:00:00+03:00"},
		{"2026-03-29T02:30", "Europe/Vienna", "no 2026-03-29 02:30"},
		{"2026-10-25T02:30", "Europe/Vienna", "write +02:00 or +01:00"},
		{"2026-10-25T02:30", "Atlantis/Poseidonis", ""},
		{"2026-10-25T02:30", "Local", ""},
		{"tomorrow", "Europe/Vienna", ""},
	} {
		got, err := typedTime(x.typed, x.zone)
		if err == nil && got.Format(time.RFC3339) != x.want || err != nil && (!strings.Contains(err.Error(), x.want) || strings.HasPrefix(x.want, "20")) {
			t.Errorf("%q in %q: %v, %v; want %q", x.typed, x.zone, got, err, x.want)
		}
	}
}

// TestZoneOfForms: a form that takes a time says in which zone, by a name that stays right when the clocks are changed.
func TestZoneOfForms(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string]string{
		"/request/new?type=incident": `name="detected.zone"`, "/drills": `name="from.zone"`, "/leak/new": `name="found.zone"`, "/statement/new": `name="embargo.zone"`,
	} {
		body := v.inZone(t, path, "Asia/Kolkata")
		i := strings.Index(body, want)
		if i < 0 {
			t.Errorf("%s has no field %s", path, want)
			continue
		}
		if field, _, _ := strings.Cut(body[i:], ">"); !strings.Contains(field, `value="Asia/Kolkata"`) {
			t.Errorf("%s: %s", path, field)
		}
	}
	for _, path := range []string{"/journal", "/intelligence"} {
		if body := v.inZone(t, path, "Asia/Kolkata"); !strings.Contains(body, "(Asia/Kolkata)</span> <input") {
			t.Errorf("%s does not say of which zone its days are", path)
		}
	}
}

// TestBytesInNoZone: what is signed or handed on is the same whatever zone its reader is in.
func TestBytesInNoZone(t *testing.T) {
	v := signedIn(t, story{})
	for _, path := range []string{"/review/file?unit=" + unitID + "&from=2026-01-01&to=2026-07-01&format=html", "/review/file?unit=" + unitID + "&from=2026-01-01&to=2026-07-01&format=json"} {
		var first string
		for _, zone := range []string{"UTC", "Asia/Kolkata", "America/New_York"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.AddCookie(&http.Cookie{Name: zoneCookie, Value: zone})
			resp := v.do(r)
			body := readAll(t, resp)
			if resp.StatusCode != http.StatusOK || body == "" {
				t.Fatalf("%s: %d", path, resp.StatusCode)
			}
			if first == "" {
				first = body
			} else if body != first {
				t.Errorf("%s is another one in %s", path, zone)
			}
		}
	}
}
