package cli

import (
	"io/fs"
	"os"

	"entente/internal/watch/input"
)

// inputs parts what is named on the command line: files, folders and patterns, and what can be read only once, which are standard input, named pipes and what a shell makes of <(...).
func (a *app) inputs(args []string, follow bool) (files []string, pipes []input.Pipe) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case arg == "-":
			pipes = append(pipes, input.Pipe{Name: arg, In: a.in})
		case err == nil && !info.IsDir() && !info.Mode().IsRegular():
			own, err := os.Lstat(arg)
			pipes = append(pipes, input.Pipe{Name: arg, In: &lateFile{path: arg, stays: follow && err == nil && own.Mode()&fs.ModeNamedPipe != 0}})
		default:
			files = append(files, arg)
		}
	}
	return files, pipes
}

// lateFile is a pipe that is opened when it is read first, which waits for who writes to it.
type lateFile struct {
	path string
	// stays tells that it goes on when who writes closes it: there is a writer always, this one.
	stays bool
	f     *os.File
}

// Read implements [io.Reader].
func (x *lateFile) Read(p []byte) (int, error) {
	if x.f == nil {
		how := os.O_RDONLY
		if x.stays {
			how = os.O_RDWR
		}
		var err error
		if x.f, err = os.OpenFile(x.path, how, 0); err != nil {
			return 0, err
		}
	}
	n, err := x.f.Read(p)
	if err != nil { // who writes next is not to write into what nobody reads
		_ = x.f.Close() // it was only read
	}
	return n, err
}
