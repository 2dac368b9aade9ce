package officer

import (
	"errors"
	"slices"
	"testing"
	"time"
)

var account = Identity{Issuer: "https://id.example", Subject: "17"}

// Who has an account at the provider comes in once an administrator made and bound them, and with
// the roles that they have here.
func TestProvided(t *testing.T) {
	d := newDesk(t)
	if _, _, err := d.Provided(account, "", home); !errors.Is(err, ErrUnbound) || len(d.List()) != 0 {
		t.Fatalf("a stranger: %v", err)
	}
	eve, code, err := d.New(Officer{Name: "eve", Roles: []Role{Analyst}})
	if err != nil {
		t.Fatal(err)
	}
	if eve, err = d.Bind(eve.ID, &account); err != nil || eve.State != Active {
		t.Fatalf("%+v, %v", eve, err)
	}
	if _, _, _, err := d.SetUp(code, home); !errors.Is(err, ErrCode) {
		t.Errorf("the one-time code is still good: %v", err)
	}
	e, id, err := d.Provided(account, "", home)
	if err != nil || id != eve.ID || e.Officer.ID != eve.ID || e.Session.How != ByProvider || e.Device != "" || len(e.Officer.Devices) != 0 {
		t.Fatalf("%+v, %v", e, err)
	}
	for _, other := range []Identity{{account.Issuer, "18"}, {"https://evil.example", account.Subject}} {
		if _, _, err := d.Provided(other, "", home); !errors.Is(err, ErrUnbound) {
			t.Errorf("%v: %v", other, err)
		}
	}
	ada, _ := d.ready("ada")
	if _, err := d.Bind(ada.Officer.ID, &account); !errors.Is(err, ErrTaken) {
		t.Errorf("one account of two officers: %v", err)
	}
	if _, err := d.Bind(eve.ID, nil); !errors.Is(err, ErrLast) {
		t.Errorf("the last way to sign in: %v", err)
	}
	d.start()
	if _, _, err := d.Provided(account, "", home); err != nil {
		t.Errorf("after a start: %v", err)
	}
	if _, err := d.Disable(eve.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Provided(account, "", home); !errors.Is(err, ErrDisabled) {
		t.Errorf("disabled: %v", err)
	}
	if o, err := d.Enable(eve.ID); err != nil || o.State != Active {
		t.Errorf("%+v, %v", o, err)
	}
	if _, _, err := d.Reset(eve.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Provided(account, "", home); !errors.Is(err, ErrUnbound) {
		t.Errorf("after a reset: %v", err)
	}
}

// A flow is good once and for minutes; an account is linked by the session that was offered it.
func TestLinking(t *testing.T) {
	d := newDesk(t)
	ada, _ := d.ready("ada")
	eve, _ := d.ready("eve")
	f, err := d.AskProvider("/", &ada.Session, home)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nil, ErrCode} {
		got, err := d.Returned(f.State, home)
		if !errors.Is(err, want) || err == nil && got != f {
			t.Errorf("%+v, %v", got, err)
		}
	}
	late, err := d.AskProvider("/", nil, home)
	if err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(ceremonyLife + 1)
	if _, err := d.Returned(late.State, home); !errors.Is(err, ErrCode) {
		t.Errorf("late: %v", err)
	}
	d.Offer(f, account, "Ada Byron")
	if id, name, ok := d.Offered(ada.Session); !ok || id != account || name != "Ada Byron" {
		t.Error(id, name, ok)
	}
	if _, _, ok := d.Offered(eve.Session); ok {
		t.Error("offered to somebody else")
	}
	if err := d.Link(eve.Session, true); !errors.Is(err, ErrCode) {
		t.Errorf("what was offered to another: %v", err)
	}
	if err := d.Link(ada.Session, false); err != nil {
		t.Error(err)
	}
	if err := d.Link(ada.Session, true); !errors.Is(err, ErrCode) {
		t.Errorf("after saying no: %v", err)
	}
	d.Offer(f, account, "Ada Byron")
	if err := d.Link(ada.Session, true); err != nil {
		t.Fatal(err)
	}
	if e, _, err := d.Provided(account, "", home); err != nil || e.Officer.ID != ada.Officer.ID {
		t.Errorf("%+v, %v", e, err)
	}
	// It is a way to sign in like others, and goes away like them.
	if err := d.Unlink(ada.Session); err != nil {
		t.Fatal(err)
	}
	if err := d.Unlink(ada.Session); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	for i := 0; ; i++ {
		if _, err := d.AskProvider("/", nil, home); errors.Is(err, ErrSlow) {
			break
		} else if err != nil || i > triesByAddress {
			t.Fatalf("%d: %v", i, err)
		}
	}
}

// Whom the provider signs out is signed out here: of one session there, or of all, and nobody else.
func TestSignedOutThere(t *testing.T) {
	d := newDesk(t)
	ada, _ := d.ready("ada") // signed in without the provider
	bind := func(id string, account Identity) {
		t.Helper()
		if _, err := d.Bind(id, &account); err != nil {
			t.Fatal(err)
		}
	}
	bind(ada.Officer.ID, account)
	own, err := d.enter(ada.Officer.ID, "passkey", home, Digest{})
	if err != nil {
		t.Fatal(err)
	}
	eve, _, err := d.New(Officer{Name: "eve", Roles: []Role{Duty}})
	if err != nil {
		t.Fatal(err)
	}
	other := Identity{account.Issuer, "18"}
	bind(eve.ID, other)
	enter := func(account Identity, there string) string {
		t.Helper()
		e, _, err := d.Provided(account, there, home)
		if err != nil {
			t.Fatal(err)
		}
		return e.Session.ID
	}
	for name, x := range map[string]struct {
		subject, session string
		late             time.Duration // that the provider tells of it before they sign in
		ends             []int         // of the sessions that are begun below
	}{
		"a session there":             {"17", "a", 0, []int{0, 2}}, // the third does not say what it came of
		"a session, of nobody":        {"", "b", 0, []int{1}},
		"all of somebody":             {"17", "", 0, []int{0, 1, 2}},
		"another's session":           {"18", "a", 0, nil},
		"somebody else":               {"18", "", 0, []int{3}},
		"a stranger":                  {"19", "", 0, nil},
		"a session that is none here": {"", "z", 0, nil},
		"a little before":             {"17", "a", later, []int{0, 2}},
		"long before":                 {"17", "", later + time.Second, nil},
	} {
		if err := errors.Join(d.Sessions.EndOf(ada.Officer.ID, own.Session.ID), d.Sessions.EndOf(eve.ID, "")); err != nil {
			t.Fatal(err)
		}
		ids := []string{enter(account, "a"), enter(account, "b"), enter(account, ""), enter(other, "c")}
		d.start() // sessions outlive it, with what they came of
		ended, err := d.SignedOut(account.Issuer, x.subject, x.session, d.now.Add(-x.late))
		if err != nil {
			t.Fatal(err)
		}
		d.start() // and so does that they ended
		var want []string
		for i, id := range ids {
			_, live := live(d, id)
			if gone := slices.Contains(x.ends, i); gone == live {
				t.Errorf("%s: session %d is live: %v", name, i, live)
			} else if gone {
				want = append(want, id)
			}
		}
		var got []string
		for _, s := range ended {
			got = append(got, s.ID)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q ended, and not %q", name, got, want)
		}
		if _, ok := live(d, own.Session.ID); !ok {
			t.Fatalf("%s: who did not sign in there was signed out", name)
		}
	}
	if ended, err := d.SignedOut("https://evil.example", "17", "", d.now); err != nil || len(ended) != 0 {
		t.Errorf("another provider: %v, %v", ended, err)
	}
	// Who tells much that is none has to wait; who tells what is some never has.
	for i := range triesByAddress {
		if err := d.Tells(home); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		d.ToldWrong(home)
	}
	if err := d.Tells(home); !errors.Is(err, ErrSlow) {
		t.Error(err)
	}
	if err := d.Tells(Visitor{From: "198.51.100.9:1"}); err != nil {
		t.Error(err)
	}
	d.now = d.now.Add(everyByAddress)
	if err := d.Tells(home); err != nil {
		t.Error(err)
	}
}

func live(d *desk, id string) (Session, bool) {
	i := slices.IndexFunc(d.Sessions.List(""), func(s Session) bool { return s.ID == id })
	if i < 0 {
		return Session{}, false
	}
	return d.Sessions.List("")[i], true
}
