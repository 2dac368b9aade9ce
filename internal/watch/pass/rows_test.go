package pass

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// asTable is a map of fields by which each cell of a table of four columns is seen as it stands.
const asTable = "1=other:file-name,2=other:file-name,3=other:file-name,4=other:file-name"

// unit is what was read as one: a line, or a record of several.
type unit struct {
	from   int64
	number int64
	text   string
	cells  string // by column
}

func cellsOf(r *record.Record) string {
	var b strings.Builder
	for _, f := range r.Fields {
		fmt.Fprintf(&b, "%s=%q ", f.Path, f.Text)
	}
	return b.String()
}

// units reads a text in pieces, going on in a new pass at each stop, and tells what was read as one and what was counted.
func units(t interface{ Fatal(...any) }, format string, text []byte, fields string, cuts, stops []int) ([]unit, Counts) {
	o := logs.Options{Own: logs.Private(), Now: clock}
	var err error
	if fields != "" {
		if o.Fields, err = logs.ParseMap(fields); err != nil {
			t.Fatal(err)
		}
	}
	none := watch.NewBuilder(watch.Seed{1, 2}).Set()
	var out []unit
	state, counts := State{}, Counts{}
	for i, stop := range append(slices.Clone(stops), len(text)) {
		var last unit
		p := New(Options{Set: func() *watch.Set { return none }, Sightings: &sighting.Table{}, Logs: o, Format: format,
			Each: func(r *record.Record, _ string, from, _ int64) {
				last = unit{from: from, text: string(r.Line), cells: cellsOf(r)}
			},
			Read: func(_ *record.Record, _ string, number int64) {
				last.number = number
				out = append(out, last)
			}})
		p.Counts = counts
		x, err := p.Open("log", state)
		if err != nil {
			t.Fatal(err)
		}
		at := int(state.Offset)
		for _, cut := range append(slices.Clone(cuts), stop) {
			if cut > at && cut <= stop {
				x.Write(text[at:cut], now)
				at = cut
			}
		}
		if i == len(stops) {
			x.Flush(now)
		} else {
			x.Rest(now)
		}
		state, counts = x.State(), p.Counts
	}
	if state.Offset != int64(len(text)) || state.Line != counts.Lines || counts.Bytes != int64(len(text)) {
		t.Fatal(fmt.Sprintf("the stream is at %+v of %d: %+v", state, len(text), counts))
	}
	return out, counts
}

// reference reads a table as [encoding/csv] does: a record of several lines is one that it takes, by the letter, from several lines; every other line stands for itself. It gives where each
// begins and its text.
func reference(text string, comma rune, columns int) (out []unit) {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, line)
	}
	at, number := int64(0), int64(1)
	for i := 0; i < len(lines); {
		n := 1
		if lines[i] != "" && lines[i][0] != '#' {
			for j := i + 1; j < len(lines); j++ { // the fewest lines that are one record
				if strings.Contains(lines[i]+lines[j], "\x00") { // no text
					break
				}
				r := csv.NewReader(strings.NewReader(strings.Join(lines[i:j+1], "")))
				r.Comma, r.FieldsPerRecord = comma, -1
				cells, err := r.Read()
				if err != nil {
					continue
				}
				if _, end := r.Read(); errors.Is(end, io.EOF) && r.InputOffset() == int64(len(strings.Join(lines[i:j+1], ""))) && len(cells) == columns && several(lines[i], comma) {
					n = j + 1 - i
				}
				break
			}
		}
		u := strings.Join(lines[i:i+n], "")
		out = append(out, unit{from: at, number: number, text: strings.TrimRight(u, "\r\n")})
		at, number, i = at+int64(len(u)), number+int64(n), i+n
	}
	return out
}

// zeros tells whether a line has bytes of zero.
func zeros(text string, number int64) bool {
	lines := strings.Split(text, "\n")
	return number > 0 && int(number) <= len(lines) && strings.Contains(lines[number-1], "\x00")
}

