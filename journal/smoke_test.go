package journal

import ("testing";"time";"bytes";"fmt")

func seedKey(n byte) *PrivateKey { k, err := GenerateKey(bytes.NewReader(bytes.Repeat([]byte{n}, 64))); if err != nil { panic(err) }; return k }

func TestSmoke(t *testing.T) {
	org, node := seedKey(1), seedKey(2)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s, err := NewIdentity(org, Identity{Name: "North", Node: node.Public(), Created: now, Expires: now.AddDate(1, 0, 0)})
	if err != nil { t.Fatal(err) }
	fmt.Println(len(s.Text))
	p, id, err := VerifyIdentityChain([]Signed{s}, now)
	if err != nil { t.Fatal(err) }
	u := UnitOf("x")
	c, err := NewCertificate(node, Certificate{Unit: u, Party: p, Key: seedKey(3).Public()})
	if err != nil { t.Fatal(err) }
	if _, err := VerifyCertificate(c, id); err != nil { t.Fatal(err) }
	k2, err := ParsePrivateKey(org.Marshal("hello: world"))
	if err != nil { t.Fatal(err) }
	if !k2.Public().Equal(org.Public()) { t.Fatal("x") }
	fmt.Println(string(org.Marshal("a")))
	e, err := ParseEntry([]byte(`{"v":1,"kind":"share","at":"2026-01-02T03:04:05+01:00","by":{"agency":"a","role":"b"},"unit":"`+string(u)+`","author":"`+string(p)+`","epoch":0,"index":4,"seen":{},"body":{"a":[1,2]}}`))
	if err != nil { t.Fatal(err) }
	fmt.Println(e.Ref(), string(e.Body))
}
