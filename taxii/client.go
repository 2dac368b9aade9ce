package taxii

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Bounds of a [Client] where its options name no other.
const (
	defaultAnswerBytes = 64 << 20
	defaultTries       = 6
	defaultPause       = 500 * time.Millisecond
	defaultMaxPause    = 2 * time.Minute
	maxProblemBytes    = 64 << 10 // what is read of an error
	answerRoom         = 8 << 20  // made for an answer on its word
)

// ClientOptions configure a [Client]. The zero value is ready for use.
type ClientOptions struct {
	// HTTP sends the requests; [http.DefaultClient] by default. Roots of trust, pinned keys, client certificates, a
	// proxy and timeouts are set there. It should have a timeout for the head of an answer; a whole page may take long.
	HTTP *http.Client

	// Authorize puts the credential into a request: [BasicAuth], [TokenAuth], or anything else. It is only called for
	// requests to the host of the URL that the client was made for, and those in Hosts, over the same scheme: what a
	// server answers cannot send the credential anywhere else.
	Authorize func(*http.Request)

	// Hosts are further hosts ("host" or "host:port") that API roots may lie on. A root elsewhere is [ErrElsewhere].
	Hosts []string

	UserAgent string // default "entente-taxii/1"

	MaxAnswerBytes int64         // of one answer, decompressed; default 64 MiB
	Tries          int           // how often a request is sent until it succeeds; default 6
	Pause          time.Duration // before the second try, doubled for each further one; default 500 ms
	MaxPause       time.Duration // the longest pause, also where Retry-After asks for more; default 2 minutes

	// Sleep waits; by default for as long as it is told, or until the context is done.
	Sleep func(context.Context, time.Duration) error
}

var (
	// ErrElsewhere says that a server named an address on a host or over a scheme that it was not asked about.
	ErrElsewhere = errors.New("the server points to another host; allow it by name if that is meant")
	// ErrNotTAXII says that an answer is no TAXII 2.1 message.
	ErrNotTAXII = errors.New("the answer is not TAXII 2.1; check the URL")
	// ErrNoProgress says that a server repeats itself: going on would never end.
	ErrNoProgress = errors.New("the server says that there is more and does not get on")
	// ErrTooLarge says that an answer is larger than the client reads.
	ErrTooLarge = errors.New("the answer is larger than is read")
)

// ResponseError is an answer that refuses a request: its status, and the error resource (section 3.6.1) as far as there
// is one. The texts are the server's, cut to a length and otherwise as they came.
type ResponseError struct {
	Method, URL string
	Status      int
	Title       string
	Description string
	Code        string // error_code
	ID          string // error_id
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.Status, http.StatusText(e.Status))
	for _, s := range []string{e.Title, e.Description} {
		if s != "" {
			text += ": " + s
		}
	}
	if e.ID != "" {
		text += " (error " + e.ID + ")"
	}
	return text
}

// Client talks to one TAXII 2.1 server. It is safe for concurrent use.
//
// Whatever a server answers, a client ends: answers, pages, pauses and tries are bounded, and a server that repeats
// itself is [ErrNoProgress]. It takes what is met in the wild: answers typed as STIX or plain JSON, with a charset or
// without a version, without the X-TAXII headers, and next values that are numbers.
type Client struct {
	o    ClientOptions
	http *http.Client
	base *url.URL
}

// NewClient makes a client of the server at a URL: that of discovery, of an API root, or the bare host.
func NewClient(server string, o ClientOptions) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("taxii: the server's URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("taxii: %q is no URL of a TAXII server: write https://HOST/taxii2/, without user, password or query", u.Redacted())
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = discoveryPath
	}
	if !strings.HasSuffix(u.Path, "/") {
		u = u.JoinPath("/")
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	if o.UserAgent == "" {
		o.UserAgent = "entente-taxii/1"
	}
	if o.MaxAnswerBytes <= 0 {
		o.MaxAnswerBytes = defaultAnswerBytes
	}
	if o.Tries <= 0 {
		o.Tries = defaultTries
	}
	if o.Pause <= 0 {
		o.Pause = defaultPause
	}
	if o.MaxPause <= 0 {
		o.MaxPause = defaultMaxPause
	}
	if o.Sleep == nil {
		o.Sleep = pause
	}
	c := &Client{o: o, base: u}
	sender := *o.HTTP
	after := sender.CheckRedirect
	sender.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if !c.known(r.URL) {
			return fmt.Errorf("%w: %s", ErrElsewhere, r.URL.Redacted())
		}
		if after != nil {
			return after(r, via)
		}
		if len(via) >= 5 {
			return errors.New("stopped after 5 redirects")
		}
		return nil
	}
	c.http = &sender
	return c, nil
}

