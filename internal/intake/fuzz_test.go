package intake

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"entente/stix"
)

// FuzzIntake: whatever a file holds is told, read and drafted within bounds, and what
// is drafted is STIX.
func FuzzIntake(f *testing.F) {
	for _, s := range []string{advisory, "a.example.com\n# x\n0.0.0.0 b.example.com", "type,value\ndomain,\"a\n.example.com\"\n=1+1,2\n",
		"Title\n\nOn 3 June 2019 somebody [.] example [dot] com, CVE-2020-1 T1566/002.\n\nTheo Reuters\n", "<p>\x00<b>", "\xff\xfe<html>", "||x^\n*.y\n",
		`a|b|c`, "value,tlp,valid_from,valid_until\nhttp://a.example/%ff,red,2024-05-06 07:08:09,2024/05/07\na.example,x\nb.example,,,2024\n", "\"\"\"\n", "<html><table><tr><td>x</table>"} {
		f.Add([]byte(s))
	}
	d := Drafter{Source: "fuzz", At: time.Unix(1700000000, 0), Confidence: -1}
	check := func(t *testing.T, raw []byte) {
		if o, err := stix.Parse(raw); err != nil {
			t.Fatalf("%s: %v", raw, err)
		} else {
			for _, p := range stix.Validate(o) {
				if p.Must {
					t.Fatalf("%s: %v", raw, p)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 64<<10 {
			return
		}
		Detect(content)
		items := func(seq func(func(Item, error) bool)) {
			for item, err := range seq {
				var line *LineError
				if err != nil && !errors.As(err, &line) {
					t.Fatalf("reading ended: %v", err)
				}
				if err != nil {
					continue
				}
				raw, err := d.Indicator(item)
				if _, _, checked := d.Valid(item); item.Value.HasPattern() && fmt.Sprint(checked) != fmt.Sprint(err) {
					t.Fatalf("%+v: %v where the draft fails with %v", item, checked, err)
				}
				if err == nil {
					check(t, raw)
				}
			}
		}
		items(ReadList(bytes.NewReader(content)))
		if l, err := DetectLayout(content); err == nil {
			items(ReadTable(bytes.NewReader(content), l))
		}
		p, err := ReadPage(content)
		if err != nil {
			return
		}
		found, err := Find(p.Text)
		if err != nil {
			t.Fatal(err)
		}
		if !p.Date.Known() {
			p.Date = Date{Year: 2024, Month: 1, Day: 1}
		}
		all, err := d.Report(p, found)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range all {
			check(t, raw)
		}
	})
}

// FuzzLayout: a layout that is read is written as one that reads the same.
func FuzzLayout(f *testing.F) {
	f.Add("value=2,type=1,note=5,separator=semicolon,header=yes")
	f.Add("value:md5=1,value:sha256=2")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLayout(s)
		if err != nil {
			return
		}
		again, err := ParseLayout(l.String())
		if err != nil || again.String() != l.String() {
			t.Fatalf("%q: %s, %v", s, l, err)
		}
	})
}
