package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entente/internal/api"
	"entente/internal/node"
)

// What the story's attack has: the asset, a machine of it, the host that it speaks with, and the name that gives it away, which is among the facts that North
// has shared.
const (
	assetID, assetName, assetNet = "voter-register", "register.example", "192.0.2.0/24"
	insider, outsider, beacon    = "192.0.2.10", "198.51.100.7", "linuxkrnl.net"
	imitation                    = "registre.example"
)

// exitMatched is the code with which watch and hunt end when something was found.
const exitMatched = 6

// dnsLine is a line of Zeek's dns.log.
func dnsLine(at time.Time, host, name, answer string) string {
	return fmt.Sprintf(`{"_path":"dns","ts":%d.25,"uid":"C%x","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"192.0.2.53","id.resp_p":53,"proto":"udp","query":"%s","qclass":1,"qclass_name":"C_INTERNET","qtype":1,"qtype_name":"A","rcode":0,"rcode_name":"NOERROR","answers":["%s"],"TTLs":[300.0]}`+"\n",
		at.Unix(), at.UnixNano(), host, 1024+at.Unix()%60000, name, answer)
}

// writeLogs writes South's DNS logs as its sensor would have: one of the last days and one of today, with the ordinary traffic of its machines, and in it what the
// intruder left.
func writeLogs(dir string, now time.Time) (old, today string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", err
	}
	var past, present strings.Builder
	for i := range 2000 {
		at := now.Add(-96*time.Hour + time.Duration(i)*2*time.Minute)
		past.WriteString(dnsLine(at, fmt.Sprintf("192.0.2.%d", 20+i%40), fmt.Sprintf("host%d.service%d.example.net", i%300, i%7), "203.0.113.20"))
		if i == 700 { // when it began
			past.WriteString(dnsLine(at, insider, beacon, outsider))
		}
	}
	for i := range 1000 {
		at := now.Add(-3*time.Hour + time.Duration(i)*10*time.Second)
		present.WriteString(dnsLine(at, fmt.Sprintf("192.0.2.%d", 20+i%40), fmt.Sprintf("host%d.service%d.example.net", i%300, i%7), "203.0.113.20"))
		switch i {
		case 300, 420, 540:
			present.WriteString(dnsLine(at, insider, beacon, outsider))
		case 600:
			present.WriteString(dnsLine(at, "192.0.2.31", imitation, outsider))
		}
	}
	old, today = filepath.Join(dir, "dns.old.log"), filepath.Join(dir, "dns.log")
	return old, today, errors.Join(os.WriteFile(old, []byte(past.String()), 0o600), os.WriteFile(today, []byte(present.String()), 0o600))
}

// watch lets South name what must not fall, reads its logs with the very program, and hunts for what was found in those of the days before. South's node drafts
// what its officer may send.
func (s *story) watch(ctx context.Context) error {
	now := time.Now().UTC().Truncate(time.Second)
	logs := filepath.Join(s.dir, "logs")
	old, today, err := writeLogs(logs, now)
	if err != nil {
		return err
	}
	if s.o.Keep == "" {
		defer os.RemoveAll(logs)
	}
	election := node.AssetWindow{Name: "general election", From: now.Add(-7 * 24 * time.Hour), To: now.Add(7 * 24 * time.Hour)}
	if err := s.south.Call(ctx, "asset.add", node.AssetAddRequest{Assets: []node.AssetView{{ID: assetID, Title: "Voter register", Owner: "Electoral commission", Kind: "voter-register",
		Names: []string{assetName}, Prefixes: []string{assetNet}, Windows: []node.AssetWindow{election}}}}, nil); err != nil {
		return err
	}
	if err := s.south.Call(ctx, "asset.partner", node.AssetPartnerRequest{Unit: s.registry.unit, Party: "North", Networks: []string{"198.51.100.0/24"}}, nil); err != nil {
		return err
	}
	s.say.did("South names what must not fall: the voter register (%s, %s), in the window of an election; for 198.51.100.0/24 North answers", assetName, assetNet)

	var made node.TokenNewResponse
	if err := s.south.Call(ctx, "token.new", node.TokenNewRequest{Name: "watcher", Scopes: []node.Scope{node.ScopeWatch}}, &made); err != nil {
		return err
	}
	token, index := filepath.Join(logs, "watch.token"), filepath.Join(logs, "past")
	if err := os.WriteFile(token, []byte(made.Secret), 0o600); err != nil {
		return err
	}
	defer os.Remove(token)
	assets := filepath.Join(logs, "assets.txt")
	if err := os.WriteFile(assets, []byte(assetName+"\n"), 0o600); err != nil {
		return err
	}
	// The log of the last days was read before North shared the name: nothing was seen in it, but it is in the index of the past.
	if out, code := s.o.Program(ctx, "watch", old, "--assets", assets, "--index", index, "--json"); code != 0 {
		return fmt.Errorf("watch of the old log ended with %d: %s", code, out)
	}
	out, code := s.o.Program(ctx, "watch", today, "--join", strings.TrimSuffix(s.south.ready.Pages, "/"), "--token-file", token, "--json")
	if code != exitMatched {
		return fmt.Errorf("watch ended with %d: %s", code, out)
	}
	for _, want := range []string{beacon, imitation} {
		if !bytes.Contains(out, []byte(want)) {
			return fmt.Errorf("watch does not tell of %s", want)
		}
	}
	s.say.did("entente watch %s --join …: %s asked for %s, which North shared, three times; the answer was %s", filepath.Base(today), insider, beacon, outsider)
	s.say.did("and somebody looked for %s, which imitates %s", imitation, assetName)
	if err := s.drafts(ctx); err != nil {
		return err
	}
	return s.hunt(ctx, index)
}

