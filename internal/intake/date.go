package intake

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Date is a day, as far as a page says which.
type Date struct {
	Year  int `json:"year,omitempty"` // 0: the page does not say
	Month int `json:"month,omitempty"`
	Day   int `json:"day,omitempty"`
	// Inferred tells that the year is not in the page but follows from what it speaks of.
	Inferred bool `json:"inferred,omitempty"`
	// Evidence is what it was read from: the words of the page and, where the year was
	// inferred, the facts.
	Evidence string `json:"evidence,omitempty"`
	// At is the moment, where the page states it with its offset from UTC; day, month and
	// year are those of that offset.
	At time.Time `json:"at,omitzero"`
}

// Known tells that day, month and year are there.
func (d Date) Known() bool { return d.Year > 0 && d.Month > 0 && d.Day > 0 }

// Time is the moment, or else the beginning of the day in UTC; the zero time where
// the day is not known.
func (d Date) Time() time.Time {
	if !d.Known() {
		return time.Time{}
	}
	if !d.At.IsZero() {
		return d.At
	}
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
}

// String writes the date as in "2015-09-12", or "--09-12" where the year is not known.
func (d Date) String() string {
	switch {
	case d.Known():
		return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
	case d.Month > 0 && d.Day > 0:
		return fmt.Sprintf("--%02d-%02d", d.Month, d.Day)
	}
	return ""
}

func (d Date) valid() bool {
	if d.Month < 1 || d.Month > 12 || d.Day < 1 || d.Day > 31 {
		return false
	}
	year := d.Year
	if year == 0 {
		year = 2000 // a leap year: every day there can be
	}
	t := time.Date(year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
	return int(t.Month()) == d.Month && (d.Year == 0 || d.Year >= 1990 && d.Year <= 2100)
}

// dateOf finds when a page was published: what it states for machines, a line with a
// date around its beginning, or the date that its first paragraphs speak of as today's.
func dateOf(stated string, p Page) Date {
	if d, ok := readDate(stated, p.Language); ok && d.Year > 0 {
		d.Evidence = "the page states " + strconv.QuoteToGraphic(bounded(stated, 60))
		return d
	}
	if all := dates(p.besideTitle, p.Language); len(all) > 0 && all[0].Year > 0 {
		return all[0]
	}
	paragraphs := strings.Split(p.Text, "\n\n")
	if len(paragraphs) > 4 {
		paragraphs = paragraphs[:4]
	}
	var partial Date
	for _, text := range append([]string{p.Title}, paragraphs...) {
		for _, d := range dates(text, p.Language) {
			if d.Year > 0 {
				if partial.Month > 0 && (d.Month != partial.Month || d.Day != partial.Day) {
					continue // the day of what is told of, not of the telling
				}
				return d
			}
			if partial.Month == 0 {
				partial = d
			}
		}
		if partial.Month > 0 {
			break
		}
	}
	if partial.Month == 0 {
		return Date{}
	}
	return inferYear(partial, p)
}

// readDate reads a text that is a date, as machines state it.
func readDate(s, lang string) (Date, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Date{}, false
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", "2006-01-02T15:04Z07:00", time.RFC1123Z, time.RFC1123} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		d := Date{Year: t.Year(), Month: int(t.Month()), Day: t.Day()}
		if _, offset := t.Zone(); layout != time.RFC1123 || offset == 0 && strings.HasSuffix(s, "GMT") {
			d.At = t.UTC()
		}
		return d, d.valid()
	}
	all := dates(s, lang)
	if len(all) == 0 {
		return Date{}, false
	}
	return all[0], true
}

