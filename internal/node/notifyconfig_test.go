package node

import (
	"strings"
	"testing"
	"time"
)

func TestNotifyConfiguration(t *testing.T) {
	const base = "name: North\n"
	good := base + `
language: zh-CN
notify:
  detail: title
  unreachable_after: 2h
  every: 5s
  first: [desk]
  channels:
    - {name: desk, webhook: "https://desk.example/hook", secret_file: keys/hook, language: ru}
    - {name: mail, smtp: {address: "mail.example:465", tls: implicit, user: node, password_file: keys/mail, from: node@north.example, to: [duty@north.example]}}
    - {name: pager, command: [/usr/local/bin/page, "--now"]}
  escalate:
    - {after: 15m, to: [mail]}
    - {after: 1h, to: [pager, desk]}
  quiet: {zone: Asia/Shanghai, from: "22:00", to: "07:00", days: [mon, fri], except: [emergency]}
`
	c, err := parseConfig("/x", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Notify.plan()
	if err != nil || len(p.First) != 1 || len(p.Ladder) != 2 || p.Ladder[1].After != time.Hour || p.Quiet.From != 22*60 || p.Quiet.Zone.String() != "Asia/Shanghai" {
		t.Errorf("%+v, %v", p, err)
	}
	c.Notify.First = nil
	if p, _ := c.Notify.plan(); len(p.First) != 0 {
		t.Errorf("channels of a rung are told at once: %v", p.First)
	}
	for bad, into := range map[string]string{
		"zh-CN": "xx", `https://desk.example/hook`: "http://desk.example/hook", ", secret_file: keys/hook": "", "detail: title": "detail: everything", "2h": "2s", "5s": "5ms",
		"first: [desk]": "first: [nobody]", "name: mail": "name: desk", "name: pager": "name: Pager!", "/usr/local/bin/page": "page", "tls: implicit": "tls: maybe",
		"user: node, ": "", "15m": "2h", "after: 1h": "after: 1s", "to: [pager, desk]": "to: []", "Asia/Shanghai": "Mars/Base", `"22:00"`: `"25:00"`, "days: [mon, fri]": "days: [today]",
		"except: [emergency]": "except: [whenever]", "command: [/usr": `webhook: "https://x.example", command: [/usr`, "language: ru": "language: tlh",
	} {
		if !strings.Contains(good, bad) {
			t.Fatal(bad)
		}
		if _, err := parseConfig("/x", []byte(strings.Replace(good, bad, into, 1))); err == nil {
			t.Errorf("%s instead of %s is taken", into, bad)
		}
	}
	many := base + "notify:\n  channels:\n" + strings.Repeat("    - {name: desk, command: [/x]}\n", 17)
	if _, err := parseConfig("/x", []byte(many)); err == nil || !strings.Contains(err.Error(), "16") {
		t.Errorf("17 channels: %v", err)
	}
}
