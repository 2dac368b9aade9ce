package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"entente/internal/node"
)

// Client speaks the API, wherever the node is. Errors that the node answered
// are [*Problem]; others mean that it could not be asked, and [*BrokenError] that it
// went away while it was.
type Client struct {
	http  *http.Client
	base  string
	token string
	lang  string
	zone  string
}

// In asks for answers in a language (RFC 5646): words beside the codes, and problems told in it.
func (c *Client) In(tag string) { c.lang = tag }

// At asks for answers whose words tell instants in a time zone (an IANA name or an offset).
func (c *Client) At(zone string) { c.zone = zone }

// InProcess is a client of a handler in the same process.
func InProcess(h http.Handler) *Client {
	return &Client{http: &http.Client{Transport: &inProcess{handler: h}}, base: "http://node"}
}

// Dialed is a client that opens each connection with dial, for instance to a
// unix socket. Nothing is sent but to that connection.
func Dialed(dial func(context.Context) (net.Conn, error)) *Client {
	t := &http.Transport{
		DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		ResponseHeaderTimeout: 0, // the work may take as long as it takes; the context ends it
		MaxIdleConns:          1,
		IdleConnTimeout:       10 * time.Second,
		DisableCompression:    true,
	}
	return &Client{http: &http.Client{Transport: t}, base: "http://node"}
}

// TCP is a client of the API at a base URL such as http://127.0.0.1:8420, with
// a bearer token.
func TCP(base, token string) *Client {
	return &Client{http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		base: strings.TrimSuffix(base, "/"), token: token}
}

// Close lets go of connections that are kept open.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call runs a plain operation. out may be nil.
func (c *Client) Call(ctx context.Context, op string, in, out any) error {
	resp, err := c.send(ctx, op, in, nil, "application/json")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return broken(ctx, op, nil, decodeAnswer(resp.Body, out))
}

// Long runs a long operation, or an upload when body is not nil, and tells
// progress (which may be nil) on the way.
func (c *Client) Long(ctx context.Context, op string, in any, body io.Reader, progress func(node.Progress), out any) error {
	var up *uploaded
	if body != nil {
		up = &uploaded{Reader: body}
	}
	resp, err := c.send(ctx, op, in, up, "application/x-ndjson")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil && (len(text) == 0 || !errors.Is(err, io.EOF)) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return broken(ctx, op, up, fmt.Errorf("the node broke off its answer to %s: %w", op, err))
		}
		var l struct {
			Progress *node.Progress  `json:"progress"`
			Result   json.RawMessage `json:"result"`
			Error    *Problem        `json:"error"`
		}
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("the answer to %s cannot be read: %w", op, err)
		}
		switch {
		case l.Error != nil:
			return l.Error
		case l.Result != nil:
			return decodeAnswer(bytes.NewReader(l.Result), out)
		case l.Progress != nil && progress != nil:
			progress(*l.Progress)
		}
	}
}

// Download runs an operation whose answer is bytes, writes them to w, and
// fails when they are not complete.
func (c *Client) Download(ctx context.Context, op string, in any, w io.Writer, out any) error {
	resp, err := c.send(ctx, op, in, nil, "application/octet-stream")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return broken(ctx, op, nil, fmt.Errorf("receiving the answer to %s: %w", op, err))
	}
	if text := resp.Trailer.Get(HeaderProblem); text != "" {
		var p Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return fmt.Errorf("the answer to %s broke off: %w", op, err)
		}
		return &p
	}
	text := resp.Trailer.Get(HeaderResult)
	if text == "" {
		return broken(ctx, op, nil, fmt.Errorf("the answer to %s is not complete: %w", op, io.ErrUnexpectedEOF))
	}
	return decodeAnswer(strings.NewReader(text), out)
}

// send posts a request and returns the answer if it is a good one.
func (c *Client) send(ctx context.Context, op string, in any, body *uploaded, accept string) (*http.Response, error) {
	text := []byte("{}")
	if in != nil {
		var err error
		if text, err = encode(in); err != nil {
			return nil, err
		}
		text = bytes.TrimSpace(text)
	}
	var req *http.Request
	var err error
	if body != nil {
		// Hidden behind a plain reader, or the transport would close a file it does not own.
		if req, err = http.NewRequestWithContext(ctx, http.MethodPost, c.base+Prefix+op, io.NopCloser(body)); err == nil {
			req.Header.Set("Content-Type", "application/octet-stream")
			req.Header.Set(HeaderRequest, string(text))
		}
	} else if req, err = http.NewRequestWithContext(ctx, http.MethodPost, c.base+Prefix+op, bytes.NewReader(text)); err == nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", op, err)
	}
	req.Header.Set("Accept", accept)
	if c.lang != "" {
		req.Header.Set("Accept-Language", c.lang)
	}
	if c.zone != "" {
		req.Header.Set(HeaderZone, c.zone)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, broken(ctx, op, body, fmt.Errorf("asking the node for %s: %w", op, err))
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("asking the node for %s: %w", op, err)
	}
	p := new(Problem)
	if err := json.Unmarshal(text, p); err != nil || p.Code == "" {
		return nil, fmt.Errorf("asking the node for %s: it answered %s", op, resp.Status)
	}
	return nil, p
}

// decodeAnswer reads what the own node answered; fields that this version does
// not know are passed over.
func decodeAnswer(r io.Reader, out any) error {
	if out == nil {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	if err := json.NewDecoder(r).Decode(out); err != nil {
		return fmt.Errorf("the node's answer cannot be read: %w", err)
	}
	_, err := io.Copy(io.Discard, r)
	return err
}
