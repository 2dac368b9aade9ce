package officer

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/internal/store/storetest"
)

// desk is a register on a disk in memory, with a clock that is set by hand.
type desk struct {
	*Register
	t    *testing.T
	disk *storetest.Disk
	now  time.Time
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, disk: storetest.NewDisk(), now: time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)}
	d.start()
	return d
}

func (d *desk) options() Options {
	return Options{FS: d.disk, Clock: func() time.Time { return d.now }, Rand: rand.Reader}
}

// start opens the folder as after a start of the node: what was not durable is gone.
func (d *desk) start() {
	d.t.Helper()
	d.disk = d.disk.Crash(func(int) int { return 0 })
	var err error
	if d.Register, err = Open("/n", d.options()); err != nil {
		d.t.Fatal(err)
	}
}

const phrase = "correct horse battery"

var home = Visitor{From: "192.0.2.7:4711", Agent: "Firefox"}

// ready makes an officer with password and second factor, and signs them in.
func (d *desk) ready(name string) (Entry, []string) {
	d.t.Helper()
	_, code, err := d.New(Officer{Name: name, Roles: []Role{Duty}, Claims: []Claim{{"CERT", "duty-officer"}}})
	if err != nil {
		d.t.Fatal(err)
	}
	_, ticket, totp, err := d.SetUp(strings.ToLower(strings.ReplaceAll(code, "-", " ")), home)
	if err != nil {
		d.t.Fatal(err)
	}
	e, codes, err := d.SetUpPassword(d.t.Context(), ticket, phrase, totp.code(d.now.Unix()/30), home)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, _, _, err := d.SetUp(code, home); !errors.Is(err, ErrCode) {
		d.t.Fatalf("the code is good twice: %v", err)
	}
	d.now = d.now.Add(time.Minute)
	return e, codes
}

// code is what the officer's app shows now.
func (d *desk) code(id string) string {
	d.t.Helper()
	o, err := d.Find(id)
	if err != nil {
		d.t.Fatal(err)
	}
	return o.TOTP.code(d.now.Unix() / 30)
}

func (d *desk) signIn(name, password, code string, v Visitor) (Entry, error) {
	ticket, _, err := d.Password(d.t.Context(), name, password, v)
	if err != nil {
		return Entry{}, err
	}
	e, _, err := d.Second(ticket, code, v)
	return e, err
}

// An officer sets up credentials with a one-time code, signs in with both factors, and
// is known again after a restart; nothing in the folder lets in.
func TestSignIn(t *testing.T) {
	d := newDesk(t)
	first, codes := d.ready("ada")
	if o, s, ok := d.Signed(first.Secret, true); !ok || o.Name != "ada" || s.How != "set-up" || s.From != home.From || o.State != Active {
		t.Fatalf("%+v %+v %v", o, s, ok)
	}
	code := d.code("ada")
	e, err := d.signIn(" Ada ", phrase, code, home)
	if err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]func() error{
		"a code that was used": func() error { _, err := d.signIn("ada", phrase, code, home); return err },
		"no code":              func() error { _, err := d.signIn("ada", phrase, "", home); return err },
		"another password":     func() error { _, err := d.signIn("ada", phrase+"!", code, home); return err },
		"nobody":               func() error { _, err := d.signIn("bob", phrase, code, home); return err },
		"a long password":      func() error { _, err := d.signIn("ada", strings.Repeat("x", 1<<20), code, home); return err },
	} {
		if err := f(); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", what, err)
		}
	}
	r, err := d.signIn("ada", phrase, codes[3], home)
	if err != nil || r.Session.How != "recovery" {
		t.Fatalf("a recovery code: %+v, %v", r.Session, err)
	}
	if _, err := d.signIn("ada", phrase, codes[3], home); !errors.Is(err, ErrWrong) {
		t.Errorf("a recovery code again: %v", err)
	}
	d.start()
	for _, secret := range []string{first.Secret, e.Secret, r.Secret} {
		if _, _, ok := d.Signed(secret, true); !ok {
			t.Error("a session ended with a restart")
		}
	}
	kept := string(d.disk.Content("/n/officers.json")) + string(d.disk.Content("/n/sessions.json"))
	for _, secret := range append(codes, e.Secret, e.Device, phrase, first.Device) {
		if secret != "" && strings.Contains(kept, secret) {
			t.Errorf("the folder holds %q", secret)
		}
	}
}

