package peer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"entente/journal"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

// WitnessClient asks one witness for cosignatures: another node's or any that speaks
// C2SP tlog-witness, such as litewitness.
type WitnessClient struct {
	// URL is the submission prefix; "/add-checkpoint" is appended.
	URL string
	// VKey is the witness's verifier key; cosignatures that it does not verify are
	// not believed.
	VKey string
	// HTTP makes the requests; for a partner's witness it is Client.HTTP of that
	// partner. Nil means a plain client with a timeout.
	HTTP *http.Client
}

// Cosign submits a checkpoint with a consistency proof from oldSize, the size that
// the witness cosigned last (0 if none or not known), and returns the verified
// signature lines. *ConflictError tells the size that the witness expects.
func (c *WitnessClient) Cosign(ctx context.Context, checkpoint []byte, oldSize int64, proof []journal.Hash) ([]byte, error) {
	lines, err := c.cosign(ctx, checkpoint, oldSize, proof)
	if err != nil {
		return nil, fmt.Errorf("asking witness %s: %w", c.URL, err)
	}
	return lines, nil
}

func (c *WitnessClient) cosign(ctx context.Context, checkpoint []byte, oldSize int64, proof []journal.Hash) ([]byte, error) {
	verifier, err := torchwood.NewCosignatureVerifier(c.VKey)
	if err != nil {
		return nil, fmt.Errorf("its verifier key: %w", err)
	}
	body := fmt.Appendf(nil, "old %d\n", oldSize)
	for _, h := range proof {
		body = fmt.Appendf(body, "%s\n", h)
	}
	body = append(append(body, '\n'), checkpoint...)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	hc := c.HTTP
	if hc == nil {
		hc = &http.Client{Timeout: 30 * time.Second, CheckRedirect: noRedirect}
	}
	resp, err := hc.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, MaxCheckpointBytes))
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return verifiedLines(checkpoint, data, verifier)
	case http.StatusConflict:
		s := strings.TrimSuffix(string(data), "\n")
		size, err := strconv.ParseInt(s, 10, 64)
		if err != nil || size < 0 || size > maxJournalSize {
			return nil, errors.New("it reports a conflict without a size")
		}
		return nil, &ConflictError{size}
	}
	if resp.StatusCode == http.StatusUnprocessableEntity {
		return nil, fmt.Errorf("%w: %s", ErrInconsistent, plain(string(data), 200))
	}
	return nil, fmt.Errorf("it answered with status %d: %s", resp.StatusCode, plain(string(data), 200))
}

// ErrInconsistent says that a witness has cosigned another history of the log: the
// consistency proof from what it cosigned last does not hold.
var ErrInconsistent = errors.New("it has cosigned another history of this log")

// CosignedAt is the earliest time in cosignature lines as Cosign returns them. It
// is the witness's claim, to the second.
func CosignedAt(lines []byte) (time.Time, error) {
	var at time.Time
	for line := range bytes.Lines(lines) {
		sig, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line[bytes.LastIndexByte(line, ' ')+1:])))
		if err != nil || len(sig) < 12 {
			return at, errors.New("a cosignature line is malformed")
		}
		t := time.Unix(int64(binary.BigEndian.Uint64(sig[4:])), 0)
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if at.IsZero() {
		return at, errors.New("there is no cosignature")
	}
	return at, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// verifiedLines keeps those lines that are this witness's cosignatures of the
// checkpoint, and ignores others as the specification asks.
func verifiedLines(checkpoint, lines []byte, v note.Verifier) ([]byte, error) {
	i := bytes.LastIndex(checkpoint, []byte("\n\n"))
	if i < 0 {
		return nil, errors.New("what was to be cosigned is not a signed checkpoint")
	}
	n, err := note.Open(append(append([]byte(nil), checkpoint[:i+2]...), lines...), note.VerifierList(v))
	if err != nil {
		return nil, fmt.Errorf("its answer is not its cosignature of this checkpoint: %w", err)
	}
	var out []byte
	for _, s := range n.Sigs {
		out = fmt.Appendf(out, "\u2014 %s %s\n", s.Name, s.Base64)
	}
	return out, nil
}

// CosignFrom is Cosign for a caller who can prove consistency from any size: it
// starts from the size that it believes the witness has, and where the witness knows
// better tries once more from there.
func (c *WitnessClient) CosignFrom(ctx context.Context, checkpoint []byte, oldSize int64, prove func(old, size int64) ([]journal.Hash, error)) ([]byte, error) {
	_, head, err := journal.CheckpointHead(checkpoint)
	if err != nil {
		return nil, fmt.Errorf("asking witness %s: %w", c.URL, err)
	}
	for try := 0; ; try++ {
		var proof []journal.Hash
		if oldSize > 0 && oldSize < head.Size {
			if proof, err = prove(oldSize, head.Size); err != nil {
				return nil, fmt.Errorf("asking witness %s: %w", c.URL, err)
			}
		}
		lines, err := c.Cosign(ctx, checkpoint, oldSize, proof)
		conflict, ok := errors.AsType[*ConflictError](err)
		if !ok || try > 0 || conflict.Size > head.Size || conflict.Size == oldSize {
			return lines, err
		}
		oldSize = conflict.Size
	}
}
