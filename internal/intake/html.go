package intake

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// readHTML finds the subject of a page and the date that it states for machines.
func readHTML(content []byte) (p Page, date string, err error) {
	var r io.Reader = bytes.NewReader(content)
	if !utf8.Valid(content) {
		// What was saved as UTF-8 often states the character set that it had before, and
		// text in another is as good as never valid UTF-8.
		if r, err = charset.NewReader(r, "text/html"); err != nil {
			return p, "", fmt.Errorf("the page's character set: %w", err)
		}
	}
	doc, err := html.Parse(r)
	if err != nil {
		return p, "", fmt.Errorf("the page: %w", err)
	}
	if err := measure(doc); err != nil {
		return p, "", err
	}
	m := metadata(doc)
	parser := readability.NewParser()
	parser.CharThresholds = 200
	article, err := parser.ParseDocument(doc, m.base())
	if err != nil || article.Node == nil {
		// Some pages have no article that can be told from the rest by its tags.
		p, date = readProse(m.title + "\n\n" + blocks(doc))
	} else {
		p.Text = tidy(blocks(article.Node))
		p.Title, p.Author, p.Site = article.Title(), byline(article.Byline()), cleanLine(article.SiteName())
		p.Language = article.Language()
	}
	p.Title = firstOf(m.title, p.Title)
	p.Language = firstOf(m.language, p.Language)
	p.Site = firstOf(m.site, p.Site)
	p.URL = m.url
	if first, rest, more := strings.Cut(p.Text, "\n\n"); more && cleanLine(first) == cleanLine(p.Title) {
		p.Text = rest // the heading is in the title
	}
	p.besideTitle = m.beside
	return p, firstOf(m.date, date), nil
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// measure refuses a tree that is too large to be looked at.
func measure(doc *html.Node) error {
	nodes, depth := 0, 0
	for n := doc; n != nil; {
		if nodes++; nodes > maxNodes || depth > maxDepth {
			return fmt.Errorf("%w: the page has more than %d elements, or nests deeper than %d", ErrTooLong, maxNodes, maxDepth)
		}
		if n.FirstChild != nil {
			n, depth = n.FirstChild, depth+1
			continue
		}
		for n != nil && n.NextSibling == nil {
			n, depth = n.Parent, depth-1
		}
		if n != nil {
			n = n.NextSibling
		}
	}
	return nil
}

// pageMeta is what a page says of itself in its head.
type pageMeta struct {
	title, heading, language, site, url, date string
	// beside is what stands below the heading in a place for dates.
	beside string
}

func (m pageMeta) base() *url.URL {
	u, err := url.Parse(m.url)
	if err != nil || u.Host == "" {
		u = &url.URL{Scheme: "http", Host: "page.invalid", Path: "/"}
	}
	return u
}

func metadata(doc *html.Node) pageMeta {
	var m pageMeta
	var ogTitle, docTitle string
	var headings []*html.Node
	var dated []*html.Node // what may hold the date, and the headings between
	within := map[*html.Node]bool{}
	inTime := false // m.date is of a <time> in the article
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if within[n.Parent] || n.DataAtom == atom.Article || n.DataAtom == atom.Main {
			within[n] = true
		}
		if placeOfDate(n) {
			dated = append(dated, n)
		}
		switch n.DataAtom {
		case atom.Html:
			m.language = attr(n, "lang")
		case atom.Title:
			docTitle = firstOf(docTitle, textOf(n))
		case atom.H1:
			headings, dated = append(headings, n), append(dated, n)
		case atom.H2, atom.H3:
			headings, dated = append(headings, n), append(dated, n)
		case atom.Link:
			if strings.EqualFold(attr(n, "rel"), "canonical") {
				m.url = firstOf(m.url, webAddress(attr(n, "href")))
			}
		case atom.Time:
			if value := attr(n, "datetime"); value != "" && (m.date == "" || !inTime && within[n]) {
				m.date, inTime = value, within[n]
			}
		case atom.Meta:
			value := attr(n, "content")
			switch strings.ToLower(firstOf(attr(n, "property"), attr(n, "name"), attr(n, "itemprop"))) {
			case "og:title":
				ogTitle = firstOf(ogTitle, value)
			case "og:site_name":
				m.site = firstOf(m.site, value)
			case "og:url":
				m.url = firstOf(m.url, webAddress(value))
			case "og:locale", "content-language", "language":
				m.language = firstOf(m.language, value)
			case "article:published_time", "datepublished", "dc.date", "dc.date.issued", "dc.date.created", "dcterms.created", "dcterms.date", "dcterms.issued",
				"og:article:published_time", "article:published", "date", "pubdate",
				"publishdate", "publish-date", "publication_date", "parsely-pub-date", "sailthru.date", "citation_publication_date":
				if value != "" { // more exact than what any <time> may mean
					m.date, inTime = value, true
				}
			}
		case atom.Script:
			if strings.EqualFold(attr(n, "type"), "application/ld+json") && n.FirstChild != nil {
				if value := published(n.FirstChild.Data); value != "" {
					m.date, inTime = value, true
				}
			}
		}
	}
	m.heading = heading(headings, within, docTitle, m.site)
	m.title = firstOf(m.heading, ogTitle, withoutSite(docTitle, m.site))
	m.beside = beside(dated, m.title)
	m.date, m.title, m.site = cleanLine(m.date), cleanLine(m.title), cleanLine(m.site)
	return m
}