// drafts looks for what South's node drafted about the attack.
func (s *story) drafts(ctx context.Context) error {
	var list node.RequestListResponse
	if err := s.south.Call(ctx, "request.list", node.RequestListRequest{Unit: s.registry.unit, State: "draft"}, &list); err != nil {
		return err
	}
	for _, d := range list.Drafts {
		if d.Why == nil || d.Why.Of != "attack" {
			continue
		}
		if d.Why.By != "network" || d.To != s.north.init.Party || d.Unit != s.registry.unit || d.Why.Window == "" {
			return fmt.Errorf("the draft %s is for another partner or unit, or knows no window: %+v", d.ID, d.Why)
		}
		if d.Type == "incident" {
			s.drafted.incident = d.ID
		} else {
			s.drafted.request = d.ID
		}
		s.say.did("South's node drafts for North, and sends nothing: %s (%s, %s)", d.Title, d.Type, d.Urgency)
	}
	if s.drafted.incident == "" || s.drafted.request == "" {
		return errors.New("the node drafted no notice or no request about the attack")
	}
	return nil
}

// hunt asks the index of the past when it began.
func (s *story) hunt(ctx context.Context, index string) error {
	out, code := s.o.Program(ctx, "hunt", beacon, "--since", "90d", "--index", index, "--json")
	if code != exitMatched {
		return fmt.Errorf("hunt ended with %d: %s", code, out)
	}
	var hunted struct {
		Values []struct {
			Value string
			Hours []time.Time
		}
	}
	if err := json.Unmarshal(out, &hunted); err != nil {
		return err
	}
	if len(hunted.Values) != 1 || hunted.Values[0].Value != beacon || len(hunted.Values[0].Hours) != 1 {
		return fmt.Errorf("the hunt tells something else: %s", out)
	}
	s.say.did("entente hunt %s --since 90d: first on %s, three days before anybody knew the name", beacon, hunted.Values[0].Hours[0].Format("2 January, 15:04"))
	s.say.proved("who attacked, since when, and whom to tell is known, and nothing has left South: an officer decides")
	return nil
}

// sendDraft changes one of the drafts as an officer would, sends it, and waits until North has it.
func (s *story) sendDraft(ctx context.Context, id string, edit func(*node.RequestNewRequest)) (string, error) {
	var d node.RequestView
	if err := s.south.Call(ctx, "request.show", node.RequestShowRequest{ID: id}, &d); err != nil {
		return "", err
	}
	r := node.RequestNewRequest{Unit: d.Unit, To: d.To, Type: d.Type, Urgency: d.Urgency, TLP: d.TLP, Title: d.Title, Text: d.Text, Lang: d.Lang, Fields: d.Fields, Detected: d.Detected, Draft: true, From: id}
	edit(&r)
	if err := s.south.Call(ctx, "request.new", r, nil); err != nil {
		return "", err
	}
	var sent api.RequestNewResponse
	if err := s.south.Call(ctx, "request.new", node.RequestNewRequest{From: id}, &sent); err != nil {
		return "", err
	}
	s.say.did("South's officer completes the draft and sends it: %s (%s, request %s)", sent.Request.Title, sent.Request.Type, sent.Request.Short)
	return sent.Request.ID, s.reach(ctx, s.north, s.registry.unit, sent.Request.ID, "sent")
}
