package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestSteadyAnswers: what takes longer than the server's own limit to come in is answered all the same, and
// in full.
func TestSteadyAnswers(t *testing.T) {
	long := bytes.Repeat([]byte("a page of objects\n"), 100_000)
	s := httptest.NewUnstartedServer(steady(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		w.WriteHeader(http.StatusAccepted)
		if n, err := w.Write(long); n != len(long) || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})))
	s.Config.WriteTimeout = 100 * time.Millisecond
	s.Start()
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusAccepted || !bytes.Equal(got, long) {
		t.Errorf("status %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
}
