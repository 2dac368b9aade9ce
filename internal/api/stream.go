package api

import (
	"net/http"
	"sync"
	"time"

	"entente/internal/node"
)

// line is one line of a long answer.
type line struct {
	Progress *node.Progress `json:"progress,omitempty"`
	Result   any            `json:"result,omitempty"`
	Error    *Problem       `json:"error,omitempty"`
}

// between is how often progress is told at most.
const between = 100 * time.Millisecond

// lines runs a long operation and tells how it goes. The status is 200 once
// the work has begun; whether it held is in the last line.
func (h *handler) lines(w http.ResponseWriter, r *http.Request, op Operation, c call, rc *http.ResponseController) {
	var mu sync.Mutex // progress may come from any goroutine of the work
	begun, last, stage := false, time.Time{}, ""
	write := func(l line) {
		text, err := encode(l)
		if err != nil {
			h.Log.Error("answer cannot be written", "op", op.Name, "error", err)
			text = []byte(`{"error":{"type":"urn:entente:problem:internal","title":"The answer cannot be written as JSON.","status":500,"code":"internal"}}` + "\n")
		}
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			begun = true
		}
		_ = rc.SetWriteDeadline(time.Now().Add(quiet))
		if _, err := w.Write(text); err == nil {
			_ = rc.Flush()
		}
	}
	c.progress = func(p node.Progress) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if p.Stage == stage && now.Sub(last) < between && (p.Total == 0 || p.Done < p.Total) {
			return
		}
		last, stage = now, p.Stage
		write(line{Progress: &p})
	}
	out, err := op.run(r.Context(), c)
	mu.Lock()
	defer mu.Unlock()
	if err == nil {
		label(w, out)
		write(line{Result: out})
		return
	}
	p := ProblemOf(err)
	if !begun { // nothing said yet: an ordinary answer with a fitting status
		h.fail(w, op.Name, p)
		return
	}
	h.logProblem(op.Name, p)
	localize(w, p)
	write(line{Error: p})
}

// download runs an operation whose answer is bytes.
func (h *handler) download(w http.ResponseWriter, r *http.Request, op Operation, c call, rc *http.ResponseController) {
	out := &downloadWriter{w: w, rc: rc}
	c.out = out
	result, err := op.run(r.Context(), c)
	if err != nil {
		p := ProblemOf(err)
		if !out.begun {
			h.fail(w, op.Name, p)
			return
		}
		h.logProblem(op.Name, p)
		localize(w, p)
		if text, err := encode(p); err == nil {
			w.Header().Set(HeaderProblem, trim(text))
		}
		return
	}
	out.begin()
	text, err := encode(result)
	if err != nil {
		h.Log.Error("answer cannot be written", "op", op.Name, "error", err)
		return // without the result the caller knows that it is not complete
	}
	w.Header().Set(HeaderResult, trim(text))
}

func trim(text []byte) string { return string(text[:len(text)-1]) } // without the line feed

// downloadWriter begins the answer with the first byte, so that what fails
// before it is an ordinary error.
type downloadWriter struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	begun bool
}

func (d *downloadWriter) begin() {
	if d.begun {
		return
	}
	d.begun = true
	d.w.Header().Set("Trailer", HeaderResult+", "+HeaderProblem)
	d.w.Header().Set("Content-Type", "application/octet-stream")
	d.w.WriteHeader(http.StatusOK)
}

func (d *downloadWriter) Write(p []byte) (int, error) {
	d.begin()
	_ = d.rc.SetWriteDeadline(time.Now().Add(quiet))
	return d.w.Write(p)
}
