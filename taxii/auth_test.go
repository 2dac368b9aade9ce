package taxii_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"entente/taxii"
)

func TestAuthentication(t *testing.T) {
	secret, err := taxii.NewToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := taxii.NewToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	credentials := []taxii.Credential{
		{Principal: reader, Digest: taxii.Digest(secret)},
		{Principal: taxii.Principal{Name: "chief", All: true}, Digest: taxii.Digest(other)},
	}
	o := options(newStore(t))
	o.Authenticate = taxii.AnyOf(taxii.Bearer(credentials...), taxii.Basic(credentials...))
	h := newHandler(t, o)
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for _, tt := range []struct {
		name, header string
		ok           bool
		sees         int // collections
	}{
		{"bearer", "Bearer " + secret, true, 1},
		{"bearer, lower case scheme", "bearer  " + secret, true, 1},
		{"bearer of another", "Bearer " + other, true, 2},
		{"basic", basic("reader", secret), true, 1},
		{"basic of another", basic("chief", other), true, 2},
		{"none", "", false, 0},
		{"empty bearer", "Bearer ", false, 0},
		{"wrong bearer", "Bearer " + secret[1:], false, 0},
		{"digest as bearer", fmt.Sprintf("Bearer %x", taxii.Digest(secret)), false, 0},
		{"wrong password", basic("reader", other), false, 0},
		{"wrong user", basic("chief", secret), false, 0},
		{"no user", basic("", secret), false, 0},
		{"not base64", "Basic %%%", false, 0},
		{"no colon", "Basic " + base64.StdEncoding.EncodeToString([]byte("reader")), false, 0},
		{"other scheme", "Digest " + secret, false, 0},
		{"oversize", "Bearer " + strings.Repeat("a", 100000), false, 0},
		{"oversize basic", basic("reader", strings.Repeat("a", 100000)), false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var header []string
			if tt.header != "" {
				header = []string{"Authorization", tt.header}
			}
			for _, target := range []string{"/taxii2/", "/api1/", "/api1/collections/", base + "objects/", "/nothing/"} {
				w := do(h, "GET", target, header...)
				if tt.ok {
					if w.Code == http.StatusUnauthorized {
						t.Errorf("%s: refused", target)
					}
					continue
				}
				checkError(t, w, http.StatusUnauthorized, "unauthenticated")
				if got := w.Header().Values("WWW-Authenticate"); len(got) != 2 || !strings.HasPrefix(got[0], "Bearer ") || !strings.HasPrefix(got[1], "Basic ") {
					t.Errorf("WWW-Authenticate %q", got)
				}
			}
			if tt.ok {
				w := do(h, "GET", "/api1/collections/", header...)
				if got := strings.Count(w.Body.String(), `"id"`); got != tt.sees {
					t.Errorf("sees %d collections, want %d", got, tt.sees)
				}
			}
		})
	}
	r, _ := http.NewRequest("GET", "/", nil)
	r.Header.Add("Authorization", "Bearer "+secret)
	r.Header.Add("Authorization", "Bearer "+other)
	if _, ok := taxii.BearerToken(r); ok {
		t.Error("two Authorization lines give one token")
	}
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("a", 1017))
	if token, ok := taxii.BearerToken(r); !ok || len(token) != 1017 {
		t.Errorf("a token of 1017 characters: %d, %v", len(token), ok)
	}
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("a", 1018))
	if _, ok := taxii.BearerToken(r); ok {
		t.Error("a token of 1018 characters was taken")
	}
}

func TestPublicDiscovery(t *testing.T) {
	o := options(newStore(t))
	o.Authenticate = taxii.Bearer()
	o.PublicDiscovery = true
	h := newHandler(t, o)
	if w := do(h, "GET", "/taxii2/"); w.Code != http.StatusOK {
		t.Errorf("discovery: %d", w.Code)
	}
	for _, target := range []string{"/api1/", "/taxii2/x/", "/%74axii2/../api1/"} {
		checkError(t, do(h, "GET", target), http.StatusUnauthorized, "unauthenticated")
	}
}

func TestAuthenticatorErrors(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{fmt.Errorf("%w: expired", taxii.ErrUnauthenticated), 401, "unauthenticated"},
		{fmt.Errorf("%w: from this address", taxii.ErrForbidden), 403, "forbidden"},
		{errors.New("directory is down"), 500, "internal"},
	} {
		o := options(newStore(t))
		o.Authenticate = taxii.AnyOf(taxii.Bearer(), func(*http.Request) (taxii.Principal, error) { return taxii.Principal{Name: "x", All: true}, tt.err })
		checkError(t, get(newHandler(t, o), "/api1/"), tt.status, tt.code)
	}
}

func TestNewTokenNeedsRandomness(t *testing.T) {
	if _, err := taxii.NewToken(strings.NewReader("short")); err == nil {
		t.Error("a token without randomness")
	}
}
