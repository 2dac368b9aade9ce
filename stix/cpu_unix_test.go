//go:build unix

package stix

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

// perCore reports objects per second of processor time; call it with the number of
// objects of one turn, and defer what it gives.
func perCore(b *testing.B, objects int) func() {
	from := cpuTime()
	return func() {
		if used := cpuTime() - from; used > 0 {
			b.ReportMetric(float64(objects)*float64(b.N)/used.Seconds(), "objects/cpu-s")
		}
	}
}
