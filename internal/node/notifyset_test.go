package node

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/internal/notify"
)

// errorCode is the code of an error that a face shows.
func errorCode(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	return e.Code
}

// securedDesk takes the messages of a webhook whose secret is known when it asks.
func securedDesk(t *testing.T, secret *string) (url, ca string, got func() []notify.Message) {
	t.Helper()
	var mu sync.Mutex
	var all []notify.Message
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		var m notify.Message
		if err != nil || r.Header.Get(notify.HeaderSignature) != notify.Sign([]byte(*secret), r.Header.Get(notify.HeaderTimestamp), body) || json.Unmarshal(body, &m) != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		all = append(all, m)
	}))
	t.Cleanup(s.Close)
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return s.URL + "/hook", string(block), func() []notify.Message { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }
}

// TestChannelIsSetAndHolds: a channel is looked at before, set without a start, tried, changed and removed; the secret is shown
// once and in no answer again; a start finds it as it was.
func TestChannelIsSetAndHolds(t *testing.T) {
	a := newParty(t, "North")
	var secret string
	address, ca, got := securedDesk(t, &secret)
	in := NotifySetRequest{Channel: "desk", Kind: "webhook", URL: address, CA: ca, Language: "fr", DryRun: true}
	res := must[*NotifySetResponse](t)(a.SetChannel(t.Context(), in))
	if !res.DryRun || !res.New || res.Secret != "" || !slices.Equal(res.Changes, []string{"kind", "address", "secret", "ca", "language"}) || len(must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{})).Channels) != 0 {
		t.Fatalf("a look: %+v", res)
	}
	in.DryRun = false
	res = must[*NotifySetResponse](t)(a.SetChannel(t.Context(), in))
	if secret = res.Secret; len(secret) < 40 || !res.Channel.First || !res.Channel.CA || res.Channel.Pinned {
		t.Fatalf("set: %+v", res)
	}
	try := func() NotifyTested {
		t.Helper()
		return must[*NotifyTestResponse](t)(a.TestNotices(t.Context(), NotifyTestRequest{Channel: "desk"})).Channels[0]
	}
	if x := try(); !x.OK || len(got()) != 1 || got()[0].Lang != "fr" {
		t.Fatalf("tried: %+v, %+v", x, got())
	}
	// Changed without its secret or certificate: they stay as they were, after a start too.
	in.URL, in.CA, in.Language = "", "", ""
	if res = must[*NotifySetResponse](t)(a.SetChannel(t.Context(), in)); res.New || res.Secret != "" || !slices.Equal(res.Changes, []string{"language"}) {
		t.Errorf("changed: %+v", res)
	}
	a.stop()
	a.start()
	if x := try(); !x.OK || got()[1].Lang != "en" {
		t.Errorf("after a start: %+v", x)
	}
	shown, err := json.Marshal([]any{must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{})), res})
	if err != nil || bytes.Contains(shown, []byte(secret)) || bytes.Contains(shown, []byte("/hook")) {
		t.Errorf("a secret is shown again: %s, %v", shown, err)
	}
	kept := must[[]byte](t)(os.ReadFile(settingsPath(a.dir)))
	if info, err := os.Stat(settingsPath(a.dir)); err != nil || info.Mode().Perm() != 0o600 || !bytes.Contains(kept, []byte(secret)) || !bytes.Contains(kept, []byte("\n  \"channels\"")) {
		t.Errorf("%v %v", info, err)
	}
	// Removed: nobody is told any more, and a look says so before.
	if r := must[*NotifyRemoveResponse](t)(a.RemoveChannel(t.Context(), NotifyRemoveRequest{Channel: "desk", DryRun: true})); !r.Nobody || !try().OK {
		t.Errorf("a look: %+v", r)
	}
	must[*NotifyRemoveResponse](t)(a.RemoveChannel(t.Context(), NotifyRemoveRequest{Channel: "desk"}))
	if _, err := a.TestNotices(t.Context(), NotifyTestRequest{Channel: "desk"}); err == nil {
		t.Error("a removed channel is tried")
	}
	if _, err := a.RemoveChannel(t.Context(), NotifyRemoveRequest{Channel: "desk"}); errorCode(err) != CodeNotFound {
		t.Errorf("removed twice: %v", err)
	}
	if kept := must[[]byte](t)(os.ReadFile(settingsPath(a.dir))); bytes.Contains(kept, []byte(secret)) {
		t.Error("the secret outlives its channel")
	}
}