// several tells whether a line alone is the beginning of a record of several: it breaks off in quotes.
func several(line string, comma rune) bool {
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.FieldsPerRecord = comma, -1
	_, err := r.Read()
	var bad *csv.ParseError
	return errors.As(err, &bad) && errors.Is(bad.Err, csv.ErrQuote) && strings.Count(line, `"`)%2 == 1
}

var (
	commasOf = []string{",", ";", "\t", "|"}
	pieces   = []string{"evil.example", "192.0.2.66", "x", "", " ", `"`, `""`, ",", ";", "\t", "|", "\n", "\r\n", "\r", "é", "\u2028", "日本", "#", "{", "}", "'", "=", `\`, "a,b", "\n\n", `","`, `",`, "1"}
)

// cell makes a cell as a writer of tables has it: in quotes where it has to be, and sometimes where not.
func cell(t *rapid.T, comma string) string {
	text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 5).Draw(t, "cell"), "")
	if strings.ContainsAny(text, "\"\r\n"+comma) || text != "" && text[0] == '#' || rapid.Bool().Draw(t, "quoted") {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

func ends(t *rapid.T, label string, n, most int) []int {
	out := rapid.SliceOfN(rapid.IntRange(0, n), 0, most).Draw(t, label)
	slices.Sort(out)
	return out
}

// TestTablesAreReadWhole: any table, with any line breaks, quotes, separators and characters in its cells, is read as [encoding/csv] reads it by the letter: the same records, the same
// cells in the same columns, each at its first line, however it is cut into blocks and wherever reading stops and goes on.
func TestTablesAreReadWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		comma := rapid.SampledFrom(commasOf).Draw(t, "comma")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		headed := rapid.Bool().Draw(t, "header")
		first := []string{"one", "two", "three", "four"}
		if headed {
			first = []string{`"time` + end + `of it"`, "two", "src_ip", `"fo""ur"`}
		}
		var b strings.Builder
		b.WriteString(strings.Join(first, comma) + end)
		for range rapid.IntRange(1, 12).Draw(t, "records") {
			row := make([]string, 4)
			for i := range row {
				row[i] = cell(t, comma)
			}
			line := strings.Join(row, comma)
			if strings.TrimRight(line, " \t") == "" { // a blank line is none
				continue
			}
			b.WriteString(line + end)
		}
		text := b.String()
		if rapid.Bool().Draw(t, "without the last end") {
			text = strings.TrimSuffix(text, end)
		}
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.FieldsPerRecord = rune(comma[0]), 4
		var want []string
		for i := 0; ; i++ {
			cells, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err, text)
			}
			if i == 0 && headed {
				continue
			}
			line, _ := r.FieldPos(0)
			var c strings.Builder
			for j, x := range cells {
				if x = strings.TrimSpace(x); x != "" && x != "-" {
					fmt.Fprintf(&c, "%d=%q ", j+1, x)
				}
			}
			want = append(want, fmt.Sprintf("%d: %s", line, c.String()))
		}
		fields := asTable
		if headed && rapid.Bool().Draw(t, "by name") {
			fields = `two=other:file-name,1=other:file-name,3=other:file-name,fo"ur=other:file-name`
		}
		got, counts := units(t, "csv", []byte(text), fields, ends(t, "cuts", len(text), 12), ends(t, "stops", len(text), 3))
		var have []string
		for _, u := range got {
			// [encoding/csv] brings the ends of lines in cells to one form.
			c := strings.ReplaceAll(u.cells, `\r\n`, `\n`)
			for i, name := range []string{"column.1", "column.2", "column.3", "column.4"} {
				c = strings.ReplaceAll(c, name+"=", fmt.Sprintf("%d=", i+1))
			}
			if headed {
				c = strings.ReplaceAll(strings.ReplaceAll(c, `two="`, `2="`), `src_ip="`, `3="`)
				c = strings.ReplaceAll(c, `fo"ur="`, `4="`)
				c = strings.ReplaceAll(c, "time"+end+`of it="`, `1="`)
			}
			have = append(have, fmt.Sprintf("%d: %s", u.number, c))
		}
		if !slices.Equal(have, want) || counts.Stray != 0 || counts.Failed != 0 {
			t.Fatalf("read\n%s\ninstead of\n%s\n%+v in\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"), counts, text)
		}
	})
}