// BasicAuth is the credential of HTTP Basic authentication (RFC 7617).
func BasicAuth(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

// TokenAuth is the credential of a bearer token (RFC 6750).
func TokenAuth(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// known tells whether a URL may be asked, with the credential.
func (c *Client) known(u *url.URL) bool {
	if u.Scheme != c.base.Scheme {
		return false
	}
	if strings.EqualFold(u.Host, c.base.Host) {
		return true
	}
	for _, host := range c.o.Hosts {
		if strings.EqualFold(u.Host, host) {
			return true
		}
	}
	return false
}

// at resolves an address that a server or a caller named against that of the server.
func (c *Client) at(ref string) (*url.URL, error) {
	u, err := c.base.Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("taxii: an address of the server cannot be read: %w", err)
	}
	if !c.known(u) {
		return nil, fmt.Errorf("taxii: %w: %s", ErrElsewhere, u.Redacted())
	}
	return u, nil
}

// answer is what came back with success.
type answer struct {
	body   []byte
	header http.Header
}

// request sends a request until it succeeds, is refused for good, or was tried often enough. All of TAXII's requests can
// be repeated: adding an object again changes nothing.
func (c *Client) request(ctx context.Context, method string, u *url.URL, contentType, coding string, body []byte) (answer, error) {
	wait := c.o.Pause
	for try := 1; ; try++ {
		a, again, err := c.once(ctx, method, u, contentType, coding, body)
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		if again < 0 || try >= c.o.Tries {
			return answer{}, err
		}
		if err := c.o.Sleep(ctx, min(max(wait, again), c.o.MaxPause)); err != nil {
			return answer{}, err
		}
		wait = min(2*wait, c.o.MaxPause)
	}
}

// once sends a request. again is how long the server asks to wait before another try, and below zero when there is none
// to be made.
func (c *Client) once(ctx context.Context, method string, u *url.URL, contentType, coding string, body []byte) (a answer, again time.Duration, err error) {
	var from io.Reader
	if body != nil {
		from = strings.NewReader(string(body))
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), from)
	if err != nil {
		return a, -1, fmt.Errorf("taxii: %w", err)
	}
	r.Header.Set("Accept", MediaType)
	r.Header.Set("User-Agent", c.o.UserAgent)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if coding != "" {
		r.Header.Set("Content-Encoding", coding)
	}
	if c.o.Authorize != nil {
		c.o.Authorize(r)
	}
	res, err := c.http.Do(r)
	if err != nil {
		if errors.Is(err, ErrElsewhere) || !passing(err) {
			return a, -1, fmt.Errorf("taxii: %w", err)
		}
		return a, 0, fmt.Errorf("taxii: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return a, retryIn(res), c.refusal(method, u, res)
	}
	if ct := res.Header.Get("Content-Type"); method != http.MethodDelete && !looksLikeJSON(ct) {
		return a, -1, fmt.Errorf("taxii: %s %s: %w: it is of type %.100q", method, u.Redacted(), ErrNotTAXII, ct)
	}
	a.body, err = readSized(res.Body, res.ContentLength, c.o.MaxAnswerBytes)
	if errors.Is(err, ErrTooLarge) {
		return a, -1, fmt.Errorf("taxii: %s %s: %w (%d bytes); ask for fewer objects at a time", method, u.Redacted(), err, c.o.MaxAnswerBytes)
	}
	if err != nil {
		return a, 0, fmt.Errorf("taxii: %s %s: the answer broke off: %w", method, u.Redacted(), err)
	}
	a.header = res.Header
	return a, 0, nil
}

// passing tells whether a failure to get any answer may go away by itself.
func passing(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsTemporary || dns.IsTimeout
	}
	var u *url.Error
	if errors.As(err, &u) {
		var op *net.OpError
		return u.Timeout() || errors.As(u.Err, &op) || errors.Is(u.Err, io.EOF) || errors.Is(u.Err, io.ErrUnexpectedEOF)
	}
	return false
}

// retryIn tells in how long a refused request may be tried again, and below zero if that is no use.
func retryIn(res *http.Response) time.Duration {
	switch res.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return -1
	}
	after := res.Header.Get("Retry-After")
	if n, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		date, err := http.ParseTime(res.Header.Get("Date"))
		if err != nil {
			date = time.Now()
		}
		return max(0, at.Sub(date))
	}
	return 0
}

func (c *Client) refusal(method string, u *url.URL, res *http.Response) error {
	e := &ResponseError{Method: method, URL: u.Redacted(), Status: res.StatusCode}
	body, _ := readAtMost(res.Body, maxProblemBytes) // what cannot be read is not told
	var r errorResource
	if json.Unmarshal(body, &r, jsonOptions) == nil {
		e.Title, e.Description = cutText(r.Title, maxMessage), cutText(r.Description, maxMessage)
		e.Code, e.ID = cutText(r.ErrorCode, maxMessage), cutText(r.ErrorID, maxMessage)
	}
	return e
}

func readAtMost(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, ErrTooLarge
	}
	return b, err
}

// readSized reads what is said to have a size, with room for it from the start as far as a page of objects goes.
func readSized(r io.Reader, size, most int64) ([]byte, error) {
	var b bytes.Buffer
	if size > 0 {
		b.Grow(int(min(size, most, answerRoom)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(r, most+1))
	if err == nil && int64(b.Len()) > most {
		return nil, ErrTooLarge
	}
	return b.Bytes(), err
}

// looksLikeJSON takes every type under which TAXII has been seen to be served.
func looksLikeJSON(contentType string) bool {
	media, _ := cutParam(contentType)
	media = strings.ToLower(media)
	return media == "" || media == "application/json" || media == "text/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
