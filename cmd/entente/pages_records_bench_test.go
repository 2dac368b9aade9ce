package main

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what apps for one-time codes use
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

// records puts into the unit one of each thing that has a page of its own, where the story has left none, and returns the addresses of
// their pages by name.
func (s *ownProcess) records(b *testing.B, c *http.Client) map[string]string {
	b.Helper()
	call := func(op string, in any) {
		b.Helper()
		if err := s.Call(b.Context(), op, in, nil); err != nil {
			b.Fatalf("%s: %v", op, err)
		}
	}
	link := func(list, pattern string) string {
		body, _ := wire(b, c, s.Pages+list)
		if m := regexp.MustCompile(`href="/(` + pattern + `\?[^"]+)"`).FindSubmatch(body); m != nil {
			return strings.ReplaceAll(string(m[1]), "&amp;", "&")
		}
		return ""
	}
	unit := "unit=" + s.unit
	out := map[string]string{}
	for _, x := range []struct {
		name, list, pattern string
		make                func()
	}{
		{"case", "cases?all=1", "case", func() {
			call("case.open", node.CaseOpenRequest{Unit: s.unit, Title: "Who wrote to the voters", TLP: "green"})
		}},
		{"commitment", "commitments?all=1", "commitment", func() {
			call("commitment.make", node.CommitmentMakeRequest{Unit: s.unit, Title: "Logs are kept for a year", Due: time.Now().AddDate(0, 1, 0)})
		}},
		{"leak", "leaks?all=1", "leak", func() {
			about, err := url.ParseQuery(strings.SplitN(link("requests?state=all&"+unit, "request"), "?", 2)[1])
			if err != nil {
				b.Fatal(err)
			}
			call("leak.report", node.LeakReportRequest{Unit: s.unit, About: about.Get("id"), Found: time.Now().Add(-time.Hour), Text: "in a forum"})
		}},
		{"review", "reviews", "review", nil},
		{"statement", "statements?all=1", "statement", nil},
		{"call", "hotline?state=all", "call", nil},
		{"tie", "object?id=" + broadMiddle, "case/tie", nil},
	} {
		at := link(x.list, x.pattern)
		if at == "" && x.make != nil {
			x.make()
			at = link(x.list, x.pattern)
		}
		if at == "" {
			b.Fatalf("/%s leads to no %s", x.list, x.name)
		}
		out[x.name] = at
	}
	var exhibit node.ExhibitAddResponse
	if err := s.Long(b.Context(), "exhibit.attach", node.ExhibitAttachRequest{Unit: s.unit, Name: "mail.eml", TLP: "green"}, strings.NewReader(strings.Repeat("Received: from nowhere\n", 100)), nil, &exhibit); err != nil {
		b.Fatal(err)
	}
	out["exhibit"] = "exhibit?" + url.Values{"unit": {s.unit}, "id": {exhibit.Exhibit.ID}}.Encode()
	out["fork"] = "fork?" + unit
	return out
}

// signedIn is the browser of an officer who has set up a password and a second factor, and the officer's name.
func (s *ownProcess) signedIn(b *testing.B) (c *http.Client, name string) {
	b.Helper()
	name = fmt.Sprintf("ada%d", time.Now().UnixNano())
	var made node.OfficerCodeResponse
	if err := s.Call(b.Context(), "officer.new", node.OfficerNewRequest{Name: name, Roles: []string{"duty"}}, &made); err != nil {
		b.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	c = &http.Client{Jar: jar}
	b.Cleanup(c.CloseIdleConnections)
	post := func(path string, form url.Values) string {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.Pages+path, strings.NewReader(form.Encode()))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := c.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatalf("/%s: %s, %v", path, resp.Status, err)
		}
		return string(body)
	}
	part := func(pattern, body string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(body)
		if m == nil {
			b.Fatalf("no %s", pattern)
		}
		return m[1]
	}
	body := post("set-up", url.Values{"code": {made.Code}})
	const passphrase = "correct horse battery"
	post("set-up/password", url.Values{"ticket": {part(`name="ticket" value="([^"]+)"`, body)}, "password": {passphrase}, "again": {passphrase}, "code": {oneTimeCode(b, part(`<code>([A-Z2-7]{32})</code>`, body))}})
	return c, name
}

// oneTimeCode is the code of a second factor now (RFC 6238), as an app computes it.
func oneTimeCode(t testing.TB, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff)%1_000_000)
}
