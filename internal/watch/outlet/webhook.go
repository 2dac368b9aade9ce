package outlet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"entente/internal/notify"
)

// Webhook posts sightings as one JSON object: {"sightings": [...]}, each in the names of the Elastic Common Schema, with the id of the
// message in event.id and that of the sighting in entente.sighting. It is signed, and addressed, as notices of the
// node are.
type Webhook struct {
	To *notify.Webhook
	// Lines tells whether the sample of lines is in it.
	Lines bool
}

// Make implements [Sender].
func (w *Webhook) Make(x Item) ([]byte, error) {
	s := *x.Sighting
	if !w.Lines {
		s.Sample = nil
	}
	return s.ECSMessage(x.Now, x.ID, x.Name)
}

// Send implements [Sender]. The same messages have the same Idempotency-Key.
func (w *Webhook) Send(ctx context.Context, list []Message) error {
	sum := sha256.New()
	var body bytes.Buffer
	body.WriteString(`{"sightings":[`)
	for i, m := range list {
		if i > 0 {
			body.WriteByte(',')
		}
		sum.Write([]byte(m.ID))
		body.Write(m.Text)
	}
	body.WriteString("]}")
	err := w.To.Post(ctx, hex.EncodeToString(sum.Sum(nil)[:16]), body.Bytes())
	var answer *notify.AnswerError
	if errors.As(err, &answer) && answer.Status/100 == 4 && answer.Status != http.StatusRequestTimeout && answer.Status != http.StatusTooManyRequests {
		return refusal{err}
	}
	return err
}
