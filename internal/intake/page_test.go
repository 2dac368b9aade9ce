package intake

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const advisory = `<!DOCTYPE html><html lang="en"><head><title>Advisory 7: a flaw in Widgets | Example CERT</title>
<meta property="og:site_name" content="Example CERT"><meta property="article:published_time" content="2021-12-10T09:30:00+01:00">
<link rel="canonical" href="https://cert.example.org/advisories/7"><script>document.write("scripted.example.com")</script></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/other">Ten ways to cook rice, by somebody else entirely</a></li></ul></nav>
<header><h1>Advisory 7: a flaw in Widgets</h1></header>
<article><p>The flaw known as CVE-2021-44228 is being used against public servers since the first of December. The attackers send a
request whose user agent holds a name under evil[.]example[.]net, and the server then asks for it and runs what comes back.</p>
<p>We have seen connections to 203.0.113[.]80 and downloads from hxxp://203.0.113[.]80/x.class on eleven machines of four members, and
the technique is T1190. Whoever runs an affected version should update today, and look for the addresses in the logs of the last two weeks.</p>
<p>The file has the SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855. Write to us if you find any of these, with
the time and the zone of your clock, and keep the machine as it is until we have spoken; a second notice will follow when there is more.</p></article>
<footer><p>Other news: a cat was rescued from a tree in cats.example.com</p></footer></body></html>`

