package logs

import (
	"bytes"
	"fmt"
	"strings"

	"entente/internal/watch/record"
)

// w3c is the W3C extended log format, as IIS, CloudFront and proxies such as Blue Coat's write it: "#Fields:" names the columns, which blanks or tabs part.
// https://www.w3.org/TR/WD-logfile.html
var w3c = kindOf{
	name: "w3c",
	make: func(o Options) Format { return &w3cColumns{lineFormat: lineFormat{reader{o: o}, "w3c"}} },
	mark: func(line []byte, g *glance) string {
		switch {
		case bytes.HasPrefix(line, w3cFields):
			if g.header = len(bytes.Fields(line)) > 2; g.header {
				return "#Fields:"
			}
		case bytes.HasPrefix(line, []byte("#Software: ")), bytes.HasPrefix(line, []byte("#Version: ")), bytes.HasPrefix(line, []byte("#Date: ")):
			return "#Version:"
		case g.header && line[0] != '#' && line[0] != '{' && bytes.ContainsAny(line, " \t"):
			return "#Fields:"
		}
		return ""
	},
}

var w3cFields = []byte("#Fields: ")

// w3cPlaces are the columns that are matched, by their names in lower case; what stands in others is taken by its form.
var w3cPlaces = map[string]place{
	"c-ip": {asAddress, record.Source}, "c-dns": {asHost, record.Source}, "s-ip": {asAddress, record.Destination}, "r-ip": {asAddress, record.Destination}, "cs-ip": {asAddress, record.Destination},
	"r-dns": {asHost, record.Destination}, "s-supplier-ip": {asAddress, record.Destination}, "s-supplier-name": {asHost, record.Destination},
	"cs-host": {asHost, record.Host}, "cs(host)": {asHost, record.Host}, "cs-uri-host": {asHost, record.Host}, "x-host-header": {asHost, record.Host},
	"cs-username": {asAccount, record.Source}, "cs(user-agent)": {asAgent, record.Agent}, "cs(referer)": {asURL, record.Referrer}, "cs-uri": {asURL, record.Request}, "c-uri": {asURL, record.Request},
	"x-forwarded-for": {asAddresses, record.Source}, "cs(x-forwarded-for)": {asAddresses, record.Source}, "x-rs-certificate-hostname": {asHost, record.Certificate},
	"c-port": {asPlain, record.Source}, "s-port": {asPlain, record.Destination}, "r-port": {asPlain, record.Destination},
	"date": {}, "time": {}, "s-computername": {}, "cs-uri-stem": {}, "cs-uri-path": {}, "cs-uri-query": {}, "cs-uri-scheme": {}, "cs-uri-port": {}, "cs-uri-extension": {},
	"cs-method": {}, "cs-version": {}, "cs(cookie)": {}, "s-sitename": {}, "time-taken": {}, "localtime": {}, "gmttime": {},
}

type w3cColumns struct {
	lineFormat
	header string
	date   string // of all lines, where no column says it
	cols   []string
	cells  []string
	proxy  bool // who writes it asks others for its clients
}

// Header implements [Format].
func (f *w3cColumns) Header() string { return f.header }

// Rest implements [Rester].
func (f *w3cColumns) Rest() {
	f.reader.Rest()
	clear(f.cells[:cap(f.cells)])
}

// Like implements the interface of that name.
func (f *w3cColumns) Like(line []byte) bool {
	if len(line) == 0 || line[0] == '#' || line[0] == '{' || f.cols == nil {
		return false
	}
	n, tab := 0, w3cTab(line)
	for rest, more := text8(line), true; more && n <= len(f.cols); n++ {
		_, rest, more = w3cCell(rest, tab)
	}
	return n == len(f.cols)
}

// w3cTab tells what parts the columns of a line.
func w3cTab(line []byte) byte {
	if bytes.IndexByte(line, '\t') >= 0 {
		return '\t'
	}
	return ' '
}

// w3cCell cuts the first cell off; in quotes a blank is text and two quotes are one, which stay two.
func w3cCell(s string, tab byte) (cell, rest string, more bool) {
	end := 0
	if strings.HasPrefix(s, `"`) {
		for end = 1; end < len(s); end++ {
			if s[end] == '"' {
				if end++; end == len(s) || s[end] != '"' {
					break
				}
			}
		}
	}
	i := strings.IndexByte(s[min(end, len(s)):], tab)
	if i < 0 {
		return s, "", false
	}
	return s[:end+i], s[end+i+1:], true
}