// TestChannelIsTriedAgainWhenItIsAnother: what a channel was given up on is told over it once it is changed; a channel that is
// new is told what waits, without a start.
func TestChannelIsTriedAgainWhenItIsAnother(t *testing.T) {
	a, b := twoInForce(t, nil)
	var clock handClock
	b.takes(&clock)
	secret := "0123456789abcdef"
	address, ca, got := securedDesk(t, &secret)
	if _, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: "information", Urgency: "urgent", Title: "x", Text: "x", Fields: map[string]string{"subject": "host", "purpose": "case-17"}}); err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	if err := b.notifyRound(t.Context()); err != nil {
		t.Fatalf("without a channel: %v", err)
	}
	in := NotifySetRequest{Channel: "desk", Kind: "webhook", URL: address, CA: ca, Secret: "another secret than the desk's"}
	must[*NotifySetResponse](t)(b.SetChannel(t.Context(), in))
	for range notify.MaxTries + 2 {
		_ = b.notifyRound(t.Context()) // refused each time
		clock.move(2 * time.Hour)
	}
	if err := b.notifyRound(t.Context()); err != nil || len(got()) != 0 {
		t.Fatalf("it is not given up: %v, %v", err, got())
	}
	in.Secret, in.DryRun = secret, true
	if res := must[*NotifySetResponse](t)(b.SetChannel(t.Context(), in)); res.Waiting < 1 || !slices.Equal(res.Changes, []string{"secret"}) {
		t.Errorf("a look: %+v", res)
	}
	in.DryRun = false
	must[*NotifySetResponse](t)(b.SetChannel(t.Context(), in))
	if err := b.notifyRound(t.Context()); err != nil || len(got()) != 1 {
		t.Errorf("told %d times, %v", len(got()), err)
	}
}