// TestStrayQuotes: in lines with quotes anywhere, what is read as one is what [encoding/csv] takes by the letter, and every other line stands for itself; so each value that is found where
// each line is read for itself is found, unless it stands in a record of several lines.
func TestStrayQuotes(t *testing.T) {
	s := set(t, "evil.example", "192.0.2.66")
	rapid.Check(t, func(t *rapid.T) {
		comma := rapid.SampledFrom(commasOf).Draw(t, "comma")
		headed := rapid.Bool().Draw(t, "header")
		text := strings.Join([]string{"one", "two", "three"}, comma) + "\n"
		if headed {
			text = strings.Join([]string{"one", "src_ip", "domain"}, comma) + "\n"
		}
		bits := []string{"evil.example", "192.0.2.66", "x", comma, comma, comma, comma + `"`, `"` + comma, `"`, `""`, "\n", "\n", "\r\n", "#", "a b", comma + `"` + comma, "\x00"}
		for range rapid.IntRange(1, 10).Draw(t, "lines") {
			text += strings.Join(rapid.SliceOfN(rapid.SampledFrom(bits), 0, 12).Draw(t, "line"), "") + "\n"
		}
		cuts, stops := ends(t, "cuts", len(text), 12), ends(t, "stops", len(text), 3)
		got, _ := units(t, "csv", []byte(text), "", cuts, stops)
		want := map[int64]unit{}
		for _, u := range reference(text, rune(comma[0]), 3) {
			want[u.from] = u
		}
		for _, u := range got {
			w, known := want[u.from]
			if !known && zeros(text, u.number) { // it stands behind them
				continue
			}
			if strings.Contains(w.text, "\x00") {
				w.text, _, _ = strings.Cut(w.text, "\x00")
			}
			if headed && (u.text != w.text || u.number != w.number) { // without a header any number of columns is one
				t.Fatalf("%q at line %d instead of %q at line %d, in\n%s", u.text, u.number, w.text, w.number, text)
			}
		}
		hits := func(format string, one bool) (out []string) {
			var number int64
			p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Logs: logs.Options{Own: logs.Private(), Now: clock}, Format: format,
				Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
					if one {
						h.Number = number
					}
					out = append(out, fmt.Sprintf("%d %s", h.Number, h.Value.Text))
				}})
			x, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			if !one {
				x.Write([]byte(text), now)
				x.Flush(now)
				return out
			}
			for line := range strings.Lines(text) {
				number++
				x.Write([]byte(line), now)
				x.Release(now)
			}
			return out
		}
		whole := hits("csv", false)
		inside := func(number int64) bool { // of a record of several lines
			for _, u := range got {
				if number >= u.number && number <= u.number+int64(strings.Count(u.text, "\n")) {
					return strings.Contains(u.text, "\n")
				}
			}
			return false
		}
		for _, h := range hits("csv", true) {
			var n int64
			var v string
			if _, err := fmt.Sscan(h, &n, &v); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(whole, h) && !inside(n) {
				t.Fatalf("line by line %s is found, and not so: %q\n%s", h, whole, text)
			}
		}
	})
}

