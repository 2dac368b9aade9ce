package taxiitest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"entente/taxii"
)

func checks() []check {
	return []check{
		{"an empty collection is listed and yields nothing", checkEmpty},
		{"records come in order, as they were added", checkOrder},
		{"ranges are after and up to", checkRanges},
		{"added after excludes the moment itself", checkAddedAfter},
		{"hints leave out nothing that matches", checkHints},
		{"versions yields every record of an id and no other", checkVersions},
		{"only is never said of an id with several records", checkOnly},
		{"a group is what versions yields", checkGroup},
		{"the same version is there once", checkOnce},
		{"versions can be asked within a scan", checkNested},
		{"a scan can be left early", checkBreak},
		{"raw bytes outlive the scan", checkRawStays},
		{"a context that is done ends a scan with its error", checkContext},
		{"nothing appears below a head once seen", checkVisibility},
	}
}

func checkEmpty(ctx context.Context, s Subject) error {
	all, err := s.Store.Collections(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(c taxii.Collection) bool { return c.ID == s.Collection })
	if i < 0 {
		return fmt.Errorf("method Collections does not list %s", s.Collection)
	}
	if all[i].Title == "" {
		return errors.New("the collection has no title")
	}
	if head, err := s.Store.Head(ctx, s.Collection); err != nil || head != 0 {
		return fmt.Errorf("method Head of an empty collection: %d, %v; want 0", head, err)
	}
	got, err := scan(ctx, s, everything)
	if err != nil || len(got) != 0 {
		return fmt.Errorf("method Scan of an empty collection: %d records, %v", len(got), err)
	}
	got, err = collect(s.Store.Versions(ctx, s.Collection, objectID("indicator", 1)))
	if err != nil || len(got) != 0 {
		return fmt.Errorf("method Versions in an empty collection: %d records, %v", len(got), err)
	}
	return nil
}

func checkOrder(ctx context.Context, s Subject) error {
	want := sample(50)
	got, err := fill(ctx, s, want...)
	if err != nil {
		return err
	}
	if err := sameContents(got, want); err != nil {
		return err
	}
	head, err := s.Store.Head(ctx, s.Collection)
	if err != nil || head != got[len(got)-1].Seq {
		return fmt.Errorf("method Head: %d, %v; the newest record has %d", head, err, got[len(got)-1].Seq)
	}
	return nil
}

func checkRanges(ctx context.Context, s Subject) error {
	all, err := fill(ctx, s, sample(12)...)
	if err != nil {
		return err
	}
	for i := range len(all) + 1 {
		for j := i; j <= len(all); j++ {
			q := taxii.Query{UpTo: 0}
			if i > 0 {
				q.After = all[i-1].Seq
			}
			if j > 0 {
				q.UpTo = all[j-1].Seq
			}
			got, err := scan(ctx, s, q)
			if err != nil {
				return err
			}
			if err := sameRecords(got, all[i:j]); err != nil {
				return fmt.Errorf("after %d up to %d: %w", q.After, q.UpTo, err)
			}
		}
	}
	return nil
}

func checkAddedAfter(ctx context.Context, s Subject) error {
	all, err := fill(ctx, s, sample(12)...)
	if err != nil {
		return err
	}
	for i, r := range all {
		for _, at := range []struct {
			time time.Time
			want []taxii.Record
		}{{r.Added, all[i+1:]}, {r.Added.Add(-time.Microsecond), nil}} {
			q := everything
			q.AddedAfter = at.time
			got, err := scan(ctx, s, q)
			if err != nil {
				return err
			}
			want := at.want
			if want == nil {
				want = slices.DeleteFunc(slices.Clone(all), func(o taxii.Record) bool { return !o.Added.After(at.time) })
			}
			if err := sameRecords(got, want); err != nil {
				return fmt.Errorf("added after %s: %w", at.time.Format(time.RFC3339Nano), err)
			}
		}
	}
	return nil
}

func checkHints(ctx context.Context, s Subject) error {
	all, err := fill(ctx, s, sample(60)...)
	if err != nil {
		return err
	}
	some := []string{all[3].ID, all[17].ID, objectID("malware", 4711)}
	slices.Sort(some)
	for _, q := range []taxii.Query{
		{IDs: some},
		{Types: []string{"indicator"}},
		{Types: []string{"indicator", "malware"}},
		{Types: []string{"x-never-seen"}},
		{SpecVersions: []string{"2.0"}},
		{SpecVersions: []string{"2.0", "2.1"}},
		{IDs: some, Types: []string{"malware"}, SpecVersions: []string{"2.1"}},
		{IDs: some, After: all[5].Seq, AddedAfter: all[9].Added},
		{Types: []string{"malware"}, NoRaw: true},
	} {
		q.UpTo = all[len(all)-3].Seq
		got, err := scan(ctx, s, q)
		if err != nil {
			return err
		}
		if err := ordered(got); err != nil {
			return err
		}
		inRange := taxii.Query{After: q.After, UpTo: q.UpTo, AddedAfter: q.AddedAfter}
		for _, r := range got {
			if !inRange.Matches(r) {
				return fmt.Errorf("query %+v yields record %d, which is out of its range", q, r.Seq)
			}
		}
		differs := func(r taxii.Record) bool { return !q.Matches(r) }
		got, want := slices.DeleteFunc(got, differs), slices.DeleteFunc(slices.Clone(all), differs)
		if q.NoRaw {
			got, want = withoutRaw(got), withoutRaw(want)
		}
		if err := sameRecords(got, want); err != nil {
			return fmt.Errorf("query %+v: %w", q, err)
		}
	}
	return nil
}

