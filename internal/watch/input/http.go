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
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"entente/internal/watch/pass"
)

const (
	// maxBody is the longest body of one request, in bytes, packed and unpacked.
	maxBody = 256 << 20
	// maxHead is the longest head of a request, in bytes.
	maxHead = 64 << 10
	// maxBodies is the number of bodies that are read at once: each may ask for as much memory as maxWindow says.
	maxBodies = 16
	// maxPiece is how long pieceSize bytes of a body may take, or what is left of it.
	maxPiece  = time.Minute
	pieceSize = 64 << 10
)

// HTTP takes lines that are sent with POST, plain or with gzip or zstd, until the context ends. A request is answered once all its lines
// were read.
func HTTP(ctx context.Context, address string, out chan<- Message, ready func(net.Addr)) error {
	l, err := listenTCP(ctx, address)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	ready(l.Addr())
	s := &http.Server{Handler: receiver(out), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: maxHead,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(netutil.LimitListener(l, maxConnections)); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// receiver answers POST.
func receiver(out chan<- Message) http.Handler {
	bodies := make(chan struct{}, maxBodies)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "send lines of a log with POST", http.StatusMethodNotAllowed)
			return
		}
		switch how := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); how {
		case "", "identity", "gzip", "x-gzip", "zstd":
		default: // its lines would count as binary, and the sender take them for read
			w.Header().Set("Accept-Encoding", "gzip,zstd")
			http.Error(w, "the body is packed in a way that is not undone here: send it plain, with gzip or with zstd", http.StatusUnsupportedMediaType)
			return
		}
		select {
		case bodies <- struct{}{}:
			defer func() { <-bodies }()
		case <-r.Context().Done():
			return
		}
		body := &slowBody{rc: http.NewResponseController(w), in: http.MaxBytesReader(w, r.Body, maxBody)}
		text, _, closing, err := unpacked(bufio.NewReaderSize(body, blockSize))
		if err != nil {
			http.Error(w, "the body is neither plain nor gzip nor zstd: "+err.Error(), http.StatusBadRequest)
			return
		}
		defer closing()
		from := "http"
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			from += " " + host
		}
		err = wholeLines(unmarked(&bounded{text, maxBody}), func(block []byte, more bool) error {
			done := make(chan struct{})
			if !hand(r.Context(), out, Message{From: from, Text: block, More: more, Done: done}) {
				return r.Context().Err()
			}
			select {
			case <-done:
				return nil
			case <-r.Context().Done():
				return r.Context().Err()
			}
		})
		switch large := (*http.MaxBytesError)(nil); {
		case r.Context().Err() != nil: // nobody waits for an answer
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, ErrLarge), errors.As(err, &large):
			http.Error(w, fmt.Sprintf("the body has more than %d bytes, packed or unpacked: what came before was read", maxBody), http.StatusRequestEntityTooLarge)
		default:
			http.Error(w, "the body broke off", http.StatusBadRequest)
		}
	})
}

// unmarked gives a text without a byte order mark: a body stands for itself, and is not always the beginning of its stream.
func unmarked(text io.Reader) io.Reader {
	in := bufio.NewReader(text)
	if begin, _ := in.Peek(len(pass.ByteOrderMark)); string(begin) == pass.ByteOrderMark { // an error comes again when it is read on
		_, _ = in.Discard(len(begin)) // they are there
	}
	return in
}

// bounded fails with [ErrLarge] where a text is longer than it may be.
type bounded struct {
	in   io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		var one [1]byte
		n, err := io.ReadFull(b.in, one[:])
		if n > 0 {
			err = ErrLarge
		}
		return 0, err
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// wholeLines hands over a text in blocks of whole lines: texts of one machine may come at the same time. Of a line that is too long so much is handed over that
// it is counted as such, and the rest is passed over. What was read before an error is handed over, too. more tells that another block comes, be it an empty one.
func wholeLines(in io.Reader, hand func(block []byte, more bool) error) error {
	var carry []byte
	more := false
	for long := false; ; {
		block := append(make([]byte, 0, len(carry)+blockSize), carry...)
		block, readErr := fill(in, block)
		if long {
			_, rest, found := bytes.Cut(block, []byte("\n"))
			block, long = rest, !found
		}
		if readErr != nil && len(block) > 0 && block[len(block)-1] != '\n' {
			block = append(block, '\n')
		}
		end := bytes.LastIndexByte(block, '\n') + 1
		rest := block[end:]
		if carry = nil; len(rest) > pass.MaxLine {
			block, long = append(block[:end+pass.MaxLine+1], '\n'), true
		} else {
			carry, block = bytes.Clone(rest), block[:end:end]
		}
		if len(block) > 0 || more && readErr != nil {
			more = readErr == nil
			if err := hand(block, more); err != nil {
				return err
			}
		}
		switch {
		case readErr == io.EOF: // as it is: what is packed ends with another where it breaks off
			return nil
		case readErr != nil:
			return readErr
		}
	}
}

// fill reads what there is room for behind b.
func fill(in io.Reader, b []byte) ([]byte, error) {
	for len(b) < cap(b) {
		n, err := in.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

// slowBody gives each piece of a body its own time, of which only waiting for the sender counts.
type slowBody struct {
	rc   *http.ResponseController
	in   io.Reader
	left int           // of the piece
	rest time.Duration // of its time
}

func (s *slowBody) Read(p []byte) (int, error) {
	if s.left <= 0 {
		s.left, s.rest = pieceSize, maxPiece
	}
	begin := time.Now()
	_ = s.rc.SetReadDeadline(begin.Add(s.rest)) // not every connection has deadlines
	n, err := s.in.Read(p)
	s.rest -= time.Since(begin)
	s.left -= n
	return n, err
}
