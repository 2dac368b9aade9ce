package intake

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/RadhiFadlillah/whatlanggo"
)

// Page is what a page of news, an advisory or a blog says, without what its site
// puts around it.
type Page struct {
	Title string `json:"title"`
	// Date is when it was published, as far as the page says so.
	Date Date `json:"date"`
	// Language is a BCP 47 tag of one subtag ("vi"), empty if it cannot be told.
	Language string `json:"language,omitempty"`
	Author   string `json:"author,omitempty"`
	// Via is whom the page names as its own source, for instance a news agency.
	Via  string `json:"via,omitempty"`
	Site string `json:"site,omitempty"`
	// URL is the address the page gives for itself, if any.
	URL string `json:"url,omitempty"`
	// Text is the main text: paragraphs parted by an empty line.
	Text string `json:"text"`

	besideTitle string // what stands below the title in a place for dates
}

// ReadPage reads a page of HTML, or of text as somebody saved it from a browser:
// the title first, then the text, then perhaps what the site shows beside it. It
// fails with ErrTooLong over [MaxPage] bytes, and with ErrNoText where nothing looks
// like a text with a subject. Scripts are never run, and nothing is fetched.
func ReadPage(content []byte) (Page, error) {
	if len(content) > MaxPage {
		return Page{}, fmt.Errorf("%w: the page has %d bytes, at most %d are read", ErrTooLong, len(content), MaxPage)
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	var p Page
	var meta string // the date that the page states for machines
	if looksLikeHTML(content) {
		var err error
		if p, meta, err = readHTML(content); err != nil {
			return Page{}, err
		}
	} else {
		p, meta = readProse(toText(content))
	}
	if strings.TrimSpace(p.Text) == "" {
		return p, ErrNoText
	}
	p.Title, p.Text = cleanLine(p.Title), bounded(p.Text, MaxText)
	p.Language = language(p.Language, p.Title+"\n"+p.Text)
	p.Date = dateOf(meta, p)
	return p, nil
}

// toText makes valid text of bytes in UTF-8.
func toText(content []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(content), "\ufffd"), "\r\n", "\n")
}

func looksLikeHTML(content []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(content[:min(len(content), 4096)]))
	if !bytes.HasPrefix(start, []byte("<")) {
		return false
	}
	for _, mark := range [...]string{"<!doctype html", "<html", "<head", "<body", "<article", "<title", "<meta", "<div", "<p>", "<h1", "<main", "<section"} {
		if bytes.Contains(start, []byte(mark)) {
			return true
		}
	}
	return false
}

// language takes the tag that a page states, or else tells the language by the text.
func language(stated, text string) string {
	info := whatlanggo.Detect(bounded(text, 16<<10))
	code := ""
	if info.Lang >= 0 {
		code = info.Lang.Iso6391()
	}
	base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(stated, "_", "-")), "-")
	if !tag(base) {
		base = ""
	}
	// Templates state the language of the site's makers; a confident reading wins.
	if code != "" && (base == "" || info.IsReliable() && utf8.RuneCountInString(text) > 400) {
		return code
	}
	return base
}

func tag(s string) bool {
	if len(s) < 2 || len(s) > 3 {
		return false
	}
	for _, r := range s {
		if r < 'a' || r > 'z' {
			return false
		}
	}
	return true
}

// bounded cuts a text at a rune of at most n bytes.
func bounded(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cleanLine makes one line of a text: no control characters, single spaces.
func cleanLine(s string) string {
	return bounded(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u200b' || r == '\ufeff'
	}), " "), 1000)
}
