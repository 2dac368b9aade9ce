package taxii

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	defaultBatch        = 5000             // objects of one request
	defaultPushBytes    = 8 << 20          // of a request, where the server names no max_content_length
	maxPushBytes        = 64 << 20         // of a request, whatever the server allows
	defaultStatusWait   = 10 * time.Minute // until a request is done
	maxFailuresListed   = 1000
	envelopeFrame       = len(`{"objects":[]}`)
	minGzipPush         = 1 << 10
	statusCompleteValue = "complete"
)

// PushOptions steer one push. The zero value is ready for use.
type PushOptions struct {
	Batch    int           // objects of one request; default 5000
	MaxBytes int64         // of one request; default what the API root names as max_content_length
	Gzip     bool          // compress requests, for a server that takes that
	Wait     time.Duration // for the status of one request to be complete; default 10 minutes
	// Told is called with the status of each request when it is complete, or was given up; it may be nil.
	Told func(Status)
}

// PushReport is what became of objects that were pushed.
type PushReport struct {
	Total    int            `json:"total"`
	Success  int            `json:"success"`
	Failure  int            `json:"failure"`
	Pending  int            `json:"pending"` // not decided when waiting was given up
	Requests int            `json:"requests"`
	Failures []StatusDetail `json:"failures,omitempty"` // at most 1,000
	// Remarks are what the server said of objects that it took in, such as conflicts; at most 1,000.
	Remarks []StatusDetail `json:"remarks,omitempty"`
}

// Push adds objects to a collection (section 5.5), in requests of at most max_content_length, and waits until the server
// has decided about each. What a server finds too large is sent in halves. An object that is too large by itself is a
// failure like one that the server refuses; neither stops the others. The report is valid beside an error too.
func (c *Client) Push(ctx context.Context, ref Ref, objects iter.Seq2[[]byte, error], o PushOptions) (PushReport, error) {
	p := &push{c: c, ref: ref, o: o}
	if p.o.Batch <= 0 {
		p.o.Batch = defaultBatch
	}
	if p.o.Wait <= 0 {
		p.o.Wait = defaultStatusWait
	}
	u, err := c.collection(ref)
	if err != nil {
		return p.report, err
	}
	p.url = u.JoinPath("objects/")
	if p.o.MaxBytes <= 0 {
		info, err := c.Root(ctx, ref.Root)
		if err != nil {
			return p.report, err
		}
		if p.o.MaxBytes = info.MaxContentLength; p.o.MaxBytes <= 0 {
			p.o.MaxBytes = defaultPushBytes
		}
	}
	p.o.MaxBytes = min(p.o.MaxBytes, maxPushBytes)
	var batch [][]byte
	size := 0
	for raw, err := range objects {
		if err != nil {
			return p.report, errors.Join(fmt.Errorf("taxii: reading what is to be pushed: %w", err), p.send(ctx, batch))
		}
		if int64(len(raw)+envelopeFrame) > p.o.MaxBytes {
			p.refuse(raw, fmt.Sprintf("it has %d bytes, and a request may have %d", len(raw), p.o.MaxBytes))
			continue
		}
		if len(batch) == p.o.Batch || int64(size+len(raw)+len(batch)+1+envelopeFrame) > p.o.MaxBytes {
			if err := p.send(ctx, batch); err != nil {
				return p.report, err
			}
			batch, size = nil, 0
		}
		batch = append(batch, raw)
		size += len(raw)
	}
	return p.report, p.send(ctx, batch)
}

// push is one push under way.
type push struct {
	c      *Client
	ref    Ref
	url    *url.URL
	o      PushOptions
	report PushReport
}

func (p *push) refuse(raw []byte, why string) {
	id, version := peekHeader(raw)
	p.report.Total++
	p.report.Failure++
	p.fail(StatusDetail{ID: id, Version: version, Message: why})
}

func (p *push) fail(d StatusDetail) {
	if len(p.report.Failures) < maxFailuresListed {
		d.Message = cutText(d.Message, maxMessage)
		p.report.Failures = append(p.report.Failures, d)
	}
}

// send adds one batch, or its halves.
func (p *push) send(ctx context.Context, batch [][]byte) error {
	if len(batch) == 0 {
		return nil
	}
	body, coding, err := p.body(batch)
	if err != nil {
		return err
	}
	a, err := p.c.request(ctx, http.MethodPost, p.url, MediaType, coding, body)
	var refused *ResponseError
	if errors.As(err, &refused) && refused.Status == http.StatusRequestEntityTooLarge {
		if len(batch) == 1 {
			p.refuse(batch[0], refused.Error())
			return nil
		}
		half := len(batch) / 2
		if err := p.send(ctx, batch[:half]); err != nil {
			return err
		}
		return p.send(ctx, batch[half:])
	}
	if err != nil {
		return err
	}
	var s Status
	if err := json.Unmarshal(a.body, &s, jsonOptions); err != nil {
		return fmt.Errorf("taxii: POST %s: the status cannot be read: %w: %w", p.url.Redacted(), ErrNotTAXII, err)
	}
	s, err = p.await(ctx, s)
	p.tally(s, len(batch))
	return err
}

func (p *push) body(batch [][]byte) (body []byte, coding string, err error) {
	var b bytes.Buffer
	b.WriteString(`{"objects":[`)
	for i, raw := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(raw)
	}
	b.WriteString(`]}`)
	if !p.o.Gzip || b.Len() < minGzipPush {
		return b.Bytes(), "", nil
	}
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestSpeed)
	if err == nil {
		_, err = z.Write(b.Bytes())
	}
	if err == nil {
		err = z.Close()
	}
	return zipped.Bytes(), "gzip", err
}

// await asks for a status until it is complete, or for long enough.
func (p *push) await(ctx context.Context, s Status) (Status, error) {
	waited, wait := time.Duration(0), p.c.o.Pause
	for s.Status != statusCompleteValue {
		if waited >= p.o.Wait {
			return s, fmt.Errorf("taxii: the server has not decided within %s about %d objects; ask for status %.100q later", p.o.Wait, s.PendingCount, s.ID)
		}
		if err := p.c.o.Sleep(ctx, wait); err != nil {
			return s, err
		}
		waited += wait
		wait = min(2*wait, 10*time.Second)
		now, err := p.c.Status(ctx, p.ref.Root, s.ID)
		if err != nil {
			return s, err
		}
		now.ID = s.ID // it asks for the one that it was given, whatever the server says
		s = now
	}
	return s, nil
}

// tally counts what a server says, as far as it can be true.
func (p *push) tally(s Status, sent int) {
	p.report.Requests++
	p.report.Total += sent
	success := min(max(s.SuccessCount, 0), sent)
	failure := min(max(s.FailureCount, 0), sent-success)
	p.report.Success += success
	p.report.Failure += failure
	p.report.Pending += sent - success - failure
	for _, d := range s.Failures {
		p.fail(d)
	}
	for _, d := range s.Successes {
		if d.Message != "" && len(p.report.Remarks) < maxFailuresListed {
			d.Message = cutText(d.Message, maxMessage)
			p.report.Remarks = append(p.report.Remarks, d)
		}
	}
	if p.o.Told != nil {
		p.o.Told(s)
	}
}
