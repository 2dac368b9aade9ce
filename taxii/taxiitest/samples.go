package taxiitest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"entente/taxii"
)

// everything is the query for all records. Some stores keep Seq in a signed integer, so it stays below that.
var everything = taxii.Query{UpTo: math.MaxInt64}

func objectID(kind string, n int) string {
	return fmt.Sprintf("%s--00000000-0000-4000-8000-%012x", kind, n)
}

// object makes one version of a STIX object whose header agrees with its bytes. Odd spacing, an escape and a number
// that loses digits when it is read shall arrive as they are.
func object(kind string, n int, version, spec string) taxii.Record {
	specProperty := ""
	if spec != "2.0" {
		specProperty = `"spec_version":"` + spec + `",`
	}
	detail := `"name":"n\u00e4me ` + fmt.Sprint(n) + `"`
	if kind == "indicator" {
		detail += `,"pattern":"[domain-name:value = 'n` + fmt.Sprint(n) + `.example']","valid_from":"2020-01-01T00:00:00Z"`
		if spec != "2.0" {
			detail += `,"pattern_type":"stix","indicator_types":["unknown"]`
		} else {
			detail += `,"labels":["unknown"]`
		}
	} else {
		detail += `,"is_family": false`
		if spec == "2.0" {
			detail += `,"labels":["trojan"]`
		}
	}
	raw := fmt.Sprintf(`{ %s"type":%q, "id":%q,"created":"2020-01-01T00:00:00.000Z","modified":%q,%s ,"x_exact":1.00000000000000000001}`,
		specProperty, kind, objectID(kind, n), version, detail)
	return taxii.Record{ID: objectID(kind, n), Type: kind, SpecVersion: spec, Version: version, Raw: []byte(raw)}
}

// sample makes n distinct records: several versions of some objects, newer ones first for some, two types, two
// specification versions.
func sample(n int) []taxii.Record {
	var out []taxii.Record
	for i := range n {
		kind, spec := "indicator", "2.1"
		if i%3 == 1 {
			kind = "malware"
		}
		if i%7 == 4 {
			spec = "2.0"
		}
		day := 1 + i/10
		if i%2 == 0 {
			day = 28 - i/10
		}
		out = append(out, object(kind, i%10, fmt.Sprintf("2024-02-%02dT10:00:00.%03dZ", day, i), spec))
	}
	return out
}

func collect(seq iter.Seq2[taxii.Record, error]) ([]taxii.Record, error) {
	var out []taxii.Record
	for r, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

func scan(ctx context.Context, s Subject, q taxii.Query) ([]taxii.Record, error) {
	return collect(s.Store.Scan(ctx, s.Collection, q))
}

// fill adds records and returns what the store made of them.
func fill(ctx context.Context, s Subject, records ...taxii.Record) ([]taxii.Record, error) {
	if err := s.Add(ctx, records...); err != nil {
		return nil, fmt.Errorf("adding: %w", err)
	}
	got, err := scan(ctx, s, everything)
	if err != nil {
		return nil, err
	}
	if len(got) != len(records) {
		return nil, fmt.Errorf("added %d records, a scan yields %d", len(records), len(got))
	}
	return got, ordered(got)
}

func ordered(records []taxii.Record) error {
	for i, r := range records {
		if r.Seq == 0 || r.Added.IsZero() {
			return fmt.Errorf("record %d has Seq %d and Added %s", i, r.Seq, r.Added)
		}
		if !r.Added.Truncate(time.Microsecond).Equal(r.Added) {
			return fmt.Errorf("record %d was added at %s: finer than a microsecond", r.Seq, r.Added.Format(time.RFC3339Nano))
		}
		if i > 0 && (r.Seq <= records[i-1].Seq || !r.Added.After(records[i-1].Added)) {
			return fmt.Errorf("record %d, added %s, does not come after %d, added %s", r.Seq, r.Added.Format(time.RFC3339Nano),
				records[i-1].Seq, records[i-1].Added.Format(time.RFC3339Nano))
		}
	}
	return nil
}

// sameContents compares what was handed in with what came out.
func sameContents(got, want []taxii.Record) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d records, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if g.ID != w.ID || g.Type != w.Type || g.SpecVersion != w.SpecVersion || g.Version != w.Version {
			return fmt.Errorf("record %d is %s %s %s %s, want %s %s %s %s", i, g.ID, g.Type, g.SpecVersion, g.Version,
				w.ID, w.Type, w.SpecVersion, w.Version)
		}
		if !bytes.Equal(g.Raw, w.Raw) {
			return fmt.Errorf("record %d: the bytes differ:\n got %s\nwant %s", i, g.Raw, w.Raw)
		}
	}
	return nil
}

// sameRecords compares two readings of the same records.
func sameRecords(got, want []taxii.Record) error {
	for i := range min(len(got), len(want)) {
		if got[i].Seq != want[i].Seq || !got[i].Added.Equal(want[i].Added) {
			return fmt.Errorf("place %d holds record %d of %s, want %d of %s", i, got[i].Seq, got[i].Added, want[i].Seq, want[i].Added)
		}
	}
	return sameContents(got, want)
}

func withoutRaw(records []taxii.Record) []taxii.Record {
	out := slices.Clone(records)
	for i := range out {
		out[i].Raw = nil
	}
	return out
}
