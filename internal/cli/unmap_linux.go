package cli

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unmapProgram gives back the memory that holds what was read of the program itself. To start touches code and tables of every package once, and Linux maps 64 KiB around each place: about
// 30 MB are resident then, of which a watch goes on to use about half. What is needed again is read again, from the cache of the file system as a rule.
//
// A mapping in which something was changed is left alone, since that would be lost, whether it is resident or was swapped out: where the program was relocated, or a debugger stopped it.
func unmapProgram() {
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	for _, m := range programMappings(bufio.NewScanner(f), name) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.start, m.size, unix.MADV_DONTNEED) // if it cannot be done all is as it was
	}
}

// mapping is a part of the address space.
type mapping struct{ start, size uintptr }

// programMappings reads proc_pid_smaps(5): the mappings of a file that cannot be written and in which no page is another than in the file. What such a page takes is told by "Anonymous:" while it is resident, and by
// "Swap:", which comes after it, while it is not.
func programMappings(in *bufio.Scanner, name string) (out []mapping) {
	var at mapping
	same := false // nothing else is resident
	for in.Scan() {
		line := in.Text()
		if anonymous, ok := strings.CutPrefix(line, "Anonymous:"); ok {
			same = strings.TrimSpace(anonymous) == "0 kB"
			continue
		}
		if swapped, ok := strings.CutPrefix(line, "Swap:"); ok {
			if at.size > 0 && same && strings.TrimSpace(swapped) == "0 kB" {
				out = append(out, at)
			}
			at = mapping{}
			continue
		}
		if f := strings.Fields(line); len(f) >= 6 && strings.HasPrefix(f[1], "r-") && strings.HasSuffix(line, " "+name) {
			first, end, _ := strings.Cut(f[0], "-")
			a, err := strconv.ParseUint(first, 16, strconv.IntSize)
			b, err2 := strconv.ParseUint(end, 16, strconv.IntSize)
			at, same = mapping{}, false
			if err == nil && err2 == nil && b > a {
				at = mapping{uintptr(a), uintptr(b - a)}
			}
		}
	}
	return out
}
