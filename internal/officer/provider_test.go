package officer

import (
	"errors"
	"testing"
)

var account = Identity{Issuer: "https://id.example", Subject: "17"}

// Who has an account at the provider comes in once an administrator made and bound them, and with
// the roles that they have here.
func TestProvided(t *testing.T) {
	d := newDesk(t)
	if _, _, err := d.Provided(account, home); !errors.Is(err, ErrUnbound) || len(d.List()) != 0 {
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
	e, id, err := d.Provided(account, home)
	if err != nil || id != eve.ID || e.Officer.ID != eve.ID || e.Session.How != ByProvider || e.Device != "" || len(e.Officer.Devices) != 0 {
		t.Fatalf("%+v, %v", e, err)
	}
	for _, other := range []Identity{{account.Issuer, "18"}, {"https://evil.example", account.Subject}} {
		if _, _, err := d.Provided(other, home); !errors.Is(err, ErrUnbound) {
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
	if _, _, err := d.Provided(account, home); err != nil {
		t.Errorf("after a start: %v", err)
	}
	if _, err := d.Disable(eve.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Provided(account, home); !errors.Is(err, ErrDisabled) {
		t.Errorf("disabled: %v", err)
	}
	if o, err := d.Enable(eve.ID); err != nil || o.State != Active {
		t.Errorf("%+v, %v", o, err)
	}
	if _, _, err := d.Reset(eve.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Provided(account, home); !errors.Is(err, ErrUnbound) {
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
	if e, _, err := d.Provided(account, home); err != nil || e.Officer.ID != ada.Officer.ID {
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