func checkVersions(ctx context.Context, s Subject) error {
	all, err := fill(ctx, s, sample(60)...)
	if err != nil {
		return err
	}
	for _, r := range all {
		got, err := collect(s.Store.Versions(ctx, s.Collection, r.ID))
		if err != nil {
			return err
		}
		want := slices.DeleteFunc(slices.Clone(all), func(o taxii.Record) bool { return o.ID != r.ID })
		if err := sameRecords(withoutRaw(got), withoutRaw(want)); err != nil {
			return fmt.Errorf("versions of %s: %w", r.ID, err)
		}
	}
	got, err := collect(s.Store.Versions(ctx, s.Collection, objectID("malware", 4711)))
	if err != nil || len(got) != 0 {
		return fmt.Errorf("versions of an id that is not there: %d, %v", len(got), err)
	}
	return nil
}

func checkOnly(ctx context.Context, s Subject) error {
	all, err := fill(ctx, s, sample(60)...)
	if err != nil {
		return err
	}
	count := make(map[string]int)
	for _, r := range all {
		count[r.ID]++
	}
	versions, err := collect(s.Store.Versions(ctx, s.Collection, all[0].ID))
	if err != nil {
		return err
	}
	for _, r := range append(all, versions...) {
		if r.Only && count[r.ID] > 1 {
			return fmt.Errorf("record %d says Only, but %s has %d records", r.Seq, r.ID, count[r.ID])
		}
	}
	return nil
}

func checkGroup(ctx context.Context, s Subject) error {
	all, err := fill(ctx, s, sample(60)...)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Group == nil {
			continue
		}
		versions, err := collect(s.Store.Versions(ctx, s.Collection, r.ID))
		if err != nil {
			return err
		}
		if err := sameRecords(withoutRaw(r.Group), withoutRaw(versions)); err != nil {
			return fmt.Errorf("the group of record %d, %s: %w", r.Seq, r.ID, err)
		}
	}
	return nil
}

func checkOnce(ctx context.Context, s Subject) error {
	want := sample(10)
	if _, err := fill(ctx, s, want...); err != nil {
		return err
	}
	if err := s.Add(ctx, want...); err != nil {
		return fmt.Errorf("adding what is there already: %w", err)
	}
	got, err := scan(ctx, s, everything)
	if err != nil {
		return err
	}
	return sameContents(got, want)
}

func checkNested(ctx context.Context, s Subject) error {
	all, err := fill(ctx, s, sample(20)...)
	if err != nil {
		return err
	}
	seen := 0
	for r, err := range s.Store.Scan(ctx, s.Collection, everything) {
		if err != nil {
			return err
		}
		// A writer that waits for the scan, as a read-write lock makes it, must not shut out this reader.
		written := make(chan error, 1)
		if seen == 0 {
			go func() { written <- s.Add(ctx, object("malware", 5000, "2020-01-01T00:00:00.000Z", "2.1")) }()
			select {
			case err := <-written:
				if err != nil {
					return err
				}
			case <-time.After(50 * time.Millisecond):
			}
		}
		versions, err := collect(s.Store.Versions(ctx, s.Collection, r.ID))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(versions, func(v taxii.Record) bool { return v.Seq == r.Seq }) {
			return fmt.Errorf("within a scan, the versions of %s lack record %d", r.ID, r.Seq)
		}
		seen++
	}
	if seen < len(all) {
		return fmt.Errorf("scanned %d of %d records", seen, len(all))
	}
	return nil
}

func checkBreak(ctx context.Context, s Subject) error {
	if _, err := fill(ctx, s, sample(20)...); err != nil {
		return err
	}
	for range 50 {
		for _, err := range s.Store.Scan(ctx, s.Collection, everything) {
			if err != nil {
				return err
			}
			break
		}
		for _, err := range s.Store.Versions(ctx, s.Collection, objectID("indicator", 0)) {
			if err != nil {
				return err
			}
			break
		}
	}
	return s.Add(ctx, object("malware", 5000, "2020-01-01T00:00:00.000Z", "2.1"))
}

func checkRawStays(ctx context.Context, s Subject) error {
	want := sample(60)
	got, err := fill(ctx, s, want...) // keeps Raw as it was yielded
	if err != nil {
		return err
	}
	if _, err := scan(ctx, s, everything); err != nil {
		return err
	}
	return sameContents(got, want)
}

func checkContext(ctx context.Context, s Subject) error {
	if _, err := fill(ctx, s, sample(20)...); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, err := collect(s.Store.Scan(ctx, s.Collection, everything))
	if !errors.Is(err, context.Canceled) {
		return fmt.Errorf("scan with a cancelled context: %v; want an error that wraps context.Canceled", err)
	}
	return nil
}

func checkVisibility(ctx context.Context, s Subject) error {
	const writers, each = 4, 60
	var group sync.WaitGroup
	failed := make(chan error, writers)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if err := s.Add(ctx, object("indicator", w*each+i, "2024-01-01T00:00:00.000Z", "2.1")); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	var before []taxii.Record
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		head, err := s.Store.Head(ctx, s.Collection)
		if err != nil {
			return err
		}
		now, err := scan(ctx, s, taxii.Query{UpTo: head})
		if err != nil {
			return err
		}
		if err := ordered(now); err != nil {
			return err
		}
		if head > 0 && (len(now) == 0 || now[len(now)-1].Seq != head) {
			return fmt.Errorf("method Head said %d, but that record cannot be read", head)
		}
		if len(now) < len(before) {
			return fmt.Errorf("%d records were visible, now only %d", len(before), len(now))
		}
		if err := sameRecords(now[:len(before)], before); err != nil {
			return fmt.Errorf("what was visible has changed: %w", err)
		}
		before = now
	}
	select {
	case err := <-failed:
		return err
	default:
	}
	if len(before) != writers*each {
		return fmt.Errorf("%d records were added, %d are visible", writers*each, len(before))
	}
	return nil
}
