package peer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"entente/journal"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// Bounds of C2SP tlog-witness.
const (
	maxProofLines   = 63
	maxWitnessBytes = MaxCheckpointBytes + maxProofLines*64 + 64
)

// ErrUnknownLog is what WitnessLogs.Verify returns for a journal not mirrored here.
var ErrUnknownLog = errors.New("this journal is not mirrored here")

// ErrWitnessStopped is what WitnessLogs answers where a witness cannot know any more what
// it has cosigned with its key: whatever it is shown, it cosigns nothing with that.
var ErrWitnessStopped = errors.New("witness-stopped: this witness cosigns nothing until its key is replaced, because what it has cosigned with it is not known any more")

// WitnessLogs is what a witness asks of its node.
type WitnessLogs interface {
	// Verify checks a signed checkpoint against the keys of a mirrored journal, all
	// of its signatures. ErrUnknownLog if it is not one that is mirrored here.
	Verify(ctx context.Context, origin journal.Origin, signed []byte) (journal.Head, error)
	// Cosigned is the largest head cosigned for the journal; the zero Head if none. It and
	// Swap answer ErrWitnessStopped where that is not known.
	Cosigned(ctx context.Context, origin journal.Origin) (journal.Head, error)
	// Swap replaces it, durably, if it still is old; otherwise it reports false. It
	// must never go back to a smaller one, also not by a restore.
	Swap(ctx context.Context, origin journal.Origin, old, next journal.Head) (bool, error)
}

// WitnessParams are what a Witness is made from.
type WitnessParams struct {
	// Name is the witness's key name, without spaces or plus signs: by custom a
	// schema-less URL. Key is its own Ed25519 key, used for nothing else.
	Name string
	Key  ed25519.PrivateKey
	Logs WitnessLogs
	Now  func() time.Time
	Log  *slog.Logger
}

// Witness cosigns checkpoints of mirrored journals for anybody who asks (C2SP
// tlog-witness, tlog-cosignature). A cosignature says that the head was consistent
// with every head cosigned before. It says nothing about the contents, and it is
// never a receipt: key and name are others than those of the node.
type Witness struct {
	p      WitnessParams
	signer *torchwood.CosignatureSigner
}

// NewWitness makes a witness. It is an http.Handler for the add-checkpoint call.
func NewWitness(p WitnessParams) (*Witness, error) {
	s, err := torchwood.NewCosignatureSigner(p.Name, p.Key)
	if err != nil {
		return nil, fmt.Errorf("making a witness: %w", err)
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	return &Witness{p: p, signer: s}, nil
}

// VKey is the witness's verifier key (C2SP signed-note), to be published.
func (w *Witness) VKey() string { return w.signer.Verifier().String() }

// ServeHTTP answers add-checkpoint.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxWitnessBytes))
	if err != nil {
		http.Error(rw, "the request could not be read, or is too long", http.StatusBadRequest)
		return
	}
	lines, err := w.add(r.Context(), body)
	var conflict *ConflictError
	switch e, coded := errors.AsType[*witnessError](err); {
	case err == nil:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write(lines)
	case errors.As(err, &conflict):
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", conflict.Size)
	case coded:
		http.Error(rw, e.detail, e.status)
	case errors.Is(err, ErrWitnessStopped):
		http.Error(rw, err.Error(), http.StatusServiceUnavailable)
	default:
		w.p.Log.Error("a checkpoint could not be cosigned", "err", err)
		http.Error(rw, "the witness failed and has logged why", http.StatusInternalServerError)
	}
}

// witnessError is an answer with a status of the specification.
type witnessError struct {
	status int
	detail string
}

func (e *witnessError) Error() string { return e.detail }

// ConflictError says that a witness knows another size than the request assumed.
type ConflictError struct{ Size int64 }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the witness has cosigned size %d last; a consistency proof from there is needed", e.Size)
}

// witnessRequest is a parsed add-checkpoint request.
type witnessRequest struct {
	old        int64
	proof      tlog.TreeProof
	checkpoint []byte
	origin     journal.Origin
}