// TestWhatCannotBeAChannel: each is refused with what is wrong, nothing is kept of it, and a password goes to no other server.
func TestWhatCannotBeAChannel(t *testing.T) {
	a := newParty(t, "North")
	a.stop()
	a.configure(`feeds: []`, "feeds: []\nnotify:\n  channels: [{name: fixed, command: [/bin/true]}]\n  first: [fixed]\n#")
	a.start()
	if err := os.MkdirAll(filepath.Join(a.dir, hooksDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"page": 0o700, "open": 0o777, "text": 0o600} {
		path := filepath.Join(a.dir, hooksDir, name)
		if err := errors.Join(os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	mail := NotifySetRequest{Channel: "mail", Kind: "mail", Server: "mail.example:587", User: "u", Secret: "p4ssw0rd", From: "node@north.example", To: []string{"duty@north.example"}}
	must[*NotifySetResponse](t)(a.SetChannel(t.Context(), mail))
	mail.Secret = ""
	must[*NotifySetResponse](t)(a.SetChannel(t.Context(), mail)) // the same server: the password stays
	before := must[[]byte](t)(os.ReadFile(settingsPath(a.dir)))
	other := func(change func(*NotifySetRequest)) NotifySetRequest { r := mail; change(&r); return r }
	hook := func(name string) NotifySetRequest { return NotifySetRequest{Channel: "x", Kind: "command", Hook: name} }
	web := func(url string) NotifySetRequest { return NotifySetRequest{Channel: "x", Kind: "webhook", URL: url} }
	for name, c := range map[string]struct {
		in   NotifySetRequest
		code string
		says string
	}{
		"a name":                 {NotifySetRequest{Channel: "No Name", Kind: "command", Hook: "page"}, CodeBadInput, "a-z 0-9"},
		"no kind":                {NotifySetRequest{Channel: "x"}, CodeBadInput, "webhook, mail or command"},
		"http":                   {web("http://127.0.0.1/x"), CodeBadInput, "https"},
		"no host":                {web("https:///x"), CodeBadInput, "host"},
		"a user in it":           {web("https://u:p@desk.example/"), CodeBadInput, "user"},
		"a short secret":         {NotifySetRequest{Channel: "x", Kind: "webhook", URL: "https://desk.example", Secret: "short"}, CodeBadInput, "16"},
		"no certificate":         {NotifySetRequest{Channel: "x", Kind: "webhook", URL: "https://desk.example", CA: "x"}, CodeBadInput, "PEM"},
		"a long secret":          {NotifySetRequest{Channel: "x", Kind: "webhook", URL: "https://desk.example", Secret: strings.Repeat("x", maxChannelSecret+1)}, CodeBadInput, "4096"},
		"two kinds":              {NotifySetRequest{Channel: "x", Kind: "webhook", URL: "https://desk.example", Hook: "page"}, CodeBadInput, "nothing of mail"},
		"another server":         {other(func(r *NotifySetRequest) { r.Server = "mail.evil.example:587" }), CodeBadInput, "give it again"},
		"another user":           {other(func(r *NotifySetRequest) { r.User = "v" }), CodeBadInput, "give it again"},
		"a password in clear":    {other(func(r *NotifySetRequest) { r.Server, r.TLS, r.Secret = "127.0.0.1:25", "none", "p" }), CodeBadInput, "without TLS"},
		"no address":             {other(func(r *NotifySetRequest) { r.To = []string{"duty\r\nBcc: x@evil.example"} }), CodeBadInput, "no mail address"},
		"a language":             {other(func(r *NotifySetRequest) { r.Language = "xx" }), CodeBadInput, "no texts"},
		"a program elsewhere":    {hook("../../bin/sh"), CodeBadInput, "no name of a program"},
		"a path":                 {hook("/bin/sh"), CodeBadInput, "no name of a program"},
		"a program that is none": {hook("gone"), CodeBadInput, "there is no program"},
		"no program":             {hook("text"), CodeBadInput, "no program that may be run"},
		"others write it":        {hook("open"), CodeBadInput, "may be written by others"},
		"there already":          {other(func(r *NotifySetRequest) { r.New = true }), "exists", "already"},
		"pinned":                 {NotifySetRequest{Channel: "fixed", Kind: "command", Hook: "page"}, "pinned", "configuration file"},
	} {
		_, err := a.SetChannel(t.Context(), c.in)
		if errorCode(err) != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "p4ssw0rd") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(before, must[[]byte](t)(os.ReadFile(settingsPath(a.dir)))) {
		t.Error("something of what was refused is kept")
	}
	if _, err := a.RemoveChannel(t.Context(), NotifyRemoveRequest{Channel: "fixed"}); errorCode(err) != "pinned" {
		t.Errorf("a pinned channel is removed: %v", err)
	}
	if _, err := a.PlanNotices(t.Context(), NotifyPlanRequest{First: []string{"mail"}}); errorCode(err) != "pinned" {
		t.Errorf("a pinned plan is changed: %v", err)
	}
	list := must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{}))
	if len(list.Plan.Ways) != 2 || !list.Plan.Ways[0].Pinned || !list.Plan.Pinned || !list.Plan.Ways[1].Silent || !slices.Equal(list.Plan.Hooks, []string{"page"}) {
		t.Errorf("%+v", list.Plan)
	}
	must[*NotifySetResponse](t)(a.SetChannel(t.Context(), hook("page")))
	if r := must[*NotifyTestResponse](t)(a.TestNotices(t.Context(), NotifyTestRequest{Channel: "x"})); !r.Channels[0].OK {
		t.Errorf("a program of the folder: %+v", r)
	}
	for i := range maxChannels - 3 {
		must[*NotifySetResponse](t)(a.SetChannel(t.Context(), NotifySetRequest{Channel: fmt.Sprint("more-", i), Kind: "command", Hook: "page"}))
	}
	if _, err := a.SetChannel(t.Context(), NotifySetRequest{Channel: "beyond", Kind: "command", Hook: "page"}); errorCode(err) != "too-many" {
		t.Errorf("one too many: %v", err)
	}
	// The operator pins one of those names later: the pinned one holds, and the node starts.
	a.stop()
	a.configure("first: [fixed]", "first: [fixed]\n  quiet: {from: \"22:00\", to: \"06:00\"}")
	a.configure("{name: fixed,", "{name: more-1, command: [/bin/false]}, {name: fixed,")
	a.start()
	list = must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{}))
	if len(list.Plan.Ways) != maxChannels || !list.Plan.Ways[0].Pinned || list.Plan.Ways[0].To[0] != "/bin/false" || !list.Plan.QuietPinned {
		t.Errorf("%+v", list.Plan)
	}
	if _, err := a.PlanNotices(t.Context(), NotifyPlanRequest{Quiet: &NotifyQuiet{From: "21:00", To: "05:00"}}); errorCode(err) != "pinned" {
		t.Errorf("pinned quiet hours are changed: %v", err)
	}
}

