package intake

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"entente/internal/observable"
)

// readProse finds title, text, author and source in a page that was saved as text:
// the first line is the title; the text is the first run of prose below it; it ends
// where the page names its author or its source, or where its site goes on with
// other things (headlines, lists, dates of other news). Lines that name what an
// advisory lists (see lists) are text, with the headings above them. The date of a
// line between title and text comes beside it, as it stands there.
func readProse(text string) (p Page, dated string) {
	var all []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			all = append(all, line)
		}
	}
	if len(all) == 0 {
		return p, ""
	}
	p.Title = all[0]
	var body []string
	var early []string // what is listed above the first prose
	size := 0          // bytes of both
	short := 0         // lines in a row that are no prose
	var pending []string
	for i, line := range all[1:] {
		if author, via, ok := attribution(line); ok && len(body) > 0 {
			p.Author, p.Via = author, via
			if author == "" && len(pending) > 0 && personal(pending[len(pending)-1]) {
				p.Author = pending[len(pending)-1]
			}
			pending = nil
			break
		}
		if len(body) > 0 && (section(line) || stamp(line) || repeated(all[1:], i)) {
			break
		}
		if caption(line, p.Title) || (len(body) == 0 || short == 0) && furniture(line) {
			continue
		}
		if size > MaxText {
			break // of what follows nothing is kept
		}
		listed := lists(line, i > 0 && introduces(all[i]))
		if prose(line) || listed && len(body) > 0 {
			body = append(append(append(body, early...), pending...), line)
			early, pending, short = nil, nil, 0
			size += len(line)
			continue
		}
		if len(body) == 0 {
			if listed {
				early = append(early, line)
				size += len(line)
			} else if dated == "" && utf8.RuneCountInString(line) <= 60 {
				if d := dates(line, ""); len(d) > 0 && d[0].Year > 0 {
					dated = line
				}
			}
			continue
		}
		// A heading within the text, a signature, or the beginning of what the site
		// adds: only what follows tells.
		if short++; short > 2 && !listsSoon(all[i+2:]) {
			break
		}
		pending = append(pending, line)
	}
	if p.Author == "" && len(pending) > 0 && personal(pending[0]) {
		p.Author = pending[0]
	}
	p.Text = strings.Join(body, "\n\n")
	return p, dated
}