// TestStopsInRecords: wherever reading stops, it goes on at the beginning of a record, and each is read once.
func TestStopsInRecords(t *testing.T) {
	text := "ts,src_ip,domain\n" + strings.Repeat("2024-05-23T02:30:26Z,\"10.0.0.1\r\n\",\"\nevil.example\n\"\n2024-05-23T02:30:26Z,10.0.0.2,good.example\n", 5) +
		"2024-05-23T02:30:26Z,\"10.0.0.1\n,evil.example\n" + strings.Repeat("2024-05-23T02:30:26Z,10.0.0.2,evil.example\n", 3)
	s := set(t, "evil.example")
	all, want := run(t, s, []byte(text), nil, nil)
	if len(all) != 9 || want.Stray != 1 {
		t.Fatalf("%q %+v", all, want)
	}
	for stop := range len(text) {
		hits, counts := run(t, s, []byte(text), []int{stop / 2}, []int{stop})
		if !slices.Equal(hits, all) || counts.Lines != want.Lines || counts.Bytes != want.Bytes || counts.Failed != want.Failed {
			t.Fatalf("stopped at %d: %q %+v\ninstead of %q %+v", stop, hits, counts, all, want)
		}
	}
}

// TestRecordsAreBounded: what a stray quote holds up is bounded in lines, in bytes and in time, and is read line by line then, from its first line on.
func TestRecordsAreBounded(t *testing.T) {
	s := set(t, "evil.example")
	line := "2024-05-23T02:30:26Z,10.0.0.2,evil.example\n"
	open := func() (*Pass, *Stream, *sighting.Table) {
		table := &sighting.Table{}
		p := New(Options{Set: func() *watch.Set { return s }, Sightings: table, Logs: logs.Options{Now: clock}, Format: "csv"})
		x, err := p.Open("log", State{})
		if err != nil {
			t.Fatal(err)
		}
		x.Write([]byte("ts,src_ip,domain\n2024-05-23T02:30:26Z,\"10.0.0.1,evil.example\n"), now)
		return p, x, table
	}
	p, x, table := open()
	for range maxRecordLines - 1 {
		x.Write([]byte(line), now)
	}
	if table.Hits != 0 || x.State().Offset != 17 || !x.Waits() {
		t.Errorf("%d hits, %+v", table.Hits, x.State())
	}
	x.Write([]byte(line), now)
	if table.Hits != maxRecordLines || p.Counts.Stray != 1 || x.State().Offset != p.Counts.Bytes || x.Waits() {
		t.Errorf("%d hits, %+v, %+v", table.Hits, p.Counts, x.State())
	}
	p, x, table = open()
	long := strings.Repeat("x", 1<<18) + "\n"
	for range 3 {
		x.Write([]byte(long), now)
	}
	if table.Hits != 0 || cap(x.carry) > 3*MaxRecord {
		t.Errorf("%d hits, %d bytes held", table.Hits, cap(x.carry))
	}
	x.Write([]byte(long[:len(long)/2]), now) // a line need not end for it
	x.Write([]byte(long[len(long)/2:len(long)-1]), now)
	if p.Counts.Stray != 1 || p.Counts.Lines != 5 {
		t.Errorf("%+v", p.Counts)
	}
	x.Write([]byte("\n"+line), now)
	if table.Hits != 1 || p.Counts.Lines != 7 {
		t.Errorf("%d hits, %+v", table.Hits, p.Counts)
	}
	p, x, table = open()
	x.Write([]byte(line), now)
	x.Rest(now)
	x.Rest(now.Add(MaxRecordWait - time.Second))
	state := x.State()
	if table.Hits != 0 || state.Since != now.Unix() {
		t.Errorf("%d hits, %+v", table.Hits, state)
	}
	x.Rest(now.Add(MaxRecordWait))
	if table.Hits != 1 || p.Counts.Stray != 1 || x.State().Since != 0 {
		t.Errorf("%d hits, %+v, %+v", table.Hits, p.Counts, x.State())
	}
	// Another process waits no longer than the rest of that time.
	p = New(Options{Set: func() *watch.Set { return s }, Sightings: table, Logs: logs.Options{Now: clock}, Format: "csv"})
	x, err := p.Open("log", state)
	if err != nil {
		t.Fatal(err)
	}
	x.Write([]byte("2024-05-23T02:30:26Z,\"10.0.0.1,evil.example\n"+line), now.Add(MaxRecordWait))
	x.Rest(now.Add(MaxRecordWait))
	if table.Hits != 2 || p.Counts.Stray != 1 {
		t.Errorf("%d hits, %+v", table.Hits, p.Counts)
	}
	// The next record has its own time.
	x.Write([]byte("2024-05-23T02:30:26Z,\"10.0.0.1\n"), now.Add(MaxRecordWait))
	x.Rest(now.Add(MaxRecordWait))
	x.Write([]byte("\",evil.example\n"), now.Add(MaxRecordWait))
	if table.Hits != 3 || p.Counts.Stray != 1 {
		t.Errorf("%d hits, %+v", table.Hits, p.Counts)
	}
}

