package input

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/watch/pass"
)

// table is the head of a table of more than a kilobyte, as all of one kind have it.
func table() string {
	var head strings.Builder
	head.WriteString("when,client,name")
	for i := range 150 {
		fmt.Fprintf(&head, ",column%d", i)
	}
	return head.String() + "\n"
}

func rows(from, to int) string {
	var out strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&out, "2026-01-01T00:00:%02dZ,10.0.0.1,n%d.evil.example%s\n", i%60, i, strings.Repeat(",x", 150))
	}
	return out.String()
}

// TestTablesAlike: tables begin the same. One that comes when another is gone is read whole, and one that is packed and moved is not read again.
func TestTablesAlike(t *testing.T) {
	b := newBench(t)
	b.write("1.csv", table()+rows(0, 5))
	b.write("2.csv", table()+rows(5, 8))
	b.once(true, filepath.Join(b.dir, "logs"))
	b.has("at first", 8)
	if err := os.Remove(b.path("1.csv")); err != nil {
		t.Fatal(err)
	}
	b.write("3.csv", table()+rows(8, 20))
	if err := os.Remove(b.path("2.csv")); err != nil {
		t.Fatal(err)
	}
	b.write("old.2.csv.gz", packed(t, table()+rows(5, 8)))
	b.once(true, filepath.Join(b.dir, "logs"))
	b.has("the next day", 20)
	if len(b.problems) > 0 {
		t.Error(b.problems)
	}
}

// TestOldBook: a book is read as it was written before headers stood once and what was read last was noted.
func TestOldBook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	text := `{"saves":3,"files":[{"path":"a.csv","device":1,"inode":2,"print":"` + printOf([]byte("x")) + `","length":1,"state":{"offset":9,"line":2,"format":"csv","header":"x,y"},"used":3}],"kept":[1,2]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBook(path)
	if err != nil {
		t.Fatal(err)
	}
	if e := b.files[identified{1, 2}][0]; !e.begins([]byte("xyz")) || e.State.Header != "x,y" || e.State.Offset != 9 || b.Saves != 3 || string(b.Kept) != "[1,2]" {
		t.Errorf("%+v", b)
	}
}

// TestHeadersStandOnce: what many files have for a header is written once.
func TestHeadersStandOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	b := newBook(path)
	header := strings.Repeat("column,", 100)
	for i := range 50 {
		e := b.begin(fmt.Sprint(i), identified{1, uint64(i + 1)}, "csv")
		b.read(e, pass.State{Offset: 10, Format: "csv", Header: strings.Clone(header)})
	}
	if err := b.Save(nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte(header)) != 1 {
		t.Errorf("%d times: %v", bytes.Count(text, []byte(header)), err)
	}
	again, err := OpenBook(path)
	if err != nil || len(again.Files) != 50 || again.Files[49].State.Header != header {
		t.Errorf("%v", err)
	}
}

// FuzzBook: what is read as a book is written and read as the same.
func FuzzBook(f *testing.F) {
	f.Add([]byte(`{"saves":3,"files":[{"path":"a","print":"x","length":1,"state":{"offset":9,"header":"h"},"used":3}],"kept":[1]}`))
	f.Add([]byte(`{"kept":null,"headers":["a","b"],"files":[{"header_of":2},null,{"header_of":-1},{"header_of":9}],"other":{"a":[{}]}}`))
	f.Add([]byte(`{"files":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBook("")
		if err := b.decode(bytes.NewReader(data)); err != nil {
			return
		}
		var one, two bytes.Buffer
		if err := b.encode(&one); err != nil {
			t.Fatal(err)
		}
		c := newBook("")
		if err := c.decode(bytes.NewReader(one.Bytes())); err != nil {
			t.Fatalf("%v: %s", err, one.Bytes())
		}
		if err := c.encode(&two); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%v\n%s\n%s", err, one.Bytes(), two.Bytes())
		}
	})
}
