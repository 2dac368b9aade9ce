package intake

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readAll(t *testing.T, seq func(func(Item, error) bool)) (got []string, bad []string) {
	t.Helper()
	for item, err := range seq {
		var line *LineError
		switch {
		case errors.As(err, &line):
			bad = append(bad, fmt.Sprintf("%d", line.Line))
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, fmt.Sprintf("%d %s", item.Line, item.Value.Key()))
		}
	}
	return got, bad
}

func TestReadList(t *testing.T) {
	const text = "# a list\n\nevil[.]example.com # from the case\r\n0.0.0.0 ads.example.net tracker.example.net\n127.0.0.1 localhost\n" +
		"||filter.example.org^$third-party\n*.wild.example.org\n.dot.example.org\n198.51.100.7\nnot a value at all\n" +
		"hxxp://x.example.com/a\nfile-name:a b.exe\n198.51.100.8:443\nport[.]example[.]com[:]8080\nmutex:4711\n[2001:db8::2]:443\n"
	got, bad := readAll(t, ReadList(strings.NewReader(text)))
	want := []string{"3 domain:evil.example.com", "4 domain:ads.example.net", "4 domain:tracker.example.net", "6 domain:filter.example.org",
		"7 domain:wild.example.org", "8 domain:dot.example.org", "9 ipv4:198.51.100.7", "11 url:http://x.example.com/a", "12 file-name:a b.exe",
		"13 ipv4:198.51.100.8", "14 domain:port.example.com", "15 mutex:4711", "16 ipv6:2001:db8::2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"10"}, bad); diff != "" {
		t.Error(diff)
	}
	for item := range ReadList(strings.NewReader("evil.example.com ; seen in May\n")) {
		if item.Note != "seen in May" {
			t.Errorf("the note is %q", item.Note)
		}
	}
}

func TestReadListOfBadLines(t *testing.T) {
	text := strings.Repeat("x", MaxLine+5) + "\n\xff\xfe.example.com\ngood.example.com"
	got, bad := readAll(t, ReadList(strings.NewReader(text)))
	if diff := cmp.Diff([]string{"3 domain:good.example.com"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "2"}, bad); diff != "" {
		t.Error(diff)
	}
}

