//go:build unix

package cli

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readers are the commands that read a file somebody may have been given, by the kind of file. The
// folder has a node, so that the file is what they fail at.
func readers(dir string) map[string]func(file string) []string {
	in := func(args ...string) func(string) []string {
		return func(file string) []string {
			return append(append([]string{"--dir", filepath.Join(dir, "node")}, args...), file)
		}
	}
	return map[string]func(string) []string{
		"courier":  in("courier", "import"),
		"dossier":  in("verify"),
		"dossiers": in("verify", filepath.Join(dir, "plain")),
		"backup":   in("restore", "--dir", filepath.Join(dir, "new"), "--org-key", filepath.Join(dir, "plain")),
		"backup key": func(file string) []string {
			return []string{"restore", filepath.Join(dir, "plain"), "--dir", filepath.Join(dir, "new"), "--org-key", file}
		},
		"accord": in("accord", "check"),
		"bundle": in("import"),
		"accords": func(file string) []string {
			return []string{"accord", "diff", file, filepath.Join(dir, "plain")}
		},
		"accords, the second": func(file string) []string {
			return []string{"accord", "diff", filepath.Join(dir, "plain"), file}
		},
		"text": in("request", "new", "--title", "x", "--text-file"),
		"key": func(file string) []string {
			return []string{"--dir", filepath.Join(dir, "node"), "identity", "rotate", "node", "--org-key", file}
		},
	}
}

// runs runs a command, and fails the test if it does not end.
func runs(t *testing.T, args []string) (int, string) {
	t.Helper()
	var out, told bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- Main(t.Context(), args, strings.NewReader(""), &out, &told, func(string) string { return "" })
	}()
	select {
	case code := <-done:
		return code, told.String() + out.String()
	case <-time.After(time.Minute):
		t.Fatalf("%v does not end", args)
		return 0, ""
	}
}

// TestHostileFiles: whatever lies under the name of a file that is given to a command, the command
// ends and says what is wrong.
func TestHostileFiles(t *testing.T) {
	dir, err := os.MkdirTemp("", "f") // a socket's name must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// A node, because without one some commands end before they open anything.
	if code, told := runs(t, []string{"--dir", at("node"), "init", "--name", "North", "--org-key", at("org.key")}); code != exitOK {
		t.Fatalf("no node: exit %d: %s", code, told)
	}
	if code, told := runs(t, []string{"--dir", at("node"), "unit", "found", "Unit"}); code != exitOK {
		t.Fatalf("no unit: exit %d: %s", code, told)
	}
	must(os.WriteFile(at("plain"), []byte("nothing of anything"), 0o600))
	must(os.Mkdir(at("folder"), 0o700))
	must(syscall.Mkfifo(at("pipe"), 0o600))
	must(os.Symlink(at("pipe"), at("link to a pipe")))
	must(os.Symlink(at("link"), at("link")))
	must(os.Symlink(at("plain"), at("link to a file")))
	must(os.Link(at("plain"), at("hard link")))
	l, err := net.Listen("unix", at("socket"))
	must(err)
	defer l.Close()
	sparse, err := os.Create(at("sparse"))
	must(err)
	must(sparse.Truncate(1 << 40))
	must(sparse.Close())
	must(os.WriteFile(at("empty"), nil, 0o600))

	files := map[string]string{
		"pipe": "is a named pipe", "link to a pipe": "is a named pipe", "folder": "is a folder", "socket": "is a socket", "/dev/zero": "is a device",
		"/dev/null": "is a device", "link": "", "sparse": "", "empty": "", "missing": "", "link to a file": "", "hard link": "", "../../../../../../../../../nowhere": "",
	}
	for kind, args := range readers(dir) {
		t.Run(kind, func(t *testing.T) {
			for file, says := range files {
				name := file
				if !strings.HasPrefix(file, "/") {
					name = at(file)
				}
				if file == "sparse" && kind == "bundle" {
					continue
				}
				start := time.Now()
				code, told := runs(t, args(name))
				if spent := time.Since(start); spent > time.Second {
					t.Logf("%s: %v: exit %d: %s", file, spent, code, told)
				}
				if code == exitOK || told == "" {
					t.Errorf("%s: exit %d: %s", file, code, told)
				}
				if says != "" && !strings.Contains(told, says) && !strings.Contains(told, "not a regular file") {
					t.Errorf("%s: exit %d after %v: %s", file, code, time.Since(start), told)
				}
			}
		})
	}
}

// TestOpenFile: what is no regular file is refused at once, what is one is opened, and read as far
// as it went when it was opened, however it grows.
func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	pipe, plain := filepath.Join(dir, "pipe"), filepath.Join(dir, "plain")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plain, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, dir, "/dev/zero"} {
		if f, err := openFile(name); err == nil {
			_ = f.Close()
			t.Errorf("%s was opened", name)
		} else if !strings.Contains(err.Error(), "name a file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := &app{}
	r, done, err := a.open(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	f, err := os.OpenFile(plain, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got bytes.Buffer
	for b := make([]byte, 4); ; { // somebody writes as fast as we read
		n, err := r.Read(b)
		got.Write(b[:n])
		if err != nil || got.Len() > 1<<20 {
			break
		}
		fmt.Fprint(f, "more and more")
	}
	if got.String() != "as it was" {
		t.Errorf("read %d bytes of a file that grew", got.Len())
	}
}
