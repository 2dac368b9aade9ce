package taxiitest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entente/taxii"
)

// TestWriter runs the checks of [taxii.Writer], opening a fresh subject for each. The subject's store must be a Writer
// and its collection writable; Subject.Add is not used.
func TestWriter(t *testing.T, open func(testing.TB) Subject) {
	t.Helper()
	for _, c := range writerChecks() {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := c.run(ctx, open(t)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("what was put and removed is so after reopening", func(t *testing.T) {
		s := open(t)
		if s.Reopen == nil {
			t.Skip("this store keeps nothing beyond its life: Subject.Reopen is nil")
		}
		want, err := putSome(t.Context(), s, sample(20)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := remove(t.Context(), s, want[3]); err != nil {
			t.Fatal(err)
		}
		want = slices.Delete(want, 3, 4)
		s.Store = s.Reopen(t)
		got, err := scan(t.Context(), s, everything)
		if err != nil {
			t.Fatal(err)
		}
		if err := sameRecords(got, want); err != nil {
			t.Fatal(err)
		}
	})
}

func writerChecks() []check {
	return []check{
		{"objects put come in order, byte for byte", checkPut},
		{"a bad object is refused alone", checkPutBad},
		{"the same bytes are taken in and make no second record", checkPutAgain},
		{"another content of a version is told and kept", checkPutConflict},
		{"what was removed is in no answer", checkRemove},
		{"what is gone can be removed again, and put again", checkRemoveAgain},
		{"dates added stay unique while many write", checkPutTogether},
	}
}

func put(ctx context.Context, s Subject, objects ...[]byte) ([]taxii.Result, error) {
	w, ok := s.Store.(taxii.Writer)
	if !ok {
		return nil, fmt.Errorf("%T is no taxii.Writer", s.Store)
	}
	got, err := w.Put(ctx, taxii.Batch{Collection: s.Collection, Principal: "tester", Objects: objects})
	if err == nil && len(got) != len(objects) {
		err = fmt.Errorf("%d results for %d objects", len(got), len(objects))
	}
	return got, err
}

// putSome puts records that are to be taken in and returns what a scan yields then.
func putSome(ctx context.Context, s Subject, records ...taxii.Record) ([]taxii.Record, error) {
	var objects [][]byte
	for _, r := range records {
		objects = append(objects, r.Raw)
	}
	results, err := put(ctx, s, objects...)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		if r.Refused || r.ID != records[i].ID || r.Version != records[i].Version {
			return nil, fmt.Errorf("object %d (%s %s): %+v", i, records[i].ID, records[i].Version, r)
		}
	}
	got, err := scan(ctx, s, everything)
	if err != nil {
		return nil, err
	}
	return got, ordered(got)
}

func remove(ctx context.Context, s Subject, records ...taxii.Record) error {
	n, err := s.Store.(taxii.Writer).Remove(ctx, taxii.Removal{Collection: s.Collection, Principal: "tester", ID: records[0].ID, Records: withoutRaw(records)})
	if err == nil && n != len(records) {
		err = fmt.Errorf("%d of %d records were removed", n, len(records))
	}
	return err
}

func checkPut(ctx context.Context, s Subject) error {
	want := sample(40)
	got, err := putSome(ctx, s, want...)
	if err != nil {
		return err
	}
	return sameContents(got, want)
}

func checkPutBad(ctx context.Context, s Subject) error {
	good := sample(2)
	bad := [][]byte{
		[]byte(`{}`), []byte(`42`), []byte(`"text"`), []byte(`null`), []byte(`[]`), []byte(`{`), []byte(`{]`), []byte(``),
		[]byte(`{"id":"indicator--00000000-0000-4000-8000-000000000001"}`),
		[]byte(`{"type":"indicator","id":7}`), []byte("{\"type\":\"malware\",\"id\":\"\xff\"}"),
		[]byte(string(good[0].Raw) + "x"),
	}
	objects := append([][]byte{good[0].Raw}, append(bad, good[1].Raw)...)
	results, err := put(ctx, s, objects...)
	if err != nil {
		return err
	}
	for i, r := range results {
		if wanted := i > 0 && i < len(results)-1; r.Refused != wanted || wanted && r.Message == "" {
			return fmt.Errorf("object %d (%q): %+v", i, objects[i], r)
		}
	}
	got, err := scan(ctx, s, everything)
	if err != nil {
		return err
	}
	return sameContents(got, good)
}

func checkPutAgain(ctx context.Context, s Subject) error {
	first, err := putSome(ctx, s, sample(10)...)
	if err != nil {
		return err
	}
	again, err := putSome(ctx, s, sample(10)...)
	if err != nil {
		return err
	}
	if err := sameRecords(again, first); err != nil {
		return err
	}
	one := object("malware", 77, "2024-01-01T00:00:00.000Z", "2.1")
	got, err := putSome(ctx, s, one, one)
	if err != nil {
		return err
	}
	if len(got) != len(first)+1 {
		return fmt.Errorf("an object that came twice in one batch: %d records, want %d", len(got), len(first)+1)
	}
	return nil
}

func checkPutConflict(ctx context.Context, s Subject) error {
	a := object("malware", 1, "2024-01-01T00:00:00.123456Z", "2.1")
	b := a
	b.Raw = append([]byte(`{"x_other":true,`), a.Raw[1:]...)
	if _, err := putSome(ctx, s, a); err != nil {
		return err
	}
	results, err := put(ctx, s, b.Raw)
	if err != nil {
		return err
	}
	if results[0].Refused || results[0].Message == "" {
		return fmt.Errorf("a conflict is not told: %+v", results[0])
	}
	got, err := scan(ctx, s, everything)
	if err != nil {
		return err
	}
	b.Version = ""
	return sameContents(got, []taxii.Record{a, b})
}

func checkRemove(ctx context.Context, s Subject) error {
	all, err := putSome(ctx, s, sample(25)...)
	if err != nil {
		return err
	}
	id := all[0].ID
	versions, err := collect(s.Store.Versions(ctx, s.Collection, id))
	if err != nil {
		return err
	}
	if len(versions) < 2 {
		return fmt.Errorf("%s has %d versions", id, len(versions))
	}
	if err := remove(ctx, s, versions[0]); err != nil {
		return err
	}
	check := func(gone ...taxii.Record) error {
		want := slices.DeleteFunc(slices.Clone(all), func(r taxii.Record) bool {
			return slices.ContainsFunc(gone, func(g taxii.Record) bool { return g.Seq == r.Seq })
		})
		got, err := scan(ctx, s, everything)
		if err != nil {
			return err
		}
		if err := sameRecords(got, want); err != nil {
			return fmt.Errorf("after removing %d: %w", len(gone), err)
		}
		left, err := collect(s.Store.Versions(ctx, s.Collection, id))
		if err != nil {
			return err
		}
		if len(left) != len(versions)-len(gone) {
			return fmt.Errorf("after removing %d of %d versions, %d are listed", len(gone), len(versions), len(left))
		}
		return nil
	}
	if err := check(versions[0]); err != nil {
		return err
	}
	if err := remove(ctx, s, versions[1:]...); err != nil {
		return err
	}
	return check(versions...)
}

func checkRemoveAgain(ctx context.Context, s Subject) error {
	all, err := putSome(ctx, s, sample(3)...)
	if err != nil {
		return err
	}
	if err := remove(ctx, s, all[1]); err != nil {
		return err
	}
	n, err := s.Store.(taxii.Writer).Remove(ctx, taxii.Removal{Collection: s.Collection, Principal: "tester", ID: all[1].ID, Records: all[1:2]})
	if err != nil || n != 0 {
		return fmt.Errorf("removing again: %d, %w", n, err)
	}
	back := all[1]
	if _, err := put(ctx, s, back.Raw); err != nil {
		return err
	}
	got, err := scan(ctx, s, everything)
	if err != nil {
		return err
	}
	if len(got) != 3 || got[2].ID != back.ID || got[2].Seq <= all[2].Seq {
		return fmt.Errorf("what was removed and put again is not the newest record: %+v", got)
	}
	return ordered(got)
}

func checkPutTogether(ctx context.Context, s Subject) error {
	const writers, each = 4, 50
	var group sync.WaitGroup
	failed := make(chan error, writers)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if _, err := put(ctx, s, object("indicator", w*each+i, "2024-01-01T00:00:00.000Z", "2.1").Raw); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	got, err := scan(ctx, s, everything)
	if err != nil {
		return err
	}
	if len(got) != writers*each {
		return fmt.Errorf("%d records, want %d", len(got), writers*each)
	}
	return ordered(got)
}
