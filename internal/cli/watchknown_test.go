package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/logs"
)

// TestKnownIsToldOnce: a stream that changes its format with each line, a folder of many files and senders without end do not fill the screen; of those that are not told it is
// told how many there are.
func TestKnownIsToldOnce(t *testing.T) {
	var errs bytes.Buffer
	a := &app{now: time.Now, err: &errs, out: new(bytes.Buffer), env: func(string) string { return "" }}
	w := &watching{a: a, bar: a.progress("watch")}
	for range 1000 {
		w.known("a.log", "squid", logs.Evidence{Lines: 1, Agree: 1})
		w.known("a.log", "zeek-json", logs.Evidence{Lines: 1, Agree: 1})
	}
	w.known("b.log", "squid", logs.Evidence{Lines: 1, Agree: 1})
	if told := strings.Split(strings.TrimSpace(errs.String()), "\n"); len(told) != 3 {
		t.Errorf("told %d times", len(told))
	}
	for i := range maxTold + 100 {
		w.known(fmt.Sprint("syslog ", i), "squid", logs.Evidence{Lines: 1, Agree: 1})
	}
	if told := strings.Count(errs.String(), "\n"); told != toldOfEach+1 || len(w.told) > maxTold {
		t.Errorf("told %d times, %d kept", told, len(w.told))
	}
	errs.Reset()
	if err := w.others(); err != nil || errs.String() != "Further inputs of squid: 99,979\n" {
		t.Errorf("%q %v", errs.String(), err)
	}
}
