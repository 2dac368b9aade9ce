package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"

	"entente/internal/intel"
)

// Objects runs the suite that every implementation of intel.Objects passes.
// open makes an empty one; reopen closes it and opens it again over the same
// data, nil if it keeps none.
func Objects(t *testing.T, open func(testing.TB) intel.Objects, reopen func(testing.TB, intel.Objects) intel.Objects) {
	t.Run("an empty store has nothing", func(t *testing.T) {
		o := open(t)
		if v, ok, err := o.Get([]byte("k")); v != nil || ok || err != nil {
			t.Fatalf("Get = %q, %v, %v", v, ok, err)
		}
		if got := rows(t, o, nil, nil, false); len(got) != 0 {
			t.Fatalf("Scan = %q", got)
		}
		write(t, o)
	})
	t.Run("the last change of a key in a write counts", func(t *testing.T) {
		o := open(t)
		write(t, o, set("a", "1"), set("a", "2"), set("b", "1"), del("b"), del("c"), set("c", "3"), set("empty", ""))
		want(t, o, "a=2 c=3 empty=")
		if v, ok, err := o.Get([]byte("empty")); len(v) != 0 || !ok || err != nil {
			t.Fatalf("an empty value: %q, %v, %v", v, ok, err)
		}
		write(t, o, del("a"), del("nothing"))
		want(t, o, "c=3 empty=")
	})
	t.Run("a value that was read is the reader's", func(t *testing.T) {
		o := open(t)
		key, value := []byte("key"), []byte("value")
		write(t, o, intel.Change{Key: key, Value: value})
		copy(key, "xxx")
		copy(value, "xxxxx")
		v, _, err := o.Get([]byte("key"))
		if err != nil || string(v) != "value" {
			t.Fatalf("Get = %q, %v", v, err)
		}
		copy(v, "yyyyy")
		if v, _, _ := o.Get([]byte("key")); string(v) != "value" {
			t.Fatalf("Get = %q", v)
		}
	})
	t.Run("scans are bounded and ordered by bytes", func(t *testing.T) {
		o := open(t)
		keys := []string{"a", "a\x00", "a\x00\xff", "a\x01", "b", "b\xff", "c", "\xfe"}
		for i := len(keys) - 1; i >= 0; i-- {
			write(t, o, set(keys[i], fmt.Sprint(i)))
		}
		for i := range keys {
			for j := i; j <= len(keys); j++ {
				var to []byte
				if j < len(keys) {
					to = []byte(keys[j])
				}
				for _, reverse := range []bool{false, true} {
					got := rows(t, o, []byte(keys[i]), to, reverse)
					if len(got) != j-i {
						t.Fatalf("Scan(%q, %q) yields %d rows", keys[i], to, len(got))
					}
					for n := range got {
						at := i + n
						if reverse {
							at = j - 1 - n
						}
						if string(got[n].Key) != keys[at] {
							t.Fatalf("Scan(%q, %q, %v)[%d] = %q", keys[i], to, reverse, n, got[n].Key)
						}
					}
				}
			}
		}
	})
	t.Run("scans can be nested, left, and run beside a write", func(t *testing.T) {
		o := open(t)
		for i := range 100 {
			write(t, o, set(fmt.Sprintf("k%02d", i), "v"))
		}
		seen := 0
		for row, err := range o.Scan([]byte("k"), []byte("l"), false) {
			if err != nil {
				t.Fatal(err)
			}
			key := bytes.Clone(row.Key)
			for inner, err := range o.Scan(key, nil, true) {
				if err != nil || string(inner.Key) < string(key) {
					t.Fatal(inner, err)
				}
				break
			}
			write(t, o, set("a"+string(key), "new"), set("z"+string(key), "new"))
			if v, ok, err := o.Get(key); !ok || err != nil || string(v) != "v" {
				t.Fatal(v, ok, err)
			}
			if string(row.Key) != string(key) {
				t.Fatal("a row changed before the next step")
			}
			seen++
		}
		if seen != 100 {
			t.Fatalf("%d rows seen", seen)
		}
	})
	t.Run("a view shows no later write and no reset", func(t *testing.T) {
		o := open(t)
		for i := range 500 {
			write(t, o, set(fmt.Sprintf("k%03d", i), "old"))
		}
		v, err := o.View()
		if err != nil {
			t.Fatal(err)
		}
		look := func(when string) {
			t.Helper()
			n := 0
			for _, reverse := range []bool{false, true} {
				for row, err := range v.Scan([]byte("k"), []byte("l"), reverse) {
					value, ok, getErr := v.Get(row.Key)
					if err != nil || getErr != nil || !ok || string(row.Value) != "old" || string(value) != "old" {
						t.Fatalf("%s: %s, %v; %s, %v, %v", when, row.Value, err, value, ok, getErr)
					}
					n++
				}
			}
			values, err := v.GetMany([][]byte{[]byte("new"), []byte("k499"), []byte("k000"), []byte("k")})
			if err != nil || n != 1000 || values[0] != nil || string(values[1]) != "old" || string(values[2]) != "old" || values[3] != nil {
				t.Fatalf("%s: %d rows, %q, %v", when, n, values, err)
			}
		}
		look("at once")
		write(t, o, set("k000", "new"), del("k250"), set("k0005", "new"), set("new", "new"))
		look("after a write")
		if err := o.Reset(nil); err != nil {
			t.Fatal(err)
		}
		look("after a reset")
		for i := range 500 {
			write(t, o, set(fmt.Sprintf("k%03d", i), "again"))
		}
		look("after it was filled again")
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		if v, err = o.View(); err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		if value, ok, err := v.Get([]byte("k000")); err != nil || !ok || string(value) != "again" {
			t.Fatalf("%s, %v, %v", value, ok, err)
		}
	})
	t.Run("a write is seen whole or not at all", func(t *testing.T) {
		o := open(t)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				n := fmt.Sprint(i)
				if err := o.Write([]intel.Change{set("first", n), set("second", n)}); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for range 2000 {
			// The second is written with the first, so it is never older.
			a, _, err := o.Get([]byte("first"))
			if err != nil {
				t.Error(err)
				break
			}
			b, _, _ := o.Get([]byte("second"))
			if len(b) < len(a) || len(a) == len(b) && string(b) < string(a) {
				t.Errorf("first is %s, second %s", a, b)
				break
			}
		}
		close(stop)
		wg.Wait()
	})
	t.Run("reset removes everything", func(t *testing.T) {
		o := open(t)
		write(t, o, set("a", "1"), set("\xfe", "1"), set("\x01", "1"))
		if err := o.Reset(nil); err != nil {
			t.Fatal(err)
		}
		want(t, o, "")
		write(t, o, set("b", "2"))
		want(t, o, "b=2")
	})
	t.Run("reset leaves what is in front", func(t *testing.T) {
		o := open(t)
		write(t, o, set("a", "1"), set("G", "1"), set("Gz", "2"), set("H", "1"), set("\xfe", "1"), set("\x01", "1"))
		if err := o.Reset([]byte("H")); err != nil {
			t.Fatal(err)
		}
		want(t, o, text(map[string]string{"\x01": "1", "G": "1", "Gz": "2"}))
		write(t, o, set("b", "2"))
		if err := o.Sync(); err != nil {
			t.Fatal(err)
		}
		if reopen != nil {
			o = reopen(t, o)
		}
		want(t, o, text(map[string]string{"\x01": "1", "G": "1", "Gz": "2", "b": "2"}))
	})
	t.Run("many look-ups give what single ones give", func(t *testing.T) {
		o := open(t)
		if v, err := o.GetMany(nil); len(v) != 0 || err != nil {
			t.Fatal(v, err)
		}
		var changes []intel.Change
		for i := range 500 {
			changes = append(changes, set(fmt.Sprintf("k%03d", i*2), fmt.Sprint(i)))
		}
		write(t, o, changes...)
		write(t, o, del("k010"), set("k012", "new"))
		var keys [][]byte
		for i := range 1000 {
			keys = append(keys, fmt.Appendf(nil, "k%03d", (i*7919)%1000), []byte("k"), []byte("k012"))
		}
		values, err := o.GetMany(keys)
		if err != nil || len(values) != len(keys) {
			t.Fatal(len(values), err)
		}
		for i, key := range keys {
			v, ok, err := o.Get(key)
			if err != nil || ok != (values[i] != nil) || !bytes.Equal(v, values[i]) {
				t.Fatalf("GetMany(%s) = %q, Get = %q, %v, %v", key, values[i], v, ok, err)
			}
		}
	})
	t.Run("any history gives what a map gives", func(t *testing.T) {
		o := open(t)
		model := map[string]string{}
		r := rand.New(rand.NewPCG(1, 2))
		for step := range 300 {
			var changes []intel.Change
			for range r.IntN(20) {
				key := fmt.Sprintf("%c%d", 'a'+r.IntN(3), r.IntN(40))
				if r.IntN(3) == 0 {
					changes = append(changes, del(key))
					delete(model, key)
				} else {
					value := fmt.Sprint(step, r.IntN(1000))
					changes = append(changes, set(key, value))
					model[key] = value
				}
			}
			write(t, o, changes...)
			if reopen != nil && step%100 == 50 {
				o = reopen(t, o)
			}
			if step%10 == 0 {
				want(t, o, text(model))
			}
		}
		want(t, o, text(model))
	})
	if reopen != nil {
		t.Run("what was written is there after reopening", func(t *testing.T) {
			o := open(t)
			big := bytes.Repeat([]byte("x"), 9<<20)
			write(t, o, set("a", "1"), intel.Change{Key: []byte("big"), Value: big})
			o = reopen(t, o)
			if v, ok, err := o.Get([]byte("big")); !ok || err != nil || !bytes.Equal(v, big) {
				t.Fatal(len(v), ok, err)
			}
			if err := o.Reset(nil); err != nil {
				t.Fatal(err)
			}
			want(t, reopen(t, o), "")
		})
	}
}

func set(key, value string) intel.Change {
	return intel.Change{Key: []byte(key), Value: []byte(value)}
}

func del(key string) intel.Change { return intel.Change{Key: []byte(key), Delete: true} }

func write(t testing.TB, o intel.Objects, changes ...intel.Change) {
	t.Helper()
	if err := o.Write(changes); err != nil {
		t.Fatal(err)
	}
}

func rows(t testing.TB, o intel.Objects, from, to []byte, reverse bool) []intel.Row {
	t.Helper()
	var out []intel.Row
	for row, err := range o.Scan(from, to, reverse) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, intel.Row{Key: bytes.Clone(row.Key), Value: bytes.Clone(row.Value)})
	}
	return out
}

func want(t testing.TB, o intel.Objects, want string) {
	t.Helper()
	got := map[string]string{}
	for _, row := range rows(t, o, nil, nil, false) {
		got[string(row.Key)] = string(row.Value)
	}
	if text(got) != want {
		t.Fatalf("rows are %s, want %s", text(got), want)
	}
}

func text(m map[string]string) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b bytes.Buffer
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", k, m[k])
	}
	return b.String()
}