// followed counts how often a line is followed.
type followed struct {
	logs.Rows
	n int64
}

func (f *followed) Follow(row *logs.Row, line []byte) logs.Next {
	f.n++
	return f.Rows.Follow(row, line)
}

// TestHostileQuotes: a line of 100 MB in quotes, and short lines with quotes everywhere, each of which looks as if it might begin a record, take no more memory than the bounds, and no line is looked at
// more than a few times.
func TestHostileQuotes(t *testing.T) {
	s := set(t, "evil.example")
	for name, of := range map[string][]string{
		"toggles": {`a,"` + "\n", `",b` + "\n"}, "opens": {`a,"` + "\n", `a,b` + "\n"}, "even": {`a,"` + "\n", `a","` + "\n"}, "doubled": {`"""` + "\n", `""` + "\n"}, "all": {strings.Repeat(`"`, 63) + "\n"},
	} {
		p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Logs: logs.Options{Now: clock}, Format: "csv"})
		x, err := p.Open("log", State{})
		if err != nil {
			t.Fatal(err)
		}
		rows, ok := x.format.(logs.Rows)
		if !ok {
			t.Fatal(x.format)
		}
		counted := &followed{Rows: rows}
		x.format = counted
		block := []byte(of[0] + strings.Repeat(strings.Join(of[1:], ""), 2*maxRecordLines))
		lines := int64(0)
		for range 20 {
			x.Write(block, now)
			lines += int64(bytes.Count(block, []byte("\n")))
		}
		x.Flush(now)
		if p.Counts.Lines != lines || cap(x.carry) > 3*MaxRecord {
			t.Errorf("%s: %d lines: %+v, %d bytes held", name, lines, p.Counts, cap(x.carry))
		}
		if counted.n > 3*lines {
			t.Errorf("%s: %d lines are looked at %d times", name, lines, counted.n)
		}
	}
	table := &sighting.Table{}
	p := New(Options{Set: func() *watch.Set { return s }, Sightings: table, Logs: logs.Options{Now: clock}, Format: "csv"})
	x, err := p.Open("log", State{})
	if err != nil {
		t.Fatal(err)
	}
	x.Write([]byte("ts,src_ip,domain\n2024-05-23T02:30:26Z,\"10.0.0.1"), now)
	block := bytes.Repeat([]byte("x"), 256<<10)
	for range 400 {
		x.Write(block, now)
		if cap(x.carry) > 3*MaxLine {
			t.Fatalf("%d bytes are held", cap(x.carry))
		}
	}
	x.Write([]byte("\",evil.example\n2024-05-23T02:30:26Z,\"10.0.0.1\n\",evil.example\n"), now)
	if p.Counts.TooLong != 1 || table.Hits != 1 || p.Counts.Lines != 4 || x.State().Offset != p.Counts.Bytes {
		t.Errorf("%d hits, %+v, %+v", table.Hits, p.Counts, x.State())
	}
}

