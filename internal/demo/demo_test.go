package demo

import (
	"net"
	"strconv"
	"testing"
)

// The ports of a demo stay free until its nodes listen there, whatever else opens connections meanwhile.
func TestPortsAreNoneThatASystemHandsOut(t *testing.T) {
	addresses, err := (&story{}).ports(4)
	if err != nil {
		t.Fatal(err)
	}
	picked := map[string]bool{}
	for _, a := range addresses {
		_, port, err := net.SplitHostPort(a)
		if n, _ := strconv.Atoi(port); err != nil || n >= 32_768 || picked[a] {
			t.Errorf("%s, %v", a, err)
		}
		picked[a] = true
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