func parseWitnessRequest(body []byte) (witnessRequest, error) {
	var q witnessRequest
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok || len(signed) > MaxCheckpointBytes {
		return q, errors.New("an old size, proof lines, an empty line and a checkpoint are expected")
	}
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !ok || err != nil || old < 0 || old > maxJournalSize || size != strconv.FormatInt(old, 10) {
		return q, errors.New("the first line is not an old size")
	}
	if len(lines)-1 > maxProofLines {
		return q, fmt.Errorf("more than %d proof lines", maxProofLines)
	}
	for _, l := range lines[1:] {
		h, err := tlog.ParseHash(l)
		if err != nil {
			return q, errors.New("a proof line is not a hash")
		}
		q.proof = append(q.proof, h)
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	q.old, q.checkpoint, q.origin = old, signed, journal.Origin(origin)
	return q, nil
}

func (w *Witness) add(ctx context.Context, body []byte) ([]byte, error) {
	q, err := parseWitnessRequest(body)
	if err != nil {
		return nil, &witnessError{http.StatusBadRequest, err.Error()}
	}
	head, err := w.p.Logs.Verify(ctx, q.origin, q.checkpoint)
	code := ""
	if r, ok := AsRefusal(err); ok {
		code = r.Code
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrUnknownLog):
		return nil, &witnessError{http.StatusNotFound, "this witness does not know that log"}
	case code == journal.CodeBadSignature || code == journal.CodeHalfSignature || code == journal.CodeWeakKey:
		return nil, &witnessError{http.StatusForbidden, "the checkpoint is not signed by the log's keys"}
	case code == journal.CodeFork || code == journal.CodeRollback || code == journal.CodeRewritten:
		return nil, &witnessError{http.StatusUnprocessableEntity, "the checkpoint contradicts one that the log signed before; both are kept as proof"}
	case code == CodeTooMany:
		return nil, &witnessError{http.StatusTooManyRequests, "too many heads of the journal wait here for their entries"}
	case code != "":
		return nil, &witnessError{http.StatusBadRequest, "the checkpoint is malformed"}
	default:
		return nil, err
	}
	if q.old > head.Size {
		return nil, &witnessError{http.StatusBadRequest, "the old size is larger than the checkpoint's"}
	}
	known, err := w.p.Logs.Cosigned(ctx, q.origin)
	if err != nil {
		return nil, err
	}
	if err := w.consistent(q, known, head); err != nil {
		return nil, err
	}
	// Recorded before it is signed: a crash in between costs a cosignature, the other
	// order could cost the truth. Nobody else may have moved it on meanwhile.
	swapped, err := w.p.Logs.Swap(ctx, q.origin, known, head)
	if err != nil {
		return nil, err
	}
	if !swapped {
		if known, err = w.p.Logs.Cosigned(ctx, q.origin); err != nil {
			return nil, err
		}
		return nil, &ConflictError{known.Size}
	}
	return w.cosign(q.checkpoint)
}

func (w *Witness) consistent(q witnessRequest, known, head journal.Head) error {
	switch {
	case q.old != known.Size:
		return &ConflictError{known.Size}
	case q.old == head.Size && q.old > 0 && known.Root != head.Root:
		return &ConflictError{known.Size}
	case q.old == 0 || q.old == head.Size:
		if len(q.proof) > 0 {
			return &witnessError{http.StatusUnprocessableEntity, "the consistency proof must be empty here"}
		}
		return nil
	}
	if err := tlog.CheckTree(q.proof, head.Size, head.Root, known.Size, known.Root); err != nil {
		return &witnessError{http.StatusUnprocessableEntity, "the consistency proof does not hold"}
	}
	return nil
}

// cosign makes a cosignature/v1 line over the checkpoint's text.
func (w *Witness) cosign(signed []byte) ([]byte, error) {
	i := bytes.LastIndex(signed, []byte("\n\n"))
	if i < 0 {
		return nil, errors.New("a verified checkpoint has no signatures")
	}
	text := signed[:i+1]
	t := uint64(w.p.Now().Unix())
	sig := ed25519.Sign(w.p.Key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", t, text))
	line := binary.BigEndian.AppendUint32(nil, w.signer.KeyHash())
	line = binary.BigEndian.AppendUint64(line, t)
	line = append(line, sig...)
	return fmt.Appendf(nil, "\u2014 %s %s\n", w.p.Name, base64.StdEncoding.EncodeToString(line)), nil
}
