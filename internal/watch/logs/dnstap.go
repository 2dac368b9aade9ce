package logs

import (
	"bytes"
	"fmt"
	"strings"

	"entente/internal/watch/record"
)

// dnstap is the lines that package dnstap makes of the frames of a DNS server.
var dnstap = kindOf{
	name: "dnstap",
	make: func(o Options) Format {
		return &dnstapLines{jsonFormat{reader: reader{o: o}, name: "dnstap", must: []string{"dnstap.frame", "damaged.frame"}, times: []string{"dnstap.timestamp-rfc3339ns"},
			places: dnstapPlaces,
			finish: func(f *jsonFormat) {
				f.ends(f.get("network.query-ip"), f.get("network.response-ip"))
				f.hostIs(f.first("network.query-ip", "dnstap.identity")) // who asked; else the server that tells
				if strings.HasSuffix(f.get("dnstap.operation"), "_RESPONSE") {
					// The question that an answer repeats is part of the answer: the query has a frame of its own.
					for i := range f.r.Fields {
						if p := &f.r.Fields[i]; p.Role == record.Query {
							p.Role = record.Answer
						}
					}
				}
			}}}
	},
	mark: func(line []byte, _ *glance) string {
		if bytes.HasPrefix(line, []byte(`{"dnstap":{"frame":`)) || bytes.HasPrefix(line, []byte(`{"damaged":{"frame":`)) {
			return "protobuf:dnstap.Dnstap"
		}
		return ""
	},
}

type dnstapLines struct{ jsonFormat }

// Decode implements [Format].
func (f *dnstapLines) Decode(line []byte, r *record.Record) error {
	err := f.jsonFormat.Decode(line, r)
	if err == nil && f.has("damaged.frame") {
		err = fmt.Errorf("%w: %s", ErrLine, f.get("damaged.why"))
	}
	return err
}
