package journaltest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
)

// Task is one thing for the second verifier (docs/protocol/verifier) to judge. Its
// verify.py says what each kind needs.
type Task struct {
	Kind   string `json:"kind"`
	Data   []byte `json:"data"`
	Keys   string `json:"keys,omitempty"`  // JSON of the key schedule
	Entry  []byte `json:"entry,omitempty"` // of a proof
	Unit   string `json:"unit,omitempty"`
	Party  string `json:"party,omitempty"`
	Origin string `json:"origin,omitempty"`
}

// Verdict is what the second verifier says of a Task.
type Verdict struct {
	OK     bool   `json:"ok"`
	Code   string `json:"code"`
	Index  *int64 `json:"index"` // of the entry, of records
	Part   string `json:"part"`  // of a dossier
	Ref    string `json:"ref"`
	Detail string `json:"detail"`
	Heads  map[string]struct {
		Size int64  `json:"size"`
		Root string `json:"root"`
	} `json:"heads"`
	Findings []struct {
		Weight string   `json:"weight"`
		Code   string   `json:"code"`
		Party  string   `json:"party"`
		Refs   []string `json:"refs"`
	} `json:"findings"`
}

// SecondVerifier has tasks judged by the verifier in the folder named, which was
// written from the documents alone, in one process of python3. The test is skipped
// where there is no python3 of at least 3.10.
func SecondVerifier(t testing.TB, folder string, tasks []Task) []Verdict {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import sys; sys.exit(sys.version_info < (3, 10))").Run()
	}
	if err != nil {
		t.Skip("python3 of at least 3.10 is not here: the second verifier does not run")
	}
	cmd := exec.Command(python, "-B", filepath.Join(folder, "verify.py"), "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(in, 1<<20)
		enc := json.NewEncoder(w)
		for _, task := range tasks {
			if err := enc.Encode(task); err != nil {
				sent <- err
				return
			}
		}
		if err := w.Flush(); err != nil {
			sent <- err
			return
		}
		sent <- in.Close()
	}()
	var got []Verdict
	dec := json.NewDecoder(out)
	for {
		var v Verdict
		if err = dec.Decode(&v); err != nil {
			break
		}
		got = append(got, v)
	}
	if err == io.EOF {
		err = cmd.Wait()
	} else {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	if err != nil || len(got) != len(tasks) {
		<-sent
		t.Fatalf("the second verifier judged %d of %d: %v\n%s", len(got), len(tasks), err, stderr.String())
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	return got
}
