package logs

import (
	"fmt"
	"strings"

	"entente/internal/watch/record"
)

// zeekJSON are Zeek's logs as JSON, one object a line, with or without _path, with dotted or nested names.
var zeekJSON = kindOf{
	name: "zeek-json",
	make: func(o Options) Format { return &zeekObjects{jsonFormat{reader: reader{o: o}, name: "zeek-json"}} },
	mark: func(_ []byte, g *glance) string {
		switch {
		case !g.json():
		case g.has("_path") && (g.has("ts") || g.has("_write_ts")):
			return "_path"
		case g.has("ts") && g.has("uid") && g.has("id.orig_h"):
			return "id.orig_h"
		case g.has("ts") && (g.has("certificate.serial") || g.has("software_type") || g.has("fuid") || g.has("id.orig_h")):
			return "ts"
		}
		return ""
	},
}

type zeekObjects struct{ jsonFormat }

// Decode implements [Format].
func (f *zeekObjects) Decode(line []byte, r *record.Record) error {
	f.begin("zeek-json", line, r)
	if blank(line) {
		return ErrNothing
	}
	err := f.walker.walk(line)
	if len(f.walker.leaves) == 0 {
		return err
	}
	log := f.get("_path")
	if log == "" {
		log = zeekLog(f.has)
	}
	log = strings.Clone(log)
	if log != "" && len(log) < 64 {
		r.Format = zeekName(log, "json")
	}
	for i := range f.walker.leaves {
		l := &f.walker.leaves[i]
		if l.kind == leafNull || l.kind == leafBool {
			continue
		}
		if p, ok := zeekPlace(log, l.place); ok {
			f.put(p, l.path, l.text)
		}
	}
	zeekFinish(&f.reader, log, f.get)
	r.Time = moment(f.get("ts"))
	if r.Time.IsZero() {
		r.Time = moment(f.get("_write_ts"))
	}
	if err == nil && log == "" && !f.has("id.orig_h") {
		err = fmt.Errorf("%w: %w: it names no log of Zeek, and has fields of none", ErrLine, ErrOther)
	}
	return err
}

// zeekName is the name of a kind of line; those that are common cost nothing.
func zeekName(log, form string) string {
	if n, ok := zeekNames[form+log]; ok {
		return n
	}
	return "zeek-" + log + "-" + form
}

var zeekNames = func() map[string]string {
	names := map[string]string{}
	for log := range zeekOf {
		names["json"+log], names["tsv"+log] = "zeek-"+log+"-json", "zeek-"+log+"-tsv"
	}
	return names
}()