func TestReadPageOfHTML(t *testing.T) {
	p, err := ReadPage([]byte(advisory))
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != "Advisory 7: a flaw in Widgets" || p.Site != "Example CERT" || p.Language != "en" || p.Date.String() != "2021-12-10" ||
		p.URL != "https://cert.example.org/advisories/7" {
		t.Errorf("%+v", p)
	}
	for _, no := range []string{"cats", "Home", "scripted", "rice"} {
		if strings.Contains(p.Text, no) {
			t.Errorf("what the site adds is in the text: %q", no)
		}
	}
	for _, want := range []string{"The flaw known as", "eleven machines", "until we have spoken"} {
		if !strings.Contains(p.Text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	found, err := Find(p.Text)
	if err != nil || len(found) != 6 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestReadPageOfText(t *testing.T) {
	const page = "The council speaks of its breach\n\nFollow us on the network\n\n" +
		"On Monday 3 June 2019 the council said that somebody had been in its mail for half a year before it was noticed.\n\n" +
		"Two boxes - Photo 1\n\n" +
		"The intruders came from 198.51.100.7, a spokesman told reporters, and left with the letters of eleven officers.\n\n" +
		"Ada Example\n\nSource: Example News\n\nMost read\n\nA cat in a tree was seen by nine persons, all of them surprised by it and by each other.\n"
	p, err := ReadPage([]byte(page))
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != "The council speaks of its breach" || p.Author != "Ada Example" || p.Via != "Example News" || p.Date.String() != "2019-06-03" || p.Language != "en" {
		t.Errorf("%+v", p)
	}
	if strings.Contains(p.Text, "cat") || strings.Contains(p.Text, "Photo") || strings.Contains(p.Text, "Follow") || strings.Count(p.Text, "\n\n") != 1 {
		t.Errorf("the text is %q", p.Text)
	}
}

// TestReadPageOfAdvisory: what an advisory lists is its text, however short the lines; what the site adds is not.
func TestReadPageOfAdvisory(t *testing.T) {
	const page = "A loader campaign against ministries\n\nPublished 2024-04-02\n\nC2: first[.]badsite[.]com\n\n" +
		"The agency has seen a campaign that delivers a loader by mail to several ministries and then steals what they type.\n\n" +
		"Indicators of compromise\n\nNetwork\n\nDomains:\nevil-login[.]com\nupdate-check.net\nhttps://cdn.badsite.org/a\n\nIP addresses:\n203[.]0[.]113[.]9\n203.0.113.10\n\n" +
		"SHA-256:\n275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f\n\nCVE-2024-12345\n\n" +
		"Write to the agency if you see any of these in the logs of your proxies.\n\n" +
		"Most read\n\nhttps://news.site.com/a\n\n198.51.100.99 is a nice address, says the man who owns it, and nobody agrees.\n"
	p, err := ReadPage([]byte(page))
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != "A loader campaign against ministries" || p.Date.String() != "2024-04-02" || p.Date.Inferred {
		t.Errorf("%+v", p)
	}
	found, err := Find(p.Text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		if got = append(got, f.Name); f.Name == "" {
			got[len(got)-1] = f.Value.Key()
		}
	}
	want := []string{"domain:first.badsite.com", "domain:evil-login.com", "domain:update-check.net", "url:https://cdn.badsite.org/a", "ipv4:203.0.113.9", "ipv4:203.0.113.10",
		"sha256:275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", "CVE-2024-12345"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if !strings.HasSuffix(p.Text, "of your proxies.") || !strings.Contains(p.Text, "Domains:") {
		t.Errorf("the text is %q", p.Text)
	}
}

// TestSavedReports: the two reports that the project began with, as they were scraped.
func TestSavedReports(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/reports/*.txt")
	if len(files) == 0 {
		t.Skip("shared/data/reports is not beside this checkout")
	}
	want := map[string]struct{ title, date, author, via, first, last string }{
		"000_30efa571523e52da.txt": {"Mỹ - Trung tăng cường hợp tác an ninh mạng", "2015-09-12", "Hồng Giang", "Reuters", "Ngày 12/9, các quan chức", "vụ tấn công mạng nói trên."},
		"004_3f7af690fc6c06e1.txt": {"Nga nói đang bắt tay với Mỹ lập đơn vị an ninh mạng", "2017-07-20", "Thành Đạt", "Independent", "Đặc phái viên Nga Andrey Krutskikh", "Nó sẽ không xảy ra đâu”."},
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ReadPage(content)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		w, ok := want[filepath.Base(file)]
		if !ok {
			continue
		}
		if p.Title != w.title || p.Date.String() != w.date || p.Author != w.author || p.Via != w.via || p.Language != "vi" {
			t.Errorf("%s: %q, %s, by %q via %q, in %q", file, p.Title, p.Date, p.Author, p.Via, p.Language)
		}
		if !p.Date.Inferred || !strings.Contains(p.Date.Evidence, "inferred from") {
			t.Errorf("%s: the year is not in the text, but the date does not say that it is inferred: %+v", file, p.Date)
		}
		if !strings.HasPrefix(p.Text, w.first) || !strings.HasSuffix(p.Text, w.last) || strings.Count(p.Text, "\n\n") != 6 {
			t.Errorf("%s: the text is not the article's seven paragraphs:\n%s", file, p.Text)
		}
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct{ text, lang, want string }{
		{"2024-05-06", "", "2024-05-06"}, {"6 May 2024", "en", "2024-05-06"}, {"May 6, 2024", "en", "2024-05-06"},
		{"Sept. 3rd, 2019", "en", "2019-09-03"}, {"le 6 mai 2024", "fr", "2024-05-06"}, {"1er août 2023", "fr", "2023-08-01"},
		{"6 мая 2024 года", "ru", "2024-05-06"}, {"6. März 2024", "de", "2024-03-06"}, {"6 de mayo de 2024", "es", "2024-05-06"},
		{"ngày 6 tháng 5 năm 2024", "vi", "2024-05-06"}, {"Ngày 6/5/2024", "vi", "2024-05-06"}, {"2024年5月6日", "zh", "2024-05-06"},
		{"2024년 5월 6일", "ko", "2024-05-06"}, {"06.05.2024", "de", "2024-05-06"}, {"05/26/2024", "en", "2024-05-26"},
		{"hôm nay 20/7", "vi", "--07-20"}, {"9月12日", "zh", "--09-12"}, {"on September 12", "en", "--09-12"},
		{"31.02.2024", "de", ""}, {"version 10.11.12", "en", ""}, {"at 12:30", "en", ""}, {"", "", ""},
		{"12/13/2024", "en", "2024-12-13"},
	} {
		got := ""
		if all := dates(c.text, c.lang); len(all) > 0 {
			got = all[0].String()
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestYearIsNotInvented: without a fact that decides, the year stays open.
func TestYearIsNotInvented(t *testing.T) {
	p, err := ReadPage([]byte("A title\n\nOn September 12 somebody broke into the mail of the council and left with a great many letters of its officers.\n"))
	if err != nil || p.Date.String() != "--09-12" || p.Date.Inferred {
		t.Errorf("%v, %+v", err, p.Date)
	}
	if _, err := (Drafter{Source: "x", Confidence: -1}).Report(p, nil); !errors.Is(err, ErrNoDate) {
		t.Errorf("a report without a year: %v", err)
	}
}

func TestFactsThatDate(t *testing.T) {
	all, err := facts()
	if err != nil || len(all) < 40 {
		t.Fatalf("%d facts, %v", len(all), err)
	}
	for _, f := range all {
		if f.to.Before(f.from) {
			t.Errorf("%s ends before it begins", f.what)
		}
		for _, g := range f.names {
			for _, n := range g {
				if len(n) < 3 {
					t.Errorf("%s: the name %q is too short to mean anything", f.what, n)
				}
			}
		}
	}
}

func TestReadPageRefuses(t *testing.T) {
	if _, err := ReadPage(make([]byte, MaxPage+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, err := ReadPage([]byte("<html>" + strings.Repeat("<div>", 100_000))); err == nil {
		t.Error("a page that nests without end is read")
	}
	for _, s := range []string{"", "\n\n", "<html><body><nav>x</nav></body></html>", "Only a title"} {
		if _, err := ReadPage([]byte(s)); !errors.Is(err, ErrNoText) {
			t.Errorf("%q: %v", s, err)
		}
	}
}
