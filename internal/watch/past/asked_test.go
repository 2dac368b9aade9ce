package past

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"entente/internal/observable"
	"pgregory.net/rapid"
)

func askedQuestion(i int) Question {
	return Question{fmt.Sprintf("indicator--%d", i%7), observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}}
}

// TestAsked: what was noted is known after any number of restarts, whatever was cut off the file or changed in it: then some of what was noted before is
// not known any more, and nothing is that was not noted.
func TestAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "asked")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		x, err := Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		sure, noted := map[int]bool{}, map[int]bool{} // what has to be known, and what may be
		for next := 0; next < 16; {
			a, known, err := x.Asked()
			if err != nil {
				t.Fatal(err)
			}
			for i := range 30 {
				q := askedQuestion(i)
				switch has := known.Has(q.ID, q.Value); {
				case !has && sure[i]:
					t.Fatalf("%d was forgotten", i)
				case has && !noted[i]:
					t.Fatalf("%d was never asked", i)
				}
			}
			for range rapid.IntRange(1, 3).Draw(t, "frames") {
				var all []Question
				for range rapid.IntRange(0, 4).Draw(t, "questions") {
					all = append(all, askedQuestion(next))
					sure[next], noted[next] = true, true
					next++
				}
				if err := a.Add(all); err != nil {
					t.Fatal(err)
				}
			}
			next++
			path := filepath.Join(dir, askedName)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			switch rapid.IntRange(0, 5).Draw(t, "harm") {
			case 0:
				text = text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]
				clear(sure)
			case 1:
				text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
				clear(sure)
			case 2:
				text = append(text, rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "behind")...)
			case 3:
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				clear(sure)
				continue
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestAskedWhereTheFileIsGone: what is noted after somebody deleted the file is known.
func TestAskedWhereTheFileIsGone(t *testing.T) {
	x, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := x.Asked()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(a.path); err != nil {
		t.Fatal(err)
	}
	if err := a.Add([]Question{askedQuestion(1)}); err != nil {
		t.Fatal(err)
	}
	if _, known, err := x.Asked(); err != nil || !known.Has(askedQuestion(1).ID, askedQuestion(1).Value) || known.Has(askedQuestion(2).ID, askedQuestion(2).Value) {
		t.Fatal(known, err)
	}
}

// FuzzAsked: a file of another program is read without harm, and what is good of it, written anew, is the same.
func FuzzAsked(f *testing.F) {
	f.Add([]byte(askedMagic + "0123456789abcdef"))
	f.Add(append([]byte(askedMagic+"0123456789abcdef"), frame([]uint64{1, 2, 1 << 63})...))
	f.Add(append([]byte(askedMagic+"0123456789abcdef"), append(frame([]uint64{7}), 0, 0, 0, 2, 1)...))
	f.Fuzz(func(t *testing.T, text []byte) {
		a := &Asked{}
		hashes, whole, err := a.take(bytes.NewReader(text))
		if err != nil || 8*len(hashes) > len(text) {
			t.Fatal(len(hashes), err)
		}
		if !whole {
			return
		}
		again := []byte(askedMagic + string(a.key[:]))
		for part := range slices.Chunk(hashes, maxAskedAtOnce) {
			again = append(again, frame(part)...)
		}
		got, whole, err := (&Asked{}).take(bytes.NewReader(again))
		if err != nil || !whole || fmt.Sprint(got) != fmt.Sprint(hashes) {
			t.Fatal(got, whole, err)
		}
	})
}