// TestRecordsArePicked: a value in any line of a record of several lines is found, told by itself or by the format that was named, among lines of which only some are read, where formats change before, within and behind tables;
// and so is it where every line is read.
func TestRecordsArePicked(t *testing.T) {
	s := set(t, "evil.example", "192.0.2.66", "user-agent:Evil Bot", "http://bad-url.example/x")
	values := []string{"evil.example", "192.0.2.66", "Evil Bot", "Evil\nBot", "http://bad-url.example/x", "good.example", "192.0.2.6", "a text\nof lines, with \"\" in it", "\nevil.example\n", "line\r\n\r\nline", "x evil.example", ""}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		forced := rapid.Bool().Draw(t, "forced")
		row := func(kind string) {
			value := func() string {
				v := rapid.SampledFrom(values).Draw(t, "value")
				if strings.ContainsAny(v, "\n\",") || rapid.Bool().Draw(t, "quoted") {
					return `"` + v + `"`
				}
				return v
			}
			switch kind {
			case "table":
				fmt.Fprintf(&b, "2024-05-23T02:30:26Z,%s,%s,%s\n", value(), value(), value())
			case "flows":
				fmt.Fprintf(&b, "2024-05-23 02:30:26,2024-05-23 02:30:26,0.1,%s,192.0.2.66,%s\n", value(), value())
			case "stray":
				fmt.Fprintf(&b, "2024-05-23T02:30:26Z,\"%s,evil.example,x\n", rapid.SampledFrom([]string{"a", "evil.example", ""}).Draw(t, "stray"))
			case "json":
				fmt.Fprintf(&b, `{"ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`+"\n", rapid.SampledFrom([]string{"evil.example", "good.example"}).Draw(t, "name"))
			}
		}
		kinds := []string{"table"}
		if !forced {
			kinds = rapid.SliceOfN(rapid.SampledFrom([]string{"table", "flows", "json"}), 1, 3).Draw(t, "kinds")
		}
		for _, kind := range kinds {
			switch kind {
			case "table":
				b.WriteString("time,src_ip,\"user\nagent\",url\n")
			case "flows":
				b.WriteString("ts,te,td,sa,da,pr\n")
			}
			for range rapid.IntRange(1, 15).Draw(t, "records") {
				k := kind
				if kind == "table" && rapid.IntRange(0, 9).Draw(t, "stray") == 0 {
					k = "stray"
				}
				for range rapid.SampledFrom([]int{1, 1, 9}).Draw(t, "times") {
					row(k)
				}
			}
		}
		text := []byte(b.String())
		cut, rest := rapid.IntRange(0, len(text)).Draw(t, "cut"), rapid.Bool().Draw(t, "rest")
		read := func(each func(*record.Record, string, int64, int64)) (hits []string, c Counts) {
			format := ""
			if forced {
				format = "csv"
			}
			p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Logs: logs.Options{Own: logs.Private(), Now: clock}, Each: each, Format: format,
				Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
					hits = append(hits, fmt.Sprintf("%d %s %s %s %s", h.Number, h.ID, h.Fields[0].Path, h.Format, h.Line))
				}})
			x, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			x.Write(text[:cut], now)
			if rest {
				x.Rest(now)
			}
			x.Write(text[cut:], now)
			x.Flush(now)
			if st := x.State(); st.Offset != int64(len(text)) || st.Line != p.Counts.Lines {
				t.Fatalf("the stream is at %+v of %d", st, len(text))
			}
			return hits, p.Counts
		}
		some, c := read(nil)
		all, d := read(func(*record.Record, string, int64, int64) {})
		if !slices.Equal(some, all) {
			t.Fatalf("found\n%q\nand where every line is read\n%q\nin\n%s", some, all, text)
		}
		if c.Lines != d.Lines || c.Bytes != d.Bytes || c.Stray != d.Stray || c.Decoded > d.Decoded {
			t.Fatalf("%+v\n%+v", c, d)
		}
	})
}