// TestPlanOfNotices: who is told when is looked at, set, holds after a start, and loses what is removed.
func TestPlanOfNotices(t *testing.T) {
	a := newParty(t, "North")
	for _, name := range []string{"desk", "boss", "night"} {
		must[*NotifySetResponse](t)(a.SetChannel(t.Context(), NotifySetRequest{Channel: name, Kind: "webhook", URL: "https://" + name + ".example/"}))
	}
	in := NotifyPlanRequest{First: []string{"desk"}, Rungs: []NotifyRung{{15 * time.Minute, []string{"boss"}}}, Quiet: &NotifyQuiet{Zone: "Asia/Ho_Chi_Minh", From: "22:00", To: "06:00", Days: []string{"sat", "sun"}}, DryRun: true}
	if r := must[*NotifyPlanResponse](t)(a.PlanNotices(t.Context(), in)); !slices.Equal(r.Silent, []string{"night"}) || len(r.Plan.Rungs) != 1 || r.Plan.Quiet.Zone != "Asia/Ho_Chi_Minh" {
		t.Errorf("a look: %+v", r)
	}
	if p := must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{})).Plan; len(p.Rungs) != 0 || p.Quiet != nil {
		t.Errorf("a look changed something: %+v", p)
	}
	for name, bad := range map[string]NotifyPlanRequest{
		"an unknown channel": {First: []string{"none"}}, "a rung at once": {Rungs: []NotifyRung{{time.Second, []string{"desk"}}}}, "no rung": {Rungs: []NotifyRung{{time.Hour, nil}}},
		"a zone": {Quiet: &NotifyQuiet{Zone: "Mars/Olympus", From: "22:00", To: "06:00"}}, "a time": {Quiet: &NotifyQuiet{From: "25:00", To: "06:00"}}, "a day": {Quiet: &NotifyQuiet{From: "22:00", To: "06:00", Days: []string{"friday"}}},
		"too many": {Rungs: slices.Repeat([]NotifyRung{{time.Hour, []string{"desk"}}}, 9)},
	} {
		if _, err := a.PlanNotices(t.Context(), bad); errorCode(err) != CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	in.DryRun = false
	must[*NotifyPlanResponse](t)(a.PlanNotices(t.Context(), in))
	a.stop()
	a.start()
	p := must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{})).Plan
	if len(p.Rungs) != 1 || p.Rungs[0].After != 15*time.Minute || p.Quiet == nil || !p.Ways[0].First || p.Ways[1].First || p.Ways[1].Silent || !p.Ways[2].Silent {
		t.Errorf("after a start: %+v", p)
	}
	if c := must[*StatusResponse](t)(a.Status(t.Context())).Called; !slices.Equal(c.First, []string{"desk"}) || !slices.Equal(c.Then, []string{"boss"}) {
		t.Errorf("who is called: %+v", c)
	}
	must[*NotifyRemoveResponse](t)(a.RemoveChannel(t.Context(), NotifyRemoveRequest{Channel: "boss"}))
	if p := must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{})).Plan; len(p.Rungs) != 0 || p.Quiet == nil {
		t.Errorf("after a removal: %+v", p)
	}
}