// Decode implements [Format].
func (f *w3cColumns) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	if line[0] == '#' {
		return f.directive(line)
	}
	if f.cols == nil {
		return fmt.Errorf("%w: there was no #fields line before it", ErrLine)
	}
	f.cells = f.cells[:0]
	tab := w3cTab(line)
	for rest, more := text8(line), true; more && len(f.cells) <= len(f.cols); {
		var cell string
		cell, rest, more = w3cCell(rest, tab)
		f.cells = append(f.cells, cell)
	}
	for i, cell := range f.cells[:min(len(f.cells), len(f.cols))] {
		name := f.cols[i]
		quoted := strings.HasPrefix(cell, `"`)
		if cell = f.unquoted(cell); cell == "-" {
			continue
		}
		p, known := w3cPlaces[name]
		switch {
		case !known:
			f.form(record.Other, name, cell)
		case p.as == asAgent || p.as == asAddresses:
			if spaced := f.spaced(cell); !quoted && spaced != cell {
				f.put(p, name, spaced)
				if p.as == asAddresses {
					continue
				}
			}
			f.put(p, name, cell)
		default:
			f.put(p, name, cell)
		}
	}
	f.request()
	client := f.get("c-ip")
	if own, _ := f.own(client); own && f.proxy {
		r.Direction = record.Outbound
		f.hostIs(client)
	} else if f.proxy {
		f.hostIs(client)
	} else {
		if !own {
			f.hostIs(f.get("s-computername"))
		}
		f.ends(client, f.get("s-ip"))
	}
	date := f.get("date")
	if date == "" {
		date = f.date
	}
	r.Time = moment(f.scratch.join(date, " ", f.get("time"))).UTC() // whatever the clock of the machine
	if r.Time.IsZero() {
		r.Time = moment(strings.Trim(f.get("gmttime")+f.get("localtime"), "[]"))
	}
	if len(f.cells) != len(f.cols) {
		return fmt.Errorf("%w: %d columns where #fields names %d", ErrLine, len(f.cells), len(f.cols))
	}
	return nil
}

// request puts the URL together.
func (f *w3cColumns) request() {
	target, path := f.get("cs-uri-stem"), "cs-uri-stem"
	if target == "" {
		target, path = f.get("cs-uri-path"), "cs-uri-path"
	}
	if query := f.get("cs-uri-query"); query != "" && target != "" {
		target = f.scratch.join(target, "?", strings.TrimPrefix(query, "?"))
	}
	host := ""
	for _, name := range []string{"x-host-header", "cs-host", "cs(host)", "cs-uri-host", "s-ip"} {
		if host == "" {
			host = f.get(name)
		}
	}
	if strings.Count(host, ":") > 1 && host[0] != '[' {
		host = f.scratch.join("[", host, "]")
	}
	port := f.get("cs-uri-port")
	if port == "" && !f.proxy {
		port = f.get("s-port")
	}
	scheme := f.get("cs-uri-scheme")
	switch {
	case scheme == "" && port == "443":
		scheme = "https"
	case scheme == "":
		scheme = "http"
	case scheme == "tcp" || scheme == "ssl": // CONNECT: the host alone
		return
	}
	f.url(record.Request, path, scheme, host, port, target)
}

// get gives what stands in a column, empty if there is nothing.
func (f *w3cColumns) get(name string) string {
	for i, n := range f.cols {
		if n == name && i < len(f.cells) && f.cells[i] != "-" {
			return f.unquoted(f.cells[i])
		}
	}
	return ""
}

// unquoted takes the quotes off a cell.
func (f *w3cColumns) unquoted(cell string) string {
	if !strings.HasPrefix(cell, `"`) {
		return cell
	}
	cell = strings.TrimSuffix(cell[1:], `"`)
	if strings.Contains(cell, `""`) {
		cell = strings.ReplaceAll(cell, `""`, `"`)
	}
	return cell
}

// spaced undoes what IIS makes of blanks; of two plus signs the second one is one.
func (f *w3cColumns) spaced(s string) string {
	if strings.IndexByte(s, '+') < 0 {
		return s
	}
	out := f.scratch.open(len(s))
	for i := range len(s) {
		if c := s[i]; c == '+' && (i == 0 || s[i-1] != '+') {
			out = append(out, ' ')
		} else {
			out = append(out, c)
		}
	}
	return f.scratch.close(out)
}

// directive reads a line of the header. One may come at any time, with other columns.
func (f *w3cColumns) directive(line []byte) error {
	key, rest, _ := strings.Cut(strings.TrimRight(string(line), "\r"), ":")
	switch strings.ToLower(key) {
	case "#date":
		f.date, _, _ = strings.Cut(strings.TrimSpace(rest), " ")
		f.date = f.date[:min(len(f.date), len("2006-01-02"))]
	case "#fields":
		cols := strings.Fields(strings.ToLower(rest))
		if len(cols) > MaxColumns {
			return fmt.Errorf("%w: %d columns; at most %d are read", ErrLine, len(cols), MaxColumns)
		}
		f.cols, f.proxy = cols, false
		for _, c := range cols {
			f.proxy = f.proxy || c == "s-action" || c == "cs-uri-scheme" || c == "r-ip" || c == "s-hierarchy" || c == "sc-filter-result"
		}
		f.header = ""
		if head := "#Date: " + f.date + "\n" + string(line) + "\n"; len(head) < MaxHeader {
			f.header = head
		}
	}
	return ErrNothing
}
