package node

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
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

// mailbox is a mail server that takes every message.
func mailbox(t *testing.T) (address string, messages func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var got []string
	serve := func(c net.Conn) {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		in := bufio.NewReader(c)
		fmt.Fprint(c, "220 test\r\n")
		var text strings.Builder
		data := false
		for {
			line, err := in.ReadString('\n')
			switch {
			case err != nil:
				return
			case data && line == ".\r\n":
				mu.Lock()
				got = append(got, text.String())
				mu.Unlock()
				data = false
				fmt.Fprint(c, "250 taken\r\n")
			case data:
				text.WriteString(line)
			case strings.HasPrefix(line, "DATA"):
				data = true
				fmt.Fprint(c, "354 go on\r\n")
			default:
				fmt.Fprint(c, "250 ok\r\n")
			}
		}
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String(), func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(got) }
}

// TestNoticesOnceAcrossARestart: a request that arrives is told over each of three channels, once, also
// where the node is started again; nothing of its words goes out; and who opens it has looked.
func TestNoticesOnceAcrossARestart(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("there is no /bin/sh to write a command with")
	}
	a, b := twoInForce(t, nil)

	var mu sync.Mutex
	var posted []notify.Message
	down := true
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get(notify.HeaderSignature) != notify.Sign([]byte("0123456789abcdef"), r.Header.Get(notify.HeaderTimestamp), body) {
			t.Errorf("signature of %s, %v", body, err)
		}
		if down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		var m notify.Message
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		posted = append(posted, m)
	}))
	defer hook.Close()
	mail, messages := mailbox(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	for name, text := range map[string]string{"hook.secret": "0123456789abcdef\n", "page": "#!/bin/sh\ncat >> \"$1\"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile(configPath(b.dir))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(config), `language: ""`, "language: fr", 1) + fmt.Sprintf(`
notify:
  channels:
    - {name: desk, webhook: %q, secret_file: %q}
    - {name: mail, smtp: {address: %q, tls: none, from: node@south.example, to: [duty@south.example]}, language: ru}
    - {name: pager, command: [%q, %q]}
`, hook.URL, filepath.Join(dir, "hook.secret"), mail, filepath.Join(dir, "page"), out)
	if err := os.WriteFile(configPath(b.dir), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var clock handClock
	b.takes(&clock)

	v, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: "information", Urgency: "urgent", Title: "SECRET TITLE", Text: "SECRET TEXT", Fields: map[string]string{"subject": "host", "purpose": "case-17"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	if err := b.notifyRound(t.Context()); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("a webhook that is down: %v", err)
	}
	b.stop()
	b.start()
	mu.Lock()
	down = false
	mu.Unlock()
	clock.move(time.Minute)
	for range 3 {
		if err := b.notifyRound(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.move(time.Minute)
	}
	b.stop()
	b.start()
	if err := b.notifyRound(t.Context()); err != nil {
		t.Fatal(err)
	}
	ran, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(posted) != 1 || len(messages()) != 1 || strings.Count(string(ran), "\n") != 1 {
		t.Fatalf("webhook %d, mail %d, command %q", len(posted), len(messages()), ran)
	}
	if m := posted[0]; m.Event.Kind != notify.KindRequestNew || m.Event.Ref != v.ID || m.Event.Urgency != "urgent" || m.Try != 2 || m.Lang != "fr" || !strings.Contains(m.Text, "Nouvelle demande") {
		t.Errorf("%+v", m)
	}
	_, coded, _ := strings.Cut(messages()[0], "\r\n\r\n")
	plain, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(coded, "\r\n", ""))
	if err != nil || !strings.Contains(string(plain), "Новый запрос") {
		t.Errorf("%q, %v", plain, err)
	}
	if all := fmt.Sprint(posted, messages(), string(plain), string(ran)); strings.Contains(all, "SECRET") {
		t.Errorf("words of the request left the node: %s", all)
	}
	list := must[*NotifyListResponse](t)(b.Notices(t.Context(), NotifyListRequest{}))
	if len(list.Events) != 1 || len(list.Events[0].Sent) != 3 {
		t.Errorf("%+v", list)
	}
	viewAt(t, b, v.ID)
	if list := must[*NotifyListResponse](t)(b.Notices(t.Context(), NotifyListRequest{})); len(list.Events) != 0 {
		t.Errorf("opened, and still open: %+v", list)
	}
	// What was told cannot be read any more: the doctor says so, and the node tells again what is open.
	if err := os.WriteFile(b.noticePath(), []byte(`{"records":`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.stop()
	report := must[*DoctorResponse](t)(Doctor(t.Context(), b.dir, DoctorOptions{}))
	if !strings.Contains(fmt.Sprintf("%+v", report), "It is not known what the duty officer was told") {
		t.Errorf("%+v", report)
	}
	b.start()
	if list := must[*NotifyListResponse](t)(b.Notices(t.Context(), NotifyListRequest{All: true})); len(list.Events) != 0 {
		t.Errorf("%+v", list)
	}
	if _, err := b.AckNotice(t.Context(), NotifyAckRequest{ID: "ffff"}); err == nil {
		t.Error("what is not there was confirmed")
	}
	if r := must[*NotifyTestResponse](t)(b.TestNotices(t.Context(), NotifyTestRequest{Channel: "mail"})); len(r.Channels) != 1 || !r.Channels[0].OK {
		t.Errorf("%+v", r)
	}
}

// TestTranslationsAndEventsAtBothEnds: a text keeps its words and its language, translations stand below it
// at both ends with who made them and whether they count; and what waits for this side is told to it, and not what it did itself.
func TestTranslationsAndEventsAtBothEnds(t *testing.T) {
	a, b := twoInForce(t, nil)
	kinds := func(p *testParty) string {
		var out []string
		for _, e := range must[[]notify.Event](t)(p.events(t.Context())) {
			out = append(out, e.Kind+" "+e.Code)
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	v, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: "information", Urgency: "routine", Title: "Кто?", Text: "Кому принадлежит узел?", Lang: "RU", Fields: map[string]string{"subject": "host", "purpose": "case-17"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	if got := kinds(b); got != "request-new information" {
		t.Errorf("events of the asked side: %q", got)
	}
	if got := kinds(a); got != "" {
		t.Errorf("events of the asking side: %q", got)
	}
	moves(t, b, a, v.ID, RequestMoveRequest{Move: "translate", Lang: "fr", As: "machine", Title: "Qui ?", Text: "À qui appartient l’hôte ?"},
		RequestMoveRequest{Move: "acknowledge"}, RequestMoveRequest{Move: "needs-info", Text: "Quel port ?", Lang: "fr"})
	if got := kinds(a); got != "request-turn needs-info" {
		t.Errorf("events of the asking side: %q", got)
	}
	seen := viewAt(t, a, v.ID)
	question := seen.Moves[len(seen.Moves)-1]
	if seen.Lang != "ru" || question.Lang != "fr" || len(seen.Translations) != 1 {
		t.Fatalf("%+v", seen)
	}
	refusedMove(t, a, RequestMoveRequest{ID: v.ID, Move: "translate", Of: question.Ref, Lang: "ru", As: "human", Authentic: true, Text: "Какой порт?"}, "not-author")
	moves(t, a, b, v.ID, RequestMoveRequest{Move: "translate", Of: question.Ref, Lang: "ru", As: "human", Text: "Какой порт?"},
		RequestMoveRequest{Move: "translate", Lang: "en", As: "courtesy", Authentic: true, Title: "Who?", Text: "Whose host is it?"})
	for _, p := range []*testParty{a, b} {
		q := viewAt(t, p, v.ID)
		if q.State != "needs-info" || q.Title != "Кто?" || len(q.Translations) != 2 {
			t.Fatalf("%s: %+v", p.init.Name, q)
		}
		machine, courtesy := q.Translations[0], q.Translations[1]
		if machine.Kind != "machine" || machine.Party != "South" || machine.Lang != "fr" || machine.Authentic || machine.Title != "Qui ?" || machine.Text != "À qui appartient l’hôte ?" ||
			courtesy.Party != "North" || !courtesy.Authentic || courtesy.Kind != "courtesy" {
			t.Errorf("%s: %+v", p.init.Name, q.Translations)
		}
		m := q.Moves[len(q.Moves)-1]
		if len(m.Translations) != 1 || m.Text != "Quel port ?" || m.Translations[0].Text != "Какой порт?" || m.Translations[0].Authentic {
			t.Errorf("%s: %+v", p.init.Name, m)
		}
	}
	for _, bad := range []RequestMoveRequest{
		{Move: "translate", Lang: "fr", As: "human"}, {Move: "translate", As: "human", Text: "x"}, {Move: "translate", Lang: "fr", As: "guess", Text: "x"},
		{Move: "translate", Lang: "not a tag", As: "human", Text: "x"}, {Move: "translate", Lang: "fr", As: "human", Text: "x", Of: "nothing"},
		{Move: "info", As: "human", Text: "x"}, {Move: "info", Lang: "\u202e", Text: "x"}, {Move: "translate", Lang: "fr", As: "human", Text: "x", Title: strings.Repeat("x", maxTitle+1)},
		{Move: "translate", Lang: "fr", As: "human", Text: strings.Repeat("x", maxText+1)},
	} {
		bad.ID = v.ID
		if _, err := a.MoveRequest(t.Context(), bad); err == nil {
			t.Errorf("%+v was written", bad)
		}
	}
	for _, bad := range []RequestNewRequest{{Title: "x", Text: strings.Repeat("x", 10<<20)}, {Title: strings.Repeat("x", 10<<20)}, {Title: "x", Lang: "\u202een"}} {
		bad.Type, bad.Urgency = "information", "routine"
		if _, _, err := a.NewRequest(t.Context(), bad); err == nil {
			t.Errorf("%.40q was sent", bad.Title)
		}
	}
	moves(t, a, b, v.ID, RequestMoveRequest{Move: "info", Text: "443"})
	if got := kinds(b); got != "request-turn info" {
		t.Errorf("events of the asked side: %q", got)
	}
	sameState(t, a, b)
}
