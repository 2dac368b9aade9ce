package peer

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"entente/journal"
)

// TestLimitsOfTime reaches the bounds on a session and on a poll, with short ones.
func TestLimitsOfTime(t *testing.T) {
	if l := (Limits{}).withDefaults(); l.Session != 15*time.Minute || l.Poll != defaultPollWait || l.Rounds != 4096 {
		t.Errorf("the defaults are %+v", l)
	}
	for _, x := range []struct {
		session time.Duration
		good    bool
	}{{time.Minute, true}, {time.Nanosecond, false}} {
		a, b := twoEnds(t)
		a.write("one", "")
		b.listen(t, b.party, Limits{Session: x.session, Poll: time.Millisecond}, nil)
		rep, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil)
		if (err == nil && rep.Complete) != x.good {
			t.Errorf("a session of %v: %+v, %v", x.session, rep.Progress, err)
		}
		if !x.good {
			continue
		}
		// It would wait a minute for what does not come; a client that waits longer is not served.
		first, err := a.client(t, a.party, Limits{}).WaitHint(t.Context(), b.target(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		config := ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} })
		h := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 30 * time.Second}
		resp, err := h.Get("https://" + b.addr + PathHint + "?wait=60&unit=" + string(b.unit) + "&after=" + strconv.FormatInt(first, 10))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		_ = resp.Body.Close()
	}
}

// TestCourierBytes: a reader takes a packet of just the size that it allows, and none
// that is a byte longer; a writer ends its packet before the bound.
func TestCourierBytes(t *testing.T) {
	if n := courierLimits(Limits{}).PacketBytes; n != DefaultCourierBytes {
		t.Errorf("where nothing is said it is %d", n)
	}
	a, b := twoEnds(t)
	for range 20 {
		a.write(strings.Repeat("x", 1000), "")
	}
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	export := func(most int64) (file []byte, size int64, more bool) {
		var out bytes.Buffer
		_, more, err := ExportCourier(t.Context(), a.party, &out, CourierExport{Unit: a.unit, From: a.id, To: b.id,
			Recipients: []age.Recipient{key.Recipient()}, Now: time.Now(), Limits: Limits{PacketBytes: most, small: true}})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := age.Decrypt(bytes.NewReader(out.Bytes()), key)
		if err == nil {
			size, err = io.Copy(io.Discard, plain)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes(), size, more
	}
	file, size, more := export(0)
	if more || size < 20_000 {
		t.Fatalf("%d bytes, more %v", size, more)
	}
	for _, x := range []struct {
		most int64
		good bool
	}{{size - 1, false}, {size, true}} {
		rep, err := ImportCourier(t.Context(), b.party, &onlySeeker{bytes.NewReader(file)}, CourierImport{Self: b.id, Directory: a.book,
			Identities: []age.Identity{key}, Limits: Limits{PacketBytes: x.most, small: true}})
		if (err == nil && rep.Entries == 20) != x.good || !x.good && rep.Entries != 0 {
			t.Errorf("a bound of %d for %d bytes: %d entries, %v", x.most, size, rep.Entries, err)
		}
	}
	if _, part, more := export(size - 1); !more || part >= size {
		t.Errorf("with one byte less there are %d bytes, more %v", part, more)
	}
}

// TestMaxWitnessBytes: a request of the largest size is read, and is none; one byte
// more is not read.
func TestMaxWitnessBytes(t *testing.T) {
	_, srv := newWitness(t, &logs{}, nil)
	for more, long := range []bool{false, true} {
		resp, err := http.Post(srv.URL+"/witness/add-checkpoint", "text/plain", strings.NewReader(strings.Repeat("x", maxWitnessBytes+more)))
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest || strings.Contains(string(said), "too long") != long {
			t.Errorf("%d more: %d %q, %v", more, resp.StatusCode, said, err)
		}
	}
}