// heading finds the heading of the article: the first of the highest rank within it, or
// else on the page, which is not the site's name. One of a lower rank counts where the
// document's title is the site's name, a colon, and it.
func heading(all []*html.Node, within map[*html.Node]bool, docTitle, site string) string {
	for _, inside := range [...]bool{true, false} {
		for _, n := range all {
			if text := textOf(n); n.DataAtom == atom.H1 && text != "" && (within[n] || !inside) && !logo(n) && !strings.EqualFold(text, site) {
				return text
			}
		}
	}
	for _, n := range all {
		text := textOf(n)
		if n.DataAtom != atom.H1 && utf8.RuneCountInString(text) >= 8 && strings.HasSuffix(docTitle, ": "+text) {
			return text
		}
	}
	return ""
}

// logo tells a heading that is the site's name.
func logo(n *html.Node) bool {
	mark := strings.ToLower(attr(n, "class") + " " + attr(n, "id"))
	for _, word := range [...]string{"site-title", "site-name", "sitename", "blog-title", "logo", "brand"} {
		if strings.Contains(mark, word) {
			return true
		}
	}
	return false
}

// placeOfDate tells an element that is for a date or for what is said of an article.
func placeOfDate(n *html.Node) bool {
	if n.DataAtom == atom.Time {
		return true
	}
	mark := strings.ToLower(attr(n, "class") + " " + attr(n, "id") + " " + attr(n, "itemprop"))
	for _, word := range [...]string{"date", "time", "publish", "posted", "byline", "meta"} {
		if strings.Contains(mark, word) {
			return true
		}
	}
	return false
}

// beside gives the first short text with a date in a place for dates below the heading
// that is the title, and before the next heading.
func beside(places []*html.Node, title string) string {
	below := false
	for _, n := range places {
		switch n.DataAtom {
		case atom.H1, atom.H2, atom.H3:
			if below {
				return ""
			}
			below = textOf(n) == title
			continue
		}
		if !below {
			continue
		}
		if text := textOf(n); utf8.RuneCountInString(text) <= 200 {
			if all := dates(text, ""); len(all) > 0 && all[0].Year > 0 {
				return text
			}
		}
	}
	return ""
}

// byline gives the name that a line under a heading says.
func byline(s string) string {
	s = cleanLine(s)
	for _, sep := range [...]string{" · ", " | ", " • ", " — ", " – "} {
		s, _, _ = strings.Cut(s, sep)
	}
	if first, rest, ok := strings.Cut(s, " "); ok {
		switch strings.TrimSuffix(strings.ToLower(first), ":") {
		case "by", "von", "par", "por", "автор", "door":
			s = rest
		}
	}
	return strings.TrimSpace(s)
}

// withoutSite takes the site's name from the end of a document's title.
func withoutSite(title, site string) string {
	for _, sep := range [...]string{" | ", " - ", " – ", " — ", " :: "} {
		if i := strings.LastIndex(title, sep); i > 0 && (site == "" || strings.EqualFold(strings.TrimSpace(title[i+len(sep):]), site)) {
			return title[:i]
		}
	}
	return title
}

// published takes datePublished out of linked data without reading it as a whole:
// what stands there is often no JSON.
func published(data string) string {
	i := strings.Index(data, `"datePublished"`)
	if i < 0 {
		return ""
	}
	rest := strings.TrimLeft(data[i+len(`"datePublished"`):], " \t\r\n:")
	if !strings.HasPrefix(rest, `"`) {
		return ""
	}
	value, _, ok := strings.Cut(rest[1:], `"`)
	if !ok || len(value) > 64 {
		return ""
	}
	return value
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// webAddress gives an address of the web, or nothing.
func webAddress(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(s) > 2000 {
		return ""
	}
	return u.String()
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return cleanLine(b.String())
}

// blocks gives the text of a tree, paragraphs parted by an empty line, without what
// is no text.
func blocks(root *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.TextNode:
			text := strings.Map(func(r rune) rune {
				if r == '\n' || r == '\t' || r == '\r' {
					return ' '
				}
				return r
			}, n.Data)
			b.WriteString(text)
			return
		case html.ElementNode:
			switch n.DataAtom {
			case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Iframe, atom.Svg, atom.Form, atom.Button, atom.Select,
				atom.Figcaption, atom.Nav, atom.Footer:
				return
			case atom.Br:
				b.WriteString("\n")
			}
		}
		block := n.Type == html.ElementNode && isBlock(n.DataAtom)
		if block {
			b.WriteString("\n\n")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if block {
			b.WriteString("\n\n")
		} else if n.DataAtom == atom.Td || n.DataAtom == atom.Th {
			b.WriteString(" ")
		}
	}
	walk(root)
	return b.String()
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Section, atom.Article, atom.Main, atom.Header, atom.Aside, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5,
		atom.H6, atom.Ul, atom.Ol, atom.Li, atom.Dl, atom.Dt, atom.Dd, atom.Table, atom.Tr, atom.Blockquote, atom.Pre, atom.Figure, atom.Hr:
		return true
	}
	return false
}

// tidy gives clean paragraphs.
func tidy(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n\n")
}
