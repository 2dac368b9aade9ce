package input

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/pass"
)

const rowsHead = "time,src_ip,message,domain\n"

// rowOf is a record of four lines with a number, which it has in its last one.
func rowOf(n int) string {
	return fmt.Sprintf("2024-05-23T02:30:26Z,10.0.0.1,\"a text,\n\n of \"\"some\"\" lines\r\n\",n%d.evil.example\n", n)
}

// flat is one of one line.
func flat(n int) string {
	return fmt.Sprintf("2024-05-23T02:30:26Z,10.0.0.1,a text,n%d.evil.example\n", n)
}

// TestRecordsWaitForTheirEnd: a run with positions leaves a record that did not end, and the next one reads it whole, wherever it was cut.
func TestRecordsWaitForTheirEnd(t *testing.T) {
	all := rowsHead + flat(0) + flat(1) + rowOf(2) + flat(3) + rowOf(4)
	for at := strings.Index(all, rowOf(2)) - 2; at < strings.Index(all, flat(3))+2; at++ {
		b := newBench(t)
		b.write("x.csv", all[:at])
		b.once(true, b.path("x.csv"))
		b.add("x.csv", all[at:])
		b.once(true, b.path("x.csv"))
		b.has(fmt.Sprint("cut at ", at), 5)
		if b.pass.Counts.Stray != 0 || b.pass.Counts.Failed != 0 {
			t.Errorf("cut at %d: %+v", at, b.pass.Counts)
		}
	}
}

// TestStrayQuotesDoNotWait: what stands behind a quote that is not closed is read although positions are kept: when nothing was added to the file for long, when it was moved away, and when nobody goes on in it.
func TestStrayQuotesDoNotWait(t *testing.T) {
	open := "2024-05-23T02:30:26Z,10.0.0.1,\"a text,n9.evil.example\n"
	text := rowsHead + rowOf(0) + open + flat(1) + flat(2)
	b := newBench(t)
	b.write("x.csv", text)
	b.once(true, b.path("x.csv"))
	b.has("a file that may grow", 1)
	b.once(true, b.path("x.csv"))
	b.has("the same", 1)
	long := time.Now().Add(-pass.MaxRecordWait)
	if err := os.Chtimes(b.path("x.csv"), long, long); err != nil {
		t.Fatal(err)
	}
	b.once(true, b.path("x.csv"))
	b.has("nothing was added for long", 3)
	b.add("x.csv", open+flat(3))
	b.once(true, b.path("x.csv"))
	b.has("added", 3)
	if err := os.Rename(b.path("x.csv"), b.path("x.csv.1")); err != nil {
		t.Fatal(err)
	}
	b.write("x.csv", rowsHead+flat(4))
	b.once(true, b.path("x.csv"))
	b.has("moved away", 5)
	b.write("y.csv", text)
	b.once(false, b.path("y.csv"))
	b.has("without positions", 3)
	ctx, cancel := context.WithCancel(t.Context())
	r := b.start(Options{Follow: true, Poll: time.Millisecond, Idle: cancel}, false)
	if err := r.Run(ctx, []string{b.path("y.csv")}); err != nil {
		t.Fatal(err)
	}
	b.has("followed, and stopped", 3)
}

// TestRecordsOfMessages: a message stands for itself; a record in it is read whole, one that does not end in it is none.
func TestRecordsOfMessages(t *testing.T) {
	b := newBench(t)
	r := b.start(Options{}, false)
	r.Take(Message{From: "a", Text: []byte(rowsHead + rowOf(0))})
	r.Take(Message{From: "a", Text: []byte("2024-05-23T02:30:26Z,10.0.0.1,\"a text\n")})
	r.Take(Message{From: "a", Text: []byte(flat(1))})
	b.has("messages", 2)
	if b.pass.Counts.Stray != 1 {
		t.Errorf("%+v", b.pass.Counts)
	}
	half := strings.Index(rowOf(2), "of") // in its third line
	r.Take(Message{From: "a", Text: []byte(rowOf(2)[:half-2]), More: true})
	r.Take(Message{From: "a", Text: []byte(rowOf(2)[half-2:] + flat(3))})
	b.has("pieces of one", 4)
	if b.pass.Counts.Stray != 1 || b.pass.Counts.Lines != 12 {
		t.Errorf("%+v", b.pass.Counts)
	}
	if got := string(asLine([]byte("a,\"b\nc\",d\n"))); got != "a,\"b c\",d\n" {
		t.Errorf("of a message of syslog %q is read", got)
	}
}

// TestRecordsOverHTTP: a record lies whole in the body of a request, however long that is; one that does not end in it is read line by line before it is answered.
func TestRecordsOverHTTP(t *testing.T) {
	b := newBench(t)
	r := b.start(Options{}, false)
	out := make(chan Message)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := range out {
			r.Take(m)
		}
	}()
	server := httptest.NewServer(receiver(out))
	defer server.Close()
	const n = 12_000 // several blocks
	var body strings.Builder
	body.WriteString(rowsHead)
	for i := range n {
		body.WriteString(rowOf(i))
	}
	if body.Len() < 3*blockSize {
		t.Fatal("too small")
	}
	body.WriteString("2024-05-23T02:30:26Z,10.0.0.1,\"a text\n" + flat(n))
	answer, err := http.Post(server.URL, "text/csv", strings.NewReader(body.String()))
	if err != nil || answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%v %v", answer, err)
	}
	answer.Body.Close()
	close(out)
	<-done
	b.has("the body", n+1)
	if b.pass.Counts.Stray != 1 || b.pass.Counts.Failed != 1 {
		t.Errorf("%+v", b.pass.Counts)
	}
}
