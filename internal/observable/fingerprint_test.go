package observable

import "testing"

func TestFingerprints(t *testing.T) {
	for _, c := range []struct {
		t          Type
		text, want string // empty: refused
	}{
		{JA3, "5182F54F9C6E99D117D9DDE3FA2B4CFF", "5182f54f9c6e99d117d9dde3fa2b4cff"},
		{JA3, "5182f54f", ""},
		{JA3, "zz82f54f9c6e99d117d9dde3fa2b4cff", ""},
		{JA4, "T13d1516h2_8daaf6152771_e5627efa2ab1", "t13d1516h2_8daaf6152771_e5627efa2ab1"},
		{JA4, "t13d1516h2", ""},
		{JA4, "a_ b", ""},
		{Serial, "00:CC:57:FE", "cc57fe"},
		{Serial, "0", "0"},
		{Serial, "::", ""},
		{Serial, "12g4", ""},
		{UserAgent, " curl/8.7.1 ", "curl/8.7.1"},
		{MailSubject, "Your Invoice", "Your Invoice"},
	} {
		v, err := New(c.t, c.text)
		if (err == nil) != (c.want != "") || v.Text != c.want {
			t.Errorf("%s %q: %q, %v, want %q", c.t, c.text, v.Text, err, c.want)
		}
	}
}
