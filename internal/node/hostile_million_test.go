package node

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/internal/peer"
	"entente/journal"
)

var tinyEntries = flag.Int("hostile.entries", 100_000, "how many tiny entries TestHostileMillion sends")

// TestHostileMillion has one partner send tiny entries without end, in the longest
// runs that the format allows, and another entries of the largest size in runs of the
// most bytes, to a served node over TLS. The first run of each is taken, what is beyond
// the bound of an hour is refused by its code as often as it comes, memory and disk
// stay within their bounds, and a third partner's exchanges go through meanwhile. A
// million, which meets the same bound, is -hostile.entries=1000000.
func TestHostileMillion(t *testing.T) {
	measuresProgram(t)
	ctx := t.Context()
	a, quiet := withQuiet(t)
	heard := [2]*answers{{n: map[string]int{}}, {n: map[string]int{}}}
	var hostile [2]*flooder
	var before [2]journal.Head
	for i, unitName := range []string{"Tiny", "Large"} {
		p := newParty(t, unitName)
		must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: unitName}))
		pair(t, a, p, unitName)
		p.sync()
		hostile[i] = &flooder{rogue: takeOver(t, p, a), place: i, answers: heard[i]}
		hostile[i].http.Timeout = 0
		before[i] = hostile[i].held()
	}
	tiny, large := hostile[0], hostile[1]
	// One packet of each, which is sent again as long as it is not taken.
	var runs []peer.Run
	const runsOfPacket = 2
	for range runsOfPacket {
		runs = append(runs, tiny.append(tiny.many(journal.MaxBatchEntries, "x", func(int) (string, string) { return `{}`, "" })))
	}
	tinyPacket := tiny.pack(tiny.hello(), runs, nil).Bytes()
	head := len(large.many(1, "x.note", func(int) (string, string) { return `{"t":""}`, "" })[0])
	fill := strings.Repeat("x", journal.MaxEntry-head-4)
	most := journal.MaxBatchBytes / journal.MaxEntry
	runs = nil
	for range 4 {
		runs = append(runs, large.append(large.many(most, "x.note", func(int) (string, string) { return `{"t":"` + fill + `"}`, "" })))
	}
	if n := len(runs[0].Entries[0]); n > journal.MaxEntry || n < journal.MaxEntry-16 {
		t.Fatalf("the largest entry has %d bytes", n)
	}
	largePacket := large.pack(large.hello(), runs, nil).Bytes()
	runs = nil

	disk := func() (n int64) {
		err := filepath.WalkDir(a.dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // files of exchanges come and go
			}
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return n
	}
	a.stop()
	diskBefore := disk()
	p := &program{t: t, exe: build(t), dir: a.dir}
	p.start()
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	idle := p.status("VmRSS")
	stop, honest := make(chan struct{}), make(chan error, 1)
	var exchanges atomic.Int64
	var slowest atomic.Int64
	go func() {
		honest <- func() error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				if _, err := quiet.Suspend(ctx, UnitSuspendRequest{Scope: []string{"share"}}); err != nil {
					return err
				}
				if _, err := quiet.Resume(ctx, UnitResumeRequest{}); err != nil {
					return err
				}
				begun := time.Now()
				res, err := quiet.Sync(ctx, SyncRequest{}, nil)
				if err != nil {
					return err
				}
				for _, s := range res.Sessions {
					if s.Error != "" {
						return fmt.Errorf("%s %s", s.Code, s.Error)
					}
				}
				slowest.Store(max(slowest.Load(), int64(time.Since(begun))))
				exchanges.Add(1)
			}
		}()
	}()
	const perPacket = runsOfPacket * journal.MaxBatchEntries
	sent := 0
	var both sync.WaitGroup
	both.Go(func() {
		for ; sent < *tinyEntries; sent += perPacket {
			tiny.tell(ctx, bytes.NewReader(tinyPacket))
		}
	})
	both.Go(func() {
		for range 4 {
			large.tell(ctx, bytes.NewReader(largePacket))
		}
	})
	both.Wait()
	during := exchanges.Load()
	close(stop)
	if err := <-honest; err != nil {
		t.Errorf("the honest partner: %v\n%s", err, p.errs.String())
	}
	peak := p.status("VmHWM")
	p.end()
	ended = true
	diskAfter := disk()
	t.Logf("%d tiny entries in %d packets of %d MiB, 4 packets of %d MiB; idle %d MiB, at most %d MiB; the disk grew by %d KiB; %d honest exchanges, the slowest %v; answers %v, %v",
		sent, sent/perPacket, len(tinyPacket)>>20, len(largePacket)>>20, idle>>20, peak>>20, (diskAfter-diskBefore)>>10, during, time.Duration(slowest.Load()), heard[0].n, heard[1].n)
	if peak >= maxResident {
		t.Errorf("resident memory reached %d MiB, the bound is %d MiB", peak>>20, int64(maxResident)>>20)
	}
	if during < 3 {
		t.Errorf("%d exchanges of the other unit went through meanwhile", during)
	}
	// One run of each partner is taken, and no more of it within the hour.
	if most := int64(2 * 3 * journal.MaxBatchBytes); diskAfter-diskBefore > most {
		t.Errorf("the disk grew by %d bytes, the bound is %d", diskAfter-diskBefore, most)
	}
	for i := range heard {
		for code := range heard[i].n {
			if code != peer.CodeLater && code != "answered" {
				t.Errorf("%s was answered with %q", hostile[i].victim.init.Name, code)
			}
		}
		if n := heard[i].n; n[peer.CodeLater] == 0 || n["answered"] == 0 {
			t.Errorf("partner %d heard %v", i, n)
		}
	}
	a.start()
	if n := tiny.held().Size - before[0].Size; n != journal.MaxBatchEntries {
		t.Errorf("of the tiny entries %d are held, one run is %d", n, journal.MaxBatchEntries)
	}
	if n := large.held().Size - before[1].Size; n != int64(most) {
		t.Errorf("of the largest entries %d are held, one run is %d", n, most)
	}
	if tiny.fault() != "" || large.fault() != "" {
		t.Errorf("faults %q, %q: too much is no lie", tiny.fault(), large.fault())
	}
	a.lives(nil)
	quiet.syncWithParty(a)
}