// lists tells a line of a list of indicators: it names an address, a hash, a CVE number
// or a technique, or anything that is defanged. A plain domain or URL, such as a site
// puts around its texts, counts only where the line above announces a list or is of one.
func lists(line string, announced bool) bool {
	found, err := Find(line)
	if err != nil {
		return false
	}
	for _, f := range found {
		switch f.Value.Type {
		case observable.Email:
			if f.Defanged {
				return true
			}
		case observable.Domain, observable.URL:
			if f.Defanged || announced {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// introduces tells a line that a list stands under ("Domains:") or that is of one.
func introduces(line string) bool {
	return strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：") || !prose(line) && lists(line, true)
}

// listsSoon tells whether one of the next lines is of a list of indicators, before the
// site goes on with other things.
func listsSoon(next []string) bool {
	for i, line := range next[:min(len(next), 4)] {
		if section(line) || stamp(line) || repeated(next, i) {
			return false
		}
		if lists(line, false) {
			return true
		}
	}
	return false
}

// prose tells a sentence or more from a headline.
func prose(line string) bool {
	n := utf8.RuneCountInString(line)
	if wide(line) { // in Chinese, Japanese and Korean a sentence is short
		return n >= 40 || n >= 12 && endsSentence(line)
	}
	words := len(strings.Fields(line))
	return n >= 160 && words >= 20 || n >= 60 && words >= 9 && endsSentence(line) || n >= 30 && words >= 5 && endsSentence(line) && !strings.ContainsAny(line[len(line)-1:], "?!")
}

func wide(line string) bool {
	n, all := 0, 0
	for _, r := range line {
		if unicode.IsLetter(r) {
			all++
			if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
				n++
			}
		}
	}
	return n*2 > all
}

func endsSentence(line string) bool {
	line = strings.TrimRight(line, `"'”’»)]』」 `)
	r, _ := utf8.DecodeLastRuneInString(line)
	return strings.ContainsRune(".!?…。！？:।؟", r)
}

// These are compiled when a page is read: programs that read none do not wait for them.
var (
	// sources introduce whom a text was taken from, where they begin a short line.
	sources = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(?:theo|nguồn|source|sources|via|quelle|quellen|fuente|fonte|источник|по материалам|по данным|джерело|来源|來源|稿源|출처|出典|par|avec|by)\s*[:：]?\s+\S|^(?:来源|來源|稿源|出典|출처|nguồn|source|quelle|fuente|fonte|источник)\s*[:：]\s*\S`)
	})
	// from stands in brackets behind a name: "Hồng Giang (theo Reuters)".
	from = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(.{2,60}?)\s*\((?:theo|nguồn|via|source|with|avec|mit|по материалам|по данным|来源|據|据)[:：]?\s+([^()]{2,60})\)\.?$`)
	})
	// credit ends a caption.
	credit = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)[(（](?:ảnh|nguồn|photo|foto|image|credit|getty|reuters|afp|ap|source|фото|图|圖|写真|사진)\s*[:：/]?[^()（）]{0,60}[)）]\.?$|(?:ảnh|photo|foto|фото|图|圖)\s*[:：]\s*[^.]{2,40}\.?$`)
	})
	figure = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\s[-–]\s(?:hình|ảnh|photo|image|figure|фото|图)\s*\d{1,3}$`)
	})
	// follow is what sites put between the lines of a text.
	follow = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(?:theo dõi .{1,40} trên|video đang hot|follow us.*|share(?: this)?.*|advertisement|quảng cáo|реклама|anzeige|publicité|listen to this article.*|subscribe.*|sign up.*|read more.*|xem thêm.*|chia sẻ.*|广告)$`)
	})
	// heads begin what a site adds to a text.
	heads = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(?:xem nhiều|đọc thêm|đọc nhiều|tin liên quan|tin cùng chuyên mục|tin mới nhất|tiêu điểm|tin đang nóng|có thể bạn quan tâm|bạn thấy bài viết này có hữu ích không\??|bình luận|từ khóa|related(?: articles| stories| posts| news)?|more (?:from|on) .{1,60}|most (?:read|popular|viewed)|read (?:next|also|more)|recommended(?: for you)?|you may also like|trending(?: now)?|latest news|comments|leave a (?:comment|reply)|tags?|share this.*|about the author|subscribe.*|newsletter.*|читайте также.*|популярное|по теме|комментарии|новости партн[её]ров|à lire aussi.*|les plus lus|sur le même sujet|commentaires|mehr zum thema|lesen sie auch.*|meistgelesen|kommentare|lee también.*|te puede interesar|lo más leído|comentarios|leia também.*|leggi anche.*|相关(?:新闻|阅读|报道|文章)|延伸阅读|热门.{0,6}|推荐阅读|评论|関連記事|人気記事|관련(?: )?기사|많이 본.{0,6})\s*[:：]?$`)
	})
	clock = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:\d{1,2}:\d{2}(?::\d{2})?\s*[-,|]?\s*)?\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?:\s*[-,|]?\s*\d{1,2}:\d{2}(?::\d{2})?)?$`)
	})
)

// attribution reads a line that ends a text with its author or its source.
func attribution(line string) (author, via string, ok bool) {
	if utf8.RuneCountInString(line) > 90 {
		return "", "", false
	}
	if m := from().FindStringSubmatch(line); m != nil && personal(m[1]) {
		return m[1], m[2], true
	}
	if sources().MatchString(line) && !endsSentence(line) && !follow().MatchString(line) && len(strings.Fields(line)) <= 8 {
		i := strings.IndexAny(line, " :：")
		first := strings.ToLower(line[:i])
		rest := strings.TrimLeft(line[i:], " :：\u3000")
		if first == "by" || first == "par" {
			return rest, "", personal(rest)
		}
		return "", rest, rest != "" && startsUpper(rest)
	}
	return "", "", false
}

func startsUpper(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r) || unicode.IsDigit(r) || !unicode.IsLower(r) && unicode.IsLetter(r) || strings.ContainsRune(`"“«`, r)
}

// personal tells what can be the name of a person or of an office: a few words, each
// with a capital, and no sentence.
func personal(s string) bool {
	words := strings.Fields(s)
	if len(words) == 0 || len(words) > 6 || endsSentence(s) || utf8.RuneCountInString(s) > 60 {
		return false
	}
	upper := 0
	for _, w := range words {
		if startsUpper(w) {
			upper++
		}
	}
	return upper*3 >= len(words)*2
}

func section(line string) bool { return heads().MatchString(line) }

// stamp tells a line that is nothing but a date, as behind the headlines of others.
func stamp(line string) bool { return clock().MatchString(line) }

// repeated tells a headline that stands twice, as a link to other news does: once as
// the picture's text, once as the headline.
func repeated(lines []string, i int) bool {
	return i+1 < len(lines) && lines[i] == lines[i+1]
}

func caption(line, title string) bool {
	if utf8.RuneCountInString(line) > 300 {
		return false
	}
	return figure().MatchString(line) || credit().MatchString(line) || strings.HasPrefix(line, title+" - ")
}

// furniture tells what a site puts between title and text.
func furniture(line string) bool { return follow().MatchString(line) }