// RFC 6238, appendix B, in six digits.
func TestTOTP(t *testing.T) {
	totp := TOTP{Secret: []byte("12345678901234567890")}
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := totp.code(at / 30); got != code {
			t.Errorf("at %d: %s, want %s", at, got, code)
		}
	}
	now := time.Unix(1111111111, 0)
	for i, c := range []struct {
		skew time.Duration
		good bool
	}{{-2 * totpStep, false}, {-totpStep, true}, {-totpStep, false}, {0, true}, {-totpStep, false}, {totpStep, true}, {2 * totpStep, false}} {
		if totp.take(totp.code(now.Add(c.skew).Unix()/30), now) != c.good {
			t.Errorf("try %d, %v: want %v", i+1, c.skew, c.good)
		}
	}
	if uri := totp.URI("North & Co", "ada"); uri != "otpauth://totp/North%20&%20Co:ada?algorithm=SHA1&digits=6&issuer=North%20%26%20Co&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Error(uri)
	}
}

func TestPasswords(t *testing.T) {
	d := newDesk(t)
	_, code, err := d.New(Officer{Name: "margarethe", Roles: []Role{Analyst}})
	if err != nil {
		t.Fatal(err)
	}
	_, ticket, totp, err := d.SetUp(code, home)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]error{"short": ErrShortPassword, "": ErrBadPassword, strings.Repeat("я", 129): ErrLongPassword, "margarethe123": ErrBadPassword, "a\x00bcdefghijklmnop": ErrBadPassword} {
		_, _, err := d.SetUpPassword(t.Context(), ticket, text, totp.code(d.now.Unix()/30), home)
		if !errors.Is(err, want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := d.SetUpPassword(t.Context(), ticket, "пароль-Å-дня", totp.code(d.now.Unix()/30), home); err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(time.Minute)
	// The same letters, written otherwise.
	if _, err := d.signIn("margarethe", "пароль-A\u030a-дня", d.code("margarethe"), home); err != nil {
		t.Error(err)
	}
}

// A disabled officer is signed out and stays out; a reset takes the credentials, too.
func TestDisabledOfficerLosesSessions(t *testing.T) {
	d := newDesk(t)
	e, _ := d.ready("ada")
	other, _ := d.ready("bob")
	if _, err := d.Disable(e.Officer.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, ok := d.Signed(e.Secret, true); ok {
			t.Error("a disabled officer is signed in")
		}
		if _, _, ok := d.Signed(other.Secret, true); !ok {
			t.Error("another officer lost a session")
		}
		if _, err := d.signIn("ada", phrase, d.code("ada"), home); !errors.Is(err, ErrWrong) {
			t.Errorf("a disabled officer signs in: %v", err)
		}
		d.start()
	}
	if o, err := d.Enable(e.Officer.ID); err != nil || o.State != Active {
		t.Fatalf("%+v, %v", o, err)
	}
	d.now = d.now.Add(time.Minute)
	again, err := d.signIn("ada", phrase, d.code("ada"), home)
	if err != nil {
		t.Fatal(err)
	}
	code := d.code("ada")
	o, invitation, err := d.Reset(e.Officer.ID)
	if err != nil || o.State != Invited || o.Password != nil {
		t.Fatalf("%+v, %v", o, err)
	}
	if _, _, ok := d.Signed(again.Secret, true); ok {
		t.Error("a session outlives a reset")
	}
	if _, err := d.signIn("ada", phrase, code, home); !errors.Is(err, ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
	d.now = d.now.Add(invitationLife)
	if _, _, _, err := d.SetUp(invitation, home); !errors.Is(err, ErrCode) {
		t.Errorf("an old code: %v", err)
	}
}

// Changing a credential ends the officer's other sessions.
func TestCredentialsEndSessions(t *testing.T) {
	d := newDesk(t)
	e, _ := d.ready("ada")
	second := func() Entry {
		d.now = d.now.Add(time.Minute)
		x, err := d.signIn("ada", phrase, d.code("ada"), home)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	x := second()
	if err := d.SetPassword(t.Context(), e.Session, "wrong", phrase+"2"); !errors.Is(err, ErrWrong) {
		t.Fatalf("without the current password: %v", err)
	}
	if _, _, ok := d.Signed(x.Secret, true); !ok {
		t.Fatal("a change that failed ended a session")
	}
	if err := d.SetPassword(t.Context(), e.Session, phrase, phrase); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := d.Signed(x.Secret, true); ok {
		t.Error("a session outlives the password")
	}
	if _, _, ok := d.Signed(e.Secret, true); !ok {
		t.Error("the own session ended")
	}
	x = second()
	ticket, totp, err := d.NewSecond(e.Session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.SetSecond(e.Session, ticket, "000000"); !errors.Is(err, ErrWrong) {
		t.Errorf("without the new factor: %v", err)
	}
	if codes, err := d.SetSecond(e.Session, ticket, totp.code(d.now.Unix()/30)); err != nil || len(codes) != recoveryCodes {
		t.Errorf("%d codes, %v", len(codes), err)
	}
	if _, _, ok := d.Signed(x.Secret, true); ok {
		t.Error("a session outlives the second factor")
	}
	if err := d.DropPassword(e.Session); !errors.Is(err, ErrLast) {
		t.Errorf("the last way to sign in: %v", err)
	}
	if !e.Session.Fresh(e.Session.Begun.Add(fresh-1)) || e.Session.Fresh(e.Session.Begun.Add(fresh)) {
		t.Error("freshness")
	}
}

// A session ends when it was not used for long, and in any case in the end; there is
// room for so many.
func TestSessionsEnd(t *testing.T) {
	d := newDesk(t)
	e, _ := d.ready("ada")
	begun := e.Session.Begun
	for d.now.Sub(begun) < SessionLife-time.Hour {
		d.now = d.now.Add(time.Hour)
		if _, _, ok := d.Signed(e.Secret, true); !ok {
			t.Fatalf("it ended after %v", d.now.Sub(begun))
		}
		d.start()
	}
	d.now = begun.Add(SessionLife)
	if _, _, ok := d.Signed(e.Secret, true); ok {
		t.Error("a session goes on for ever")
	}
	x, err := d.signIn("ada", phrase, d.code("ada"), home)
	if err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(SessionIdle / 2)
	if _, _, ok := d.Signed(x.Secret, false); !ok {
		t.Error("a session ended early")
	}
	d.now = d.now.Add(SessionIdle / 2)
	if _, _, ok := d.Signed(x.Secret, true); ok {
		t.Error("a session goes on unused")
	}
	var secrets []string
	for range maxSessionsOf + 1 {
		d.now = d.now.Add(time.Second)
		secret, _, err := d.Sessions.Begin(e.Officer.ID, "passkey", "x", strings.Repeat("agent\n", 100), Digest{})
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	if _, _, ok := d.Signed(secrets[0], true); ok {
		t.Error("any number of sessions is kept")
	}
	list := d.Sessions.List(e.Officer.ID)
	if len(list) != maxSessionsOf || strings.Contains(list[0].Agent, "\n") || len(list[0].Agent) > maxSessionDetail {
		t.Fatalf("%d sessions, %+v", len(list), list[0])
	}
	if _, err := d.Sessions.End(list[0].ID, "000000000000"); !errors.Is(err, ErrNone) {
		t.Errorf("somebody else's session: %v", err)
	}
	if _, err := d.Sessions.End(list[0].ID, e.Officer.ID); err != nil {
		t.Fatal(err)
	}
	d.start()
	if _, _, ok := d.Signed(secrets[maxSessionsOf], true); ok {
		t.Error("a session that was ended comes back")
	}
}

// Tries are bounded by name and by address, and a stranger who uses them up keeps out
// nobody who has been here before.
func TestRates(t *testing.T) {
	d := newDesk(t)
	e, _ := d.ready("ada")
	known := home
	known.Device = e.Device
	stranger := func(i int) Visitor { return Visitor{From: fmt.Sprintf("[2001:db8:%x::1]:9", i)} }
	slow := 0
	for i := range 40 {
		if _, _, err := d.Password(t.Context(), "ada", "a wrong password", stranger(i)); errors.Is(err, ErrSlow) {
			slow++
		}
	}
	if slow != 30 {
		t.Errorf("by name: %d of 40 were refused", slow)
	}
	if _, _, err := d.Password(t.Context(), "ada", phrase, home); !errors.Is(err, ErrSlow) {
		t.Errorf("from a browser that is not known: %v", err)
	}
	if _, err := d.signIn("ada", phrase, d.code("ada"), known); err != nil {
		t.Errorf("the officer, from their browser: %v", err)
	}
	slow = 0
	for i := range 60 {
		if _, _, err := d.Password(t.Context(), fmt.Sprint("name", i), "a wrong password", Visitor{From: fmt.Sprintf("[2001:db8:ffff::%x]:9", i)}); errors.Is(err, ErrSlow) {
			slow++
		}
	}
	if slow != 30 {
		t.Errorf("by address: %d of 60 were refused", slow)
	}
	d.now = d.now.Add(time.Minute)
	if _, _, err := d.Password(t.Context(), "ada", phrase, home); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	// Who knows the password tries the second factor.
	slow = 0
	for range 40 {
		d.now = d.now.Add(time.Second)
		x, _, err := d.Password(t.Context(), "ada", phrase, known)
		if err != nil {
			slow++
			continue
		}
		if _, _, err := d.Second(x, "000000", home); errors.Is(err, ErrSlow) {
			slow++
		}
	}
	if slow < 29 {
		t.Errorf("second factors: %d of 40 were refused", slow)
	}
}

func TestRatesAreBounded(t *testing.T) {
	r := newRates(3, time.Minute)
	now := time.Unix(1e9, 0)
	for range 3 {
		r.allow("watched", now)
	}
	for i := range 3 * maxWatched {
		r.allow(fmt.Sprint(i), now)
		if len(r.by) > maxWatched {
			t.Fatalf("%d are watched", len(r.by))
		}
	}
	if place("10.1.2.3:80") != "10.1.2.3" || place("[::ffff:10.1.2.3]:80") != "10.1.2.3" || place("2001:db8::1") != "2001:db8::/64" || place("@") != "unknown" {
		t.Error("places of addresses")
	}
}

// A ticket is good for few tries, and once.
func TestTickets(t *testing.T) {
	d := newDesk(t)
	d.ready("ada")
	ticket, _, err := d.Password(t.Context(), "ada", phrase, home)
	if err != nil {
		t.Fatal(err)
	}
	for range maxTries {
		if _, _, err := d.Second(ticket, "000000", home); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	if _, _, err := d.Second(ticket, d.code("ada"), home); !errors.Is(err, ErrCode) {
		t.Errorf("a sixth try: %v", err)
	}
	for i := range maxCeremonies + 10 {
		d.waiting.begin(fmt.Sprint(i), &ceremony{kind: forSecond}, d.now)
	}
	if len(d.waiting.by) != maxCeremonies {
		t.Errorf("%d ceremonies", len(d.waiting.by))
	}
	d.now = d.now.Add(ceremonyLife + 1)
	if d.waiting.look(fmt.Sprint(maxCeremonies), forSecond, maxTries, d.now) != nil {
		t.Error("an old ceremony")
	}
}

func TestOfficersAreChecked(t *testing.T) {
	d := newDesk(t)
	for what, o := range map[string]Officer{
		"no name": {}, "a space": {Name: "a b"}, "a long name": {Name: strings.Repeat("a", maxName+1)}, "a role": {Name: "a", Roles: []Role{"king"}}, "a role twice": {Name: "a", Roles: []Role{Duty, Duty}},
		"a claim": {Name: "a", Claims: []Claim{{"", "x"}}}, "a line": {Name: "a", Display: "a\nb"}, "a long display": {Name: "a", Display: strings.Repeat("a", maxDisplay+1)}, "claims": {Name: "a", Claims: make([]Claim, maxClaims+1)},
	} {
		if _, _, err := d.New(o); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if _, _, err := d.New(Officer{Name: "A.b"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.New(Officer{Name: "a.B"}); !errors.Is(err, ErrTaken) {
		t.Errorf("a name twice: %v", err)
	}
	for i := len(d.List()); i < maxOfficers; i++ {
		o := d.list[0].clone()
		o.ID, o.Name, o.Handle = fmt.Sprintf("%012x", i), fmt.Sprint("o", i), bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 16)
		d.list = append(d.list, o)
	}
	if _, _, err := d.New(Officer{Name: "one-more"}); !errors.Is(err, ErrFull) {
		t.Errorf("any number of officers: %v", err)
	}
	if err := d.write(d.list); err != nil {
		t.Fatal(err)
	}
	d.start()
	if _, err := parse(bytes.Replace(d.disk.Content("/n/officers.json"), []byte(`"officers": [`), []byte(`"officers": [{},`), 1)); err == nil {
		t.Error("too many are read")
	}
}

// What is damaged is refused, with the file's name.
func TestDamagedFilesAreRefused(t *testing.T) {
	for _, name := range []string{"officers.json", "sessions.json"} {
		member := strings.TrimSuffix(name, ".json")
		for _, text := range []string{"", "{}", "[]", `{"` + member + `":[{}]}`, `{"` + member + `":[],"more":1}`, strings.Repeat(" ", maxFile+1)} {
			d := newDesk(t)
			d.ready("ada")
			d.disk.Set("/n/"+name, []byte(text))
			if _, err := Open("/n", d.options()); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s as %.30q: %v", name, text, err)
			}
		}
	}
}

// When the disk cannot be told, nobody is let in on it, and who was put out is out.
func TestFullDisk(t *testing.T) {
	d := newDesk(t)
	e, _ := d.ready("ada")
	d.disk.ReadOnly = true
	if _, err := d.signIn("ada", phrase, d.code("ada"), home); err == nil {
		t.Error("a session that is not kept")
	}
	if _, err := d.Sessions.End(e.Session.ID, ""); err == nil {
		t.Error("no word of the disk")
	}
	if _, _, ok := d.Signed(e.Secret, true); ok {
		t.Error("the session goes on")
	}
}

// FuzzOfficers: whatever officers.json holds is read as this version would have
// written it, or is damage.
func FuzzOfficers(f *testing.F) {
	f.Add([]byte(`{"officers":[]}`))
	f.Add([]byte(`{"officers":[{"id":"0123456789ab","name":"ada","display":"Ada","roles":["duty"],"state":"invited","created":"2026-01-01T00:00:00Z","handle":"` + strings.Repeat("AAAA", 10) + `AAA=","invitation":{"sha256":"` + strings.Repeat("ab", 32) + `","expires":"2026-01-02T00:00:00Z"}}]}`))
	f.Add([]byte(`{"officers":[{"id":"0123456789ab","name":"ada","display":"Ada","roles":[],"state":"active","created":"2026-01-01T00:00:00Z","handle":"` + strings.Repeat("AAAA", 10) + `AAA=","password":{"time":2,"memory":4000000000,"threads":1,"salt":"","hash":""}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parse(text)
		if err != nil {
			return
		}
		for i := range list {
			if err := list[i].whole(); err != nil || len(list) > maxOfficers {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}

// FuzzSessions: likewise for sessions.json.
func FuzzSessions(f *testing.F) {
	f.Add([]byte(`{"sessions":[]}`))
	f.Add([]byte(`{"sessions":[{"id":"0123456789ab","sha256":"` + strings.Repeat("ab", 32) + `","officer":"0123456789ab","how":"passkey","begun":"2026-01-01T00:00:00Z","seen":"2026-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"sessions":[{"id":"x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parseSessions(text)
		if err == nil && len(list) > maxSessions {
			t.Fatalf("%q", text)
		}
	})
}