// The forms of dates. Each has groups named y, m, d; mon is a month by name. Programs that
// read no page do not wait for them.
var dateForms = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?:^|[^\d./-])(?P<y>(?:19|20)\d{2})[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})(?:[^\d]|$)`),
		regexp.MustCompile(`(?:^|\D)(?P<y>(?:19|20)\d{2})\s*(?:年|년)\s*(?P<m>\d{1,2})\s*(?:月|월)\s*(?P<d>\d{1,2})\s*(?:日|号|號|일)`),
		regexp.MustCompile(`(?:^|\D)(?P<m>\d{1,2})\s*(?:月|월)\s*(?P<d>\d{1,2})\s*(?:日|号|號|일)`),
		regexp.MustCompile(`(?i)(?:ngày|hôm nay|sáng|chiều|tối|trưa|mùng)\s+(?:ngày\s+)?(?P<d>\d{1,2})\s+tháng\s+(?P<m>\d{1,2})(?:\s*(?:năm|,|/)\s*(?P<y>(?:19|20)\d{2}))?`),
		regexp.MustCompile(`(?i)(?:ngày|hôm nay|sáng|chiều|tối|trưa|mùng|hôm qua|rạng sáng)\s+(?:ngày\s+|nay\s+)?\(?(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})(?:[/.-](?P<y>(?:19|20)\d{2}))?(?:\D|$)`),
		regexp.MustCompile(`(?:^|[^\d./-])(?P<a>\d{1,2})[./-](?P<b>\d{1,2})[./-](?P<y>(?:19|20)\d{2})(?:\D|$)`),
		regexp.MustCompile(`(?i)(?:^|[^\p{L}\d])(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.|º|°)?\s+(?:de\s+|of\s+)?(?P<mon>\p{L}{3,12})\.?,?\s+(?:de\s+|del\s+)?(?P<y>(?:19|20)\d{2})(?:\D|$)`),
		regexp.MustCompile(`(?i)(?:^|[^\p{L}])(?P<mon>\p{L}{3,12})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>(?:19|20)\d{2})(?:\D|$)`),
		regexp.MustCompile(`(?i)(?:^|[^\p{L}\d])(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.|º|°)?\s+(?:de\s+|of\s+)?(?P<mon>\p{L}{3,12})(?:[^\p{L}]|$)`),
		regexp.MustCompile(`(?i)(?:^|[^\p{L}])(?P<mon>\p{L}{3,12})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?(?:[^\d:/.]|$)`),
	}
})

// dates lists the dates that a text holds, those with a year first.
func dates(text, lang string) []Date {
	text = bounded(text, 8<<10)
	var with, without []Date
	for _, form := range dateForms() {
		names := form.SubexpNames()
		for _, m := range form.FindAllStringSubmatch(text, 16) {
			d := Date{Evidence: "the page says " + strconv.QuoteToGraphic(strings.Trim(m[0], " ,.;:()[]：（）【】"))}
			ok := true
			for i, name := range names {
				if name == "" || m[i] == "" {
					continue
				}
				n, _ := strconv.Atoi(m[i])
				switch name {
				case "y":
					d.Year = n
				case "m":
					d.Month = n
				case "d":
					d.Day = n
				case "a":
					d.Day = n
				case "b":
					d.Month = n
				case "mon":
					d.Month = monthNamed(m[i])
					ok = d.Month > 0
				}
			}
			if form.SubexpIndex("a") > 0 && (d.Month > 12 || lang == "en" && d.Day <= 12 && american(text)) {
				d.Day, d.Month = d.Month, d.Day
			}
			if !ok || !d.valid() {
				continue
			}
			if d.Year > 0 {
				with = append(with, d)
			} else {
				without = append(without, d)
			}
		}
	}
	return append(with, without...)
}

// american tells that a text writes the month first: some date in it can be read in
// no other way.
var monthFirst = regexp.MustCompile(`(?:^|\D)(?:0?\d|1[0-2])/(?:1[3-9]|2\d|3[01])/(?:19|20)\d{2}`)

func american(text string) bool { return monthFirst.MatchString(text) }

// monthNamed gives the number of a month by its name in the languages of most
// reports, in full or shortened to three letters and more; 0: none.
func monthNamed(s string) int {
	s = strings.ToLower(s)
	for i, names := range monthNames {
		for name := range strings.FieldsSeq(names) {
			if s == name || len([]rune(s)) >= 3 && strings.HasPrefix(name, s) && len([]rune(name))-len([]rune(s)) >= 1 && shortened(s) {
				return i + 1
			}
		}
	}
	return 0
}

// shortened tells a text that can be a short form: "mar" is one, "mai" is a month of
// its own and stands in the table.
func shortened(s string) bool { n := len([]rune(s)); return n == 3 || n == 4 }

var monthNames = [12]string{
	"january janvier januar enero janeiro gennaio januari января янв січня styczeń stycznia ocak ledna",
	"february février fevrier februar febrero fevereiro febbraio februari февраля фев лютого luty lutego şubat února",
	"march mars märz maerz marzo março marco maart марта мар березня marzec marca mart března",
	"april avril april abril aprile апреля апр квітня kwiecień kwietnia nisan dubna",
	"may mai mayo maio maggio mei мая травня maj maja mayıs května",
	"june juin juni junio junho giugno июня июн червня czerwiec czerwca haziran června",
	"july juillet juli julio julho luglio июля июл липня lipiec lipca temmuz července",
	"august août aout agosto augustus августа авг серпня sierpień sierpnia ağustos srpna",
	"september sept septembre septiembre setembro settembre сентября сен вересня wrzesień września eylül září",
	"october octobre oktober octubre outubro ottobre октября окт жовтня październik października ekim října",
	"november novembre noviembre novembro ноября ноя листопада listopad listopada kasım listopadu",
	"december décembre decembre dezember diciembre dezembro dicembre декабря дек грудня grudzień grudnia aralık prosince",
}
