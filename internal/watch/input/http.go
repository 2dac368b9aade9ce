package input

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"entente/internal/watch/pass"
)

const (
	// maxBody is the longest body of one request, in bytes after decompression.
	maxBody = 256 << 20
	// maxHead is the longest head of a request, in bytes.
	maxHead = 64 << 10
)

// HTTP takes lines that are sent with POST, plain or with gzip or zstd, until the context ends. A request is answered once all its lines
// were read.
func HTTP(ctx context.Context, address string, out chan<- Message, ready func(net.Addr)) error {
	lc := net.ListenConfig{}
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	ready(l.Addr())
	s := &http.Server{Handler: receiver(out), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: maxHead,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// receiver answers POST.
func receiver(out chan<- Message) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "send lines of a log with POST", http.StatusMethodNotAllowed)
			return
		}
		rc := http.NewResponseController(w)
		text, _, closing, err := unpacked(bufio.NewReaderSize(&slowBody{rc, http.MaxBytesReader(w, r.Body, maxBody)}, blockSize))
		if err != nil {
			http.Error(w, "the body is neither plain nor gzip nor zstd: "+err.Error(), http.StatusBadRequest)
			return
		}
		defer closing()
		from := "http"
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			from += " " + host
		}
		in := bufio.NewReaderSize(io.LimitReader(text, maxBody), blockSize)
		var carry []byte // requests of one machine may come at the same time: only whole lines are handed over
		for {
			block := make([]byte, len(carry)+blockSize)
			n, err := io.ReadFull(in, block[copy(block, carry):])
			block = block[:len(carry)+n]
			last := err != nil
			if last && len(block) > 0 && block[len(block)-1] != '\n' {
				block = append(block, '\n')
			}
			if end := bytes.LastIndexByte(block, '\n') + 1; end > 0 || len(block) < pass.MaxLine {
				carry = bytes.Clone(block[end:])
				block = block[:end]
			} else {
				block, carry = append(block, '\n'), nil
			}
			if len(block) > 0 {
				done := make(chan struct{})
				if !hand(r.Context(), out, Message{From: from, Text: block, Done: done}) {
					return
				}
				select {
				case <-done:
				case <-r.Context().Done():
					return
				}
			}
			if last {
				if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
					w.WriteHeader(http.StatusNoContent)
				} else {
					http.Error(w, "the body broke off", http.StatusBadRequest)
				}
				return
			}
		}
	})
}

// slowBody gives each read of a body its own time.
type slowBody struct {
	rc *http.ResponseController
	io.Reader
}

func (s *slowBody) Read(p []byte) (int, error) {
	_ = s.rc.SetReadDeadline(time.Now().Add(time.Minute)) // not every connection has deadlines
	return s.Reader.Read(p)
}