// TestTablesAreTold: a table is told for what it is however many lines its records have, whatever there is of it at first; and what is no table is not held up by a quote.
func TestTablesAreTold(t *testing.T) {
	message := "\"A process has exited.\n\nSubject:\n\tAccount: root\n" + strings.Repeat("\tDetail: x\n", 5) + "\""
	records := strings.Repeat("2024-05-23T02:30:26Z,10.0.0.2,"+message+",evil.example\n", 20)
	headed := "time,src_ip,message,domain\n"
	long := "2024-05-23T02:30:26Z,10.0.0.2,\"" + strings.Repeat("a line\n", 200) + "\",evil.example\n"
	s := set(t, "evil.example")
	for name, x := range map[string]struct {
		text   string
		format string
		hits   int
	}{
		"with a header":        {headed + records, "csv", 20},
		"without":              {records, "csv", 20},
		"a long record":        {headed + long + records, "csv", 21},
		"semicolons":           {strings.ReplaceAll(headed+records, ",", ";"), "csv", 20},
		"a header of lines":    {"time,\"src\n\n\n\nip\",message,domain\n" + records, "csv", 20},
		"a line that is none":  {"\"A text that begins with a quote\n" + strings.Repeat("and goes on with evil.example or not\n", 100), "text", 100},
		"a quote in the midst": {strings.Repeat("\"What is said\nof evil.example\" is this\n", 100), "text", 100},
	} {
		for _, at := range []int{0, 1, 10, 40, 100, 200, len(headed) + 45, 1000, len(x.text)} {
			at = min(at, len(x.text))
			table := &sighting.Table{}
			p := New(Options{Set: func() *watch.Set { return s }, Sightings: table, Logs: logs.Options{Now: clock}})
			st, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			st.Write([]byte(x.text[:at]), now)
			st.Rest(now)
			st.Write([]byte(x.text[at:]), now)
			st.Rest(now)
			st.Flush(now)
			if st.Format() != x.format || table.Hits != int64(x.hits) || x.format == "csv" && (p.Counts.Stray != 0 || p.Counts.Failed != 0) {
				t.Errorf("%s, of which %d bytes came first: %s, %d hits, %+v", name, at, st.Format(), table.Hits, p.Counts)
			}
		}
	}
}

// FuzzRecords: whatever a table has in it, wherever it is cut and reading stops, its lines are read as the reference has them, and counted.
func FuzzRecords(f *testing.F) {
	for _, text := range []string{"a,b,c\n", "a,\"b\nc\",d\n", "\"a\"\"\n\",,\"\"\r\n", "a,\"b\nc,d,e\nx,\"y\",z\n", "\"\n\"\n\"", "a\"b,\"c\nd\",e\n", "#a,\"b\n\"c\",d,e\n", "a,\"\nb\x00\n\",c\n"} {
		f.Add([]byte(text), uint16(5), uint16(9))
	}
	f.Fuzz(func(t *testing.T, body []byte, cut, stop uint16) {
		text := append([]byte("one,src_ip,domain\n"), body[:min(len(body), 300)]...)
		got, counts := units(t, "csv", text, "", []int{int(cut) % (len(text) + 1)}, []int{int(stop) % (len(text) + 1)})
		want := map[int64]unit{}
		for _, u := range reference(string(text), ',', 3) {
			want[u.from] = u
		}
		for _, u := range got {
			w, known := want[u.from]
			if !known && zeros(string(text), u.number) { // it stands behind them
				continue
			}
			if strings.Contains(w.text, "\x00") {
				w.text, _, _ = strings.Cut(w.text, "\x00")
			}
			if u.text != w.text || u.number != w.number {
				t.Fatalf("%q at line %d instead of %q at line %d", u.text, u.number, w.text, w.number)
			}
		}
		lines := bytes.Count(text, []byte("\n"))
		if text[len(text)-1] != '\n' {
			lines++
		}
		if counts.Lines != int64(lines) {
			t.Fatalf("%+v of %d lines", counts, lines)
		}
	})
}