func TestReadTable(t *testing.T) {
	for _, c := range []struct {
		name, text, layout string
		want               []string
		bad                []string
	}{
		{"named columns", "type,value,comment\ndomain,evil.example.com,\"a, b\"\nip,198.51.100.7,\n", "", []string{"2 domain:evil.example.com", "3 ipv4:198.51.100.7"}, nil},
		{"header in a comment", "################\n# id,dateadded,url,url_status,tags #\n\"1\",\"2024-05-06 07:08:09\",\"http://a.example.com/x\",\"online\",\"elf,mirai\"\n", "",
			[]string{"3 url:http://a.example.com/x"}, nil},
		{"by content", "1;evil.example.com;x\n2;worse.example.com;y\n", "", []string{"1 domain:evil.example.com", "2 domain:worse.example.com"}, nil},
		{"ports", "ip,port\n203.0.113.5:443,1\n", "", []string{"2 ipv4:203.0.113.5"}, nil},
		{"hashes", "md5,sha256\nd41d8cd98f00b204e9800998ecf8427e,e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n", "",
			[]string{"2 md5:d41d8cd98f00b204e9800998ecf8427e", "2 sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}, nil},
		{"declared", "x|evil.example.com|n\n", "value:domain=2,note=3,separator=bar", []string{"1 domain:evil.example.com"}, nil},
		{"formulas", "value,comment\n\"=HYPERLINK(\"\"http://x\"\")\",a\n+1,b\n@SUM(A1),c\n", "value=1,note=2,header=yes", nil, []string{"2", "3", "4"}},
		{"over lines", "value,comment\nevil.example.com,\"two\nlines\"\nnext.example.com,x\n", "", []string{"2 domain:evil.example.com", "4 domain:next.example.com"}, nil},
		{"short row", "a,value\nx\ny,evil.example.com\n", "value=2,header=yes", []string{"3 domain:evil.example.com"}, []string{"2"}},
	} {
		l, err := ParseLayout(c.layout)
		if c.layout == "" {
			l, err = DetectLayout([]byte(c.text))
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, bad := readAll(t, ReadTable(strings.NewReader(c.text), l))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (%s): %s", c.name, l, diff)
		}
		if diff := cmp.Diff(c.bad, bad); diff != "" {
			t.Errorf("%s: bad lines: %s", c.name, diff)
		}
		if again, err := ParseLayout(l.String()); err != nil || again.String() != l.String() {
			t.Errorf("%s: layout %s comes back as %s, %v", c.name, l, again, err)
		}
	}
}

func TestParseLayoutRefuses(t *testing.T) {
	for _, s := range []string{"", "value", "value=0", "value=257", "value=1,value=1", "colour=1", "note=1", "value=1,separator=dot", "value=1,header=maybe", "value:colour=1", "note:md5=1,value=2"} {
		if l, err := ParseLayout(s); !errors.Is(err, ErrLayout) {
			t.Errorf("%q: %v, %v", s, l, err)
		}
	}
}

// TestTablesOfOthers: tables as MISP, ThreatFox and spreadsheets write them.
func TestTablesOfOthers(t *testing.T) {
	for _, x := range []struct {
		name, text string
		want, bad  []string
	}{
		{"MISP", "uuid,event_id,category,type,value,comment,to_ids,date\n" + `"5d1b8a5e-1111-4222-8333-123456789abc",1,"Network activity","ip-dst","198.51.100.7","c2",1,20240102` + "\n" +
			`"5d1b8a5e-1111-4222-8333-123456789abd",1,"Network activity","domain","context.example.com","",0,20240102` + "\n" +
			`"5d1b8a5e-1111-4222-8333-123456789abe",1,"Payload delivery","filename|md5","a.exe|d41d8cd98f00b204e9800998ecf8427f","",1,20240102` + "\n" +
			`"5d1b8a5e-1111-4222-8333-123456789abf",1,"Network activity","ip-dst|port","198.51.100.8|443","",1,20240102` + "\n" +
			`"5d1b8a5e-1111-4222-8333-123456789aac",1,"Network activity","domain|ip","evil.example.com|198.51.100.9","",1,20240102` + "\n" +
			`"5d1b8a5e-1111-4222-8333-123456789aad",1,"Other","comment","a|b","",1,20240102` + "\n",
			[]string{"2 ipv4:198.51.100.7", "4 md5:d41d8cd98f00b204e9800998ecf8427f", "5 ipv4:198.51.100.8", "6 domain:evil.example.com"}, []string{"3", "7"}},
		{"ThreatFox", `# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","confidence_level","reference","tags"` + "\n" +
			`"2024-01-01 00:00:00", "1", "198.51.100.9:8080", "ip:port", "botnet_cc", "75", "https://ref.example.com/x", "tag1,tag2"` + "\n" +
			`"2024-01-01 00:00:00", "2", "bad.example.com", "domain", "botnet_cc", "100", "None", "tag1"` + "\n",
			[]string{"2 ipv4:198.51.100.9", "3 domain:bad.example.com"}, nil},
		{"a spreadsheet", "sep=;\r\nIndicator;Type\r\nbad.example.com;Domain\r\n198.51.100.7;IP\r\n", []string{"3 domain:bad.example.com", "4 ipv4:198.51.100.7"}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := Detect([]byte(x.text)); got != FormatTable {
				t.Errorf("it is a %s", got)
			}
			l, err := DetectLayout([]byte(x.text))
			if err != nil {
				t.Fatal(err)
			}
			got, bad := readAll(t, ReadTable(strings.NewReader(x.text), l))
			if !slices.Equal(got, x.want) || !slices.Equal(bad, x.bad) {
				t.Errorf("%s: %q, not %q", l, got, bad)
			}
		})
	}
}

// TestByteOrderMark: what some editors put before a text is no part of its first value or the name of its first column.
func TestByteOrderMark(t *testing.T) {
	got, bad := readAll(t, ReadList(strings.NewReader("\ufeff198.51.100.7\n\ufeffmutex:x\n")))
	if !slices.Equal(got, []string{"1 ipv4:198.51.100.7"}) || !slices.Equal(bad, []string{"2"}) {
		t.Errorf("%q %q", got, bad)
	}
	const table = "\ufeffindicator,comment\nevil.example.com,x\n"
	l, err := DetectLayout([]byte(table))
	if err != nil || l.String() != "value=1,note=2,separator=comma,header=yes" {
		t.Fatalf("%s, %v", l, err)
	}
	if got, bad := readAll(t, ReadTable(strings.NewReader(table), l)); !slices.Equal(got, []string{"2 domain:evil.example.com"}) || len(bad) > 0 {
		t.Errorf("%q %q", got, bad)
	}
}

// TestDetectsRowsOverLines: a quoted cell that goes on over lines hides no table, and neither does a quote that never ends.
func TestDetectsRowsOverLines(t *testing.T) {
	const text = "type,value,comment\r\nip,198.51.100.3,\"line 1\r\nline 2, \"\"q\"\"\"\r\nurl,\"hxxp://a[.]example/p,1\",z\r\n"
	if got := Detect([]byte(text)); got != FormatTable {
		t.Errorf("it is a %s", got)
	}
	l, err := DetectLayout([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, bad := readAll(t, ReadTable(strings.NewReader(text), l))
	if !slices.Equal(got, []string{"2 ipv4:198.51.100.3", "4 url:http://a.example/p,1"}) || len(bad) > 0 {
		t.Errorf("%s: %q %q", l, got, bad)
	}
	stray := "value,size\nevil.example.com,5\" disk\n" + strings.Repeat("next.example.com,x\n", 2*maxJoined)
	if got := Detect([]byte(stray)); got != FormatTable {
		t.Errorf("with a stray quote it is a %s", got)
	}
	over := "value,comment\nevil.example.com,\"a" + strings.Repeat("\n", maxJoined+1) + "b\"\n"
	if rows := joinQuoted(strings.Split(over, "\n")); len(rows) != strings.Count(over, "\n")+1 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestDetect(t *testing.T) {
	for text, want := range map[string]Format{
		`{"type":"bundle"`:                                                             FormatSTIX,
		`[{"type":"indicator"`:                                                         FormatSTIX,
		`{"Event":{"info":"x"`:                                                         FormatMISP,
		"a.example.com\nb.example.com\n":                                               FormatList,
		"198.51.100.8:443\n198.51.100.9:80\n":                                          FormatList,
		"# c\n0.0.0.0 ads.example.net\n":                                               FormatList,
		"evil[.]example.com\n":                                                         FormatList,
		"evil.example.com\nno value here\n203.0.113.5\n":                               FormatList,
		"evil.example.com\n??\n203.0.113.5\n!!!\nb.example.com\n":                      FormatList,
		"Two were seen:\nevil.example.com\n203.0.113.5\nWe blocked both.\n":            FormatText,
		strings.Repeat("Seen was\nevil.example.com\n203.0.113.5\n", 4):                 FormatText,
		"type,value\ndomain,a.example.com\n":                                           FormatTable,
		"<!DOCTYPE html><html><p>x":                                                    FormatPage,
		"\xef\xbb\xbf<html>":                                                           FormatPage,
		"A sentence about evil[.]example.com, and more.\nAnother, with commas, too.\n": FormatText,
		"\x7fELF\x02\x01":                                                              FormatUnknown,
		"caf\xe9.example.com\na.example.com # \xe0\nb.example.com\nc.example.com\n":    FormatList, // Latin 1
		"value,note\na.example.com,caf\xe9\n":                                          FormatTable,
		"\xff\xfea\x00":                                                                FormatUnknown, // UTF-16
		strings.Repeat("\xe3\xc1\xd7 ", 30):                                            FormatUnknown,
		"":                                                                             FormatUnknown,
		"<stix:STIX_Package xmlns:stix=\"x\">":                                         FormatText,
	} {
		if got := Detect([]byte(text)); got != want {
			t.Errorf("%q is told as %s, want %s", text, got, want)
		}
	}
}
