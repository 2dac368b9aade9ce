package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

// ports counts those that were asked for: tests run beside each other, and none gets what another has got.
var ports atomic.Uint32

// nextPort finds a port of this machine that nobody listens at. It is not one that the system gives to whoever asks for any: somebody else would
// get it before the node does for which it was found.
func nextPort() (int, error) {
	for range 1000 {
		port := 12_000 + (os.Getpid()*37+int(ports.Add(1)))%18_000
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is free")
}

// freePort is the address of such a port.
func freePort(t testing.TB) string {
	t.Helper()
	port, err := nextPort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint("127.0.0.1:", port)
}
