//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// router is the network between network namespaces: each has one device, whose IP
// packets come here and go on to the namespace that has the address they are for, if
// the weather lets them. It does in user space what tc netem does in the kernel,
// so that it works where the kernel has no netem, and from a seed.
type router struct {
	t     testing.TB
	mu    sync.Mutex
	rng   *rand.Rand
	ports map[netip.Addr]*port
	now   weather
	count traffic
}

// weather is what happens to packets. The zero value is a perfect line.
type weather struct {
	Loss, Twice, Late float64       // shares of packets that are dropped, doubled, overtaken
	Delay, Jitter     time.Duration // of each packet
	Rate              int           // bytes a second towards each namespace; 0: no bound
	MTU               int           // larger packets vanish, and nobody is told; 0: none
	Cut               func(from, to netip.Addr) bool
}

type traffic struct{ Passed, Lost, Doubled, Overtaken, Vanished int }

type port struct {
	file *os.File
	free time.Time // when its line has sent what waits
}

func newRouter(t testing.TB) *router {
	needsRoot(t, "ip")
	return &router{t: t, rng: rand.New(rand.NewPCG(7, 7)), ports: map[netip.Addr]*port{}}
}

// namespace makes a network namespace with an address and returns the command that
// runs a program in it.
func (r *router) namespace(name, addr string) []string {
	t := r.t
	t.Helper()
	name = fmt.Sprintf("ent%d%s", os.Getpid()%100000, name)
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("SKIPPED %s: no tun devices on this machine: %v", t.Name(), err)
	}
	device := "e" + name[3:]
	req, err := unix.NewIfreq(device)
	if err != nil {
		t.Fatal(err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(req))); errno != 0 {
		t.Skipf("SKIPPED %s: no tun device can be made: %v", t.Name(), errno)
	}
	file := os.NewFile(uintptr(fd), device)
	t.Cleanup(func() { file.Close() })
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED %s: no network namespace can be made: %v %s", t.Name(), err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	r.ip("link", "set", device, "netns", name)
	r.ip("-n", name, "link", "set", "lo", "up")
	r.ip("-n", name, "link", "set", device, "up")
	r.ip("-n", name, "addr", "add", addr+"/24", "dev", device)
	r.mu.Lock()
	p := &port{file: file}
	r.ports[netip.MustParseAddr(addr)] = p
	r.mu.Unlock()
	go r.listen(file)
	return []string{"ip", "netns", "exec", name}
}

// move gives a namespace another address.
func (r *router) move(wrap []string, from, to string) {
	r.t.Helper()
	ns := wrap[len(wrap)-1]
	device := "e" + ns[3:]
	r.ip("-n", ns, "addr", "del", from+"/24", "dev", device)
	r.ip("-n", ns, "addr", "add", to+"/24", "dev", device)
	r.mu.Lock()
	defer r.mu.Unlock()
	old, new := netip.MustParseAddr(from), netip.MustParseAddr(to)
	r.ports[new] = r.ports[old]
	delete(r.ports, old)
}

func (r *router) ip(args ...string) {
	r.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		r.t.Fatalf("ip %q: %v %s", args, err, out)
	}
}

// set changes the weather and returns what passed until now.
func (r *router) set(w weather) traffic {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.count
	r.now, r.count = w, traffic{}
	return was
}

// seen tells what happened since the weather was set.
func (r *router) seen() traffic {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

func (r *router) listen(file *os.File) {
	buf := make([]byte, 64<<10)
	for {
		n, err := file.Read(buf)
		if err != nil {
			return // closed
		}
		if n < 20 || buf[0]>>4 != 4 {
			continue // not IPv4
		}
		r.pass(append([]byte{}, buf[:n]...))
	}
}

// pass decides about one packet.
func (r *router) pass(packet []byte) {
	from := netip.AddrFrom4([4]byte(packet[12:16]))
	to := netip.AddrFrom4([4]byte(packet[16:20]))
	r.mu.Lock()
	defer r.mu.Unlock()
	p, w := r.ports[to], r.now
	if p == nil {
		return
	}
	switch {
	case w.Cut != nil && w.Cut(from, to), w.MTU > 0 && len(packet) > w.MTU:
		r.count.Vanished++
		return
	case r.rng.Float64() < w.Loss:
		r.count.Lost++
		return
	}
	copies := 1
	if r.rng.Float64() < w.Twice {
		copies++
		r.count.Doubled++
	}
	for range copies {
		r.count.Passed++
		r.send(p, w, packet)
	}
}

// send hands a packet over when its time has come. The lock must be held.
func (r *router) send(p *port, w weather, packet []byte) {
	wait := w.Delay
	if w.Jitter > 0 {
		wait += time.Duration(r.rng.Int64N(int64(w.Jitter)))
	}
	if w.Late > 0 && r.rng.Float64() < w.Late {
		r.count.Overtaken++
		wait += w.Delay + 20*time.Millisecond
	}
	if w.Rate > 0 {
		now := time.Now()
		if p.free.Before(now) {
			p.free = now
		}
		if p.free.Sub(now) > time.Second { // what a real queue would not hold
			r.count.Lost++
			return
		}
		p.free = p.free.Add(time.Duration(len(packet)) * time.Second / time.Duration(w.Rate))
		wait += p.free.Sub(now)
	}
	if wait == 0 {
		_, _ = p.file.Write(packet) // lost if the device is gone
		return
	}
	time.AfterFunc(wait, func() { _, _ = p.file.Write(packet) })
}
