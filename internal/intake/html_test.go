package intake

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

const postParagraphs = `<p>FooBot is a modular bot that we have been tracking since early this year, and in this post we dissect the loader, its persistence and the command channel.</p>
<p>The loader fetches hxxp://foobot-c2[.]top/load and moves on with CVE-2020-0796 and the technique T1210; on 3 January 2019 an older version was seen by others.</p>`

// TestPageOfBlog: a page whose title begins with the site's name, whose date stands between
// heading and text, and which has much around both.
func TestPageOfBlog(t *testing.T) {
	p, err := ReadPage([]byte(`<html><head><title>Cool Malware Blog: Dissecting FooBot</title></head><body>
<div id="top"><h1 class="site-title"><a href="/">Cool Malware Blog</a></h1><ul><li><a href="/">Home</a></li></ul><span class="date">1 January 2023</span></div>
<div class="sidebar"><h3>Archives</h3><ul><li>May 2021</li></ul><h3>Subscribe</h3></div>
<div class="post"><h2 class="post-title">Dissecting FooBot</h2><div class="meta">Posted on 17 June 2021 by admin | 3 Comments</div><div class="entry">` + postParagraphs + `</div></div>
<h3>Related</h3><span class="date">9 September 2009</span><div class="related">You may also like: BazBot CVE-2018-8174</div><div id="footer">Powered by WordPress</div></body></html>`))
	if err != nil || p.Title != "Dissecting FooBot" || p.Date.String() != "2021-06-17" || strings.Contains(p.Text, "BazBot") || strings.Contains(p.Text, "Powered") {
		t.Errorf("%q, %s, %q, %v", p.Title, p.Date, p.Text, err)
	}
}

// TestPageHeading: which heading is the title.
func TestPageHeading(t *testing.T) {
	for _, c := range []struct{ head, body, want string }{
		{"<title>FooBot | Blog</title>", `<h1 class="logo">Blog</h1><h1>FooBot dissected</h1>`, "FooBot dissected"},
		{`<title>FooBot | Blog</title><meta property="og:site_name" content="Blog">`, `<h1>Blog</h1><article>`, "FooBot"},
		{"<title>Blog</title>", `<h1>All of our posts</h1><article><h1>FooBot</h1>`, "FooBot"},
		{"<title>FooBot</title>", `<h2>Something else here</h2>`, "FooBot"},
		{"<title>A: Something else here</title>", `<h2>Something else here</h2>`, "Something else here"},
	} {
		p, err := ReadPage([]byte("<html><head>" + c.head + "</head><body>" + c.body + postParagraphs + "</body></html>"))
		if err != nil || p.Title != c.want {
			t.Errorf("%s %s: %q, want %q, %v", c.head, c.body, p.Title, c.want, err)
		}
	}
}

// TestPageStatesMoment: the day is that of the page's own offset, the moment is exact.
func TestPageStatesMoment(t *testing.T) {
	for _, c := range []struct{ head, day, moment string }{
		{`<meta property="article:published_time" content="2024-03-05T23:30:00-05:00">`, "2024-03-05", "2024-03-06T04:30:00.000Z"},
		{`<meta itemprop="datePublished" content="2024-03-06T01:00:00+0700">`, "2024-03-06", "2024-03-05T18:00:00.000Z"},
		{`<script type="application/ld+json">{"dateModified":"2024-03-09T00:00:00Z","datePublished":"2024-03-05T10:00:00.5Z"}</script>`, "2024-03-05", "2024-03-05T10:00:00.500Z"},
		{`<meta name="date" content="2024-03-05">`, "2024-03-05", "2024-03-05T00:00:00.000Z"},
		{`<meta name="date" content="Tue, 05 Mar 2024 23:30:00 -0500">`, "2024-03-05", "2024-03-06T04:30:00.000Z"},
		{`</head><body><div><time datetime="2020-01-01T00:00:00Z">then</time></div><article><time datetime="2024-03-05T23:30:00Z">now</time>`, "2024-03-05", "2024-03-05T23:30:00.000Z"},
	} {
		p, err := ReadPage([]byte("<html><head><title>T</title>" + c.head + postParagraphs))
		if err != nil || p.Date.String() != c.day {
			t.Errorf("%s: %s, want %s, %v", c.head, p.Date, c.day, err)
			continue
		}
		objects, err := Drafter{Source: "x", Confidence: -1}.Report(p, nil)
		if err != nil || !strings.Contains(string(objects[len(objects)-1]), `"published":"`+c.moment+`"`) {
			t.Errorf("%s: %s, want %s, %v", c.head, objects, c.moment, err)
		}
	}
}

// TestPageCharacterSet: a page is read in the character set that it is in, also where it
// was saved in another than it states.
func TestPageCharacterSet(t *testing.T) {
	page := `<html lang="ru"><head><meta charset="windows-1251"><title>Хакеры</title></head><body><div><h1>Хакеры атаковали министерство</h1><p>15 марта 2023 г.</p>
<p>Специалисты обнаружили рассылку фишинговых писем с домена zlo-pochta[.]ru. Уязвимость CVE-2023-23397 использовалась для кражи хэшей.</p>
<p>По данным исследователей, злоумышленники применяли технику T1187 для принудительной аутентификации, и ущерб оценивается в миллионы рублей.</p></div></body></html>`
	old, err := charmap.Windows1251.NewEncoder().String(page)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"as stated": old, "as UTF-8": page} {
		p, err := ReadPage([]byte(text))
		if err != nil || p.Title != "Хакеры атаковали министерство" || p.Date.String() != "2023-03-15" || p.Language != "ru" || strings.HasPrefix(p.Text, p.Title) {
			t.Errorf("%s: %q, %s, %s, %q, %v", name, p.Title, p.Date, p.Language, p.Text, err)
		}
	}
}

func TestByline(t *testing.T) {
	for in, want := range map[string]string{"By Jane Roe · March 5, 2024": "Jane Roe", "by Jane Roe | Blog": "Jane Roe", "Byron Roe": "Byron Roe", "": "", "von: Eva Muster": "Eva Muster"} {
		if got := byline(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