// TestPlanThatCallsNobody: quiet hours without an end, and a first step that comes days later, are refused before anything is
// kept; what the configuration file has of it, or was kept before, is named in the plan and by the doctor.
func TestPlanThatCallsNobody(t *testing.T) {
	a := newParty(t, "North")
	must[*NotifySetResponse](t)(a.SetChannel(t.Context(), NotifySetRequest{Channel: "desk", Kind: "webhook", URL: "https://desk.example/"}))
	day := &NotifyQuiet{From: "22:00", To: "22:00"}
	for name, c := range map[string]struct {
		in   NotifyPlanRequest
		code string
	}{
		"all day":             {NotifyPlanRequest{First: []string{"desk"}, Quiet: day}, notify.FaultQuietAlways},
		"all day, a look":     {NotifyPlanRequest{First: []string{"desk"}, Quiet: day, DryRun: true}, notify.FaultQuietAlways},
		"all but a minute":    {NotifyPlanRequest{Quiet: &NotifyQuiet{From: "00:00", To: "23:59", Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}}}, notify.FaultQuietAlways},
		"a week after nobody": {NotifyPlanRequest{Rungs: []NotifyRung{{7 * 24 * time.Hour, []string{"desk"}}}}, notify.FaultFirstLate},
	} {
		if _, err := a.PlanNotices(t.Context(), c.in); errorCode(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	must[*NotifyPlanResponse](t)(a.PlanNotices(t.Context(), NotifyPlanRequest{Quiet: &NotifyQuiet{From: "22:00", To: "06:00"}}))
	doctored := func(file string) []string {
		var out []string
		for _, f := range must[*DoctorResponse](t)(Doctor(t.Context(), a.dir, DoctorOptions{})).Findings {
			if f.File == file && f.Rank == RankRisk {
				out = append(out, f.What)
			}
		}
		return out
	}
	if said := doctored("settings.json"); len(said) != 0 {
		t.Errorf("of a night the doctor says %q", said)
	}
	a.stop()
	kept := must[[]byte](t)(os.ReadFile(settingsPath(a.dir)))
	if err := os.WriteFile(settingsPath(a.dir), bytes.Replace(kept, []byte(`"06:00"`), []byte(`"22:00"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := doctored("settings.json"); !slices.Equal(said, []string{faultText(notify.FaultQuietAlways)}) {
		t.Errorf("of what was kept before the doctor says %q", said)
	}
	a.configure(`feeds: []`, "feeds: []\nnotify:\n  every: 2h\n#")
	a.start()
	if p := must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{})).Plan; len(p.Faults) != 2 || p.Faults[0].Code != notify.FaultQuietAlways || p.Faults[1].Code != faultLooksRarely {
		t.Errorf("%+v", p.Faults)
	}
	if said := doctored("config.yaml"); len(said) != 2 {
		t.Errorf("of the configuration the doctor says %q", said)
	}
	must[*NotifyPlanResponse](t)(a.PlanNotices(t.Context(), NotifyPlanRequest{Quiet: &NotifyQuiet{From: "22:00", To: "06:00"}}))
	if p := must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{})).Plan; len(p.Faults) != 1 {
		t.Errorf("mended: %+v", p.Faults)
	}
}

// TestDamagedSettings: the node does not start on a guess, and the doctor says what is lost.
func TestDamagedSettings(t *testing.T) {
	a := newParty(t, "North")
	must[*NotifySetResponse](t)(a.SetChannel(t.Context(), NotifySetRequest{Channel: "desk", Kind: "webhook", URL: "https://desk.example/"}))
	a.stop()
	good := must[[]byte](t)(os.ReadFile(settingsPath(a.dir)))
	for name, bad := range map[string]string{"cut": string(good[:len(good)/2]), "a member more": strings.Replace(string(good), `"channels"`, `"chanels"`, 1), "no secret": strings.Replace(string(good), `"secret"`, `"language": "en", "ca"`, 1), "too long": string(good) + strings.Repeat(" ", maxSettingsFile)} {
		if err := os.WriteFile(settingsPath(a.dir), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := Open(t.Context(), a.dir, Options{})
		if errorCode(err) != CodeDamaged {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = n.Close()
		}
		if report := must[*DoctorResponse](t)(Doctor(t.Context(), a.dir, DoctorOptions{})); !slices.ContainsFunc(report.Findings, func(f DoctorFinding) bool { return f.File == "settings.json" && f.Rank == RankLost }) {
			t.Errorf("%s: the doctor says %+v", name, report.Findings)
		}
	}
}

// FuzzSettings: whatever the file holds, it is refused, or read as it is written again.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"channels":[{"name":"desk","webhook":"https://desk.example/","secret":"0123456789abcdef"},{"name":"mail","mail":{"server":"mail.example:587","tls":"starttls","from":"a@b.example","to":["c@b.example"]}},{"name":"p","hook":"page"}],"plan":{"first":["desk"],"escalate":[{"after":"15m","to":["mail"]}],"quiet":{"zone":"UTC","from":"22:00","to":"06:00"}},"feeds":[{"name":"rpz","format":"rpz","tlp":"green"}]}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"feeds":[]}`))
	f.Add([]byte(`{"channels":[{"name":"x","hook":"../sh"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSettings(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseSettings(again); err != nil {
			t.Fatalf("%s is refused: %v", again, err)
		}
		c := (NotifyConfig{}).beside(s)
		if _, err := c.plan(); err != nil {
			t.Fatalf("%s does not hold together: %v", again, err)
		}
	})
}
