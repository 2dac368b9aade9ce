//go:build unix

package unit_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time that the process has used, collection of garbage
// included. On a machine that does other work too it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perTurn reports the seconds of processor time that one turn took; defer what it gives.
func perTurn(b *testing.B) func() {
	from := cpuTime()
	return func() { b.ReportMetric((cpuTime()-from).Seconds()/float64(b.N), "cpu-s/op") }
}
