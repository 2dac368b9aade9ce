package peer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"entente/journal"

	"filippo.io/torchwood"
	"golang.org/x/crypto/ssh"
)

// The existing witness, unchanged, cosigns our journals. It runs where a litewitness
// binary is named (go build filippo.io/torchwood/cmd/litewitness@v0.9.0 in a module of
// its own), together with ssh-agent, ssh-add and sqlite3.
func TestLitewitness(t *testing.T) {
	bin := os.Getenv("ENTENTE_LITEWITNESS")
	if bin == "" {
		t.Skip("no litewitness: set ENTENTE_LITEWITNESS to its binary to run against the real one")
	}
	for _, tool := range []string{"ssh-agent", "ssh-add", "sqlite3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir, err := os.MkdirTemp("", "lw") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := func(name string, args ...string) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	}
	run := func(stdin []byte, env, name string, args ...string) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdin, cmd.Env = bytes.NewReader(stdin), append(os.Environ(), env)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	// Its key, in an agent.
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	keyFile, sock, db := filepath.Join(dir, "key"), filepath.Join(dir, "s"), filepath.Join(dir, "db")
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	start("ssh-agent", "-a", sock, "-D")
	waitFor(t, "unix", sock)
	run(nil, "SSH_AUTH_SOCK="+sock, "ssh-add", keyFile)
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	// Our journal, told to it as any log is: origin and Ed25519 verifier key.
	_, _, ra, _ := twoReals(t)
	origin := ra.writer.Origin()
	vkey, _ := ra.writer.Keyring().Current().VKeys(origin)
	run(fmt.Appendf(nil, `
		CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
		CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));
		INSERT INTO log VALUES ('%s', 0, '%s'); INSERT INTO key VALUES ('%s', '%s');`,
		origin, base64.StdEncoding.EncodeToString(make([]byte, 32)), origin, vkey), "", "sqlite3", db)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	const name = "example.com/witness"
	start(bin, "-db="+db, "-name="+name, "-key="+ssh.FingerprintSHA256(sshPub), "-ssh-agent="+sock, "-listen="+addr)
	waitFor(t, "tcp", addr)

	signer, err := torchwood.NewCosignatureSigner(name, key)
	if err != nil {
		t.Fatal(err)
	}
	c := &WitnessClient{URL: "http://" + addr, VKey: signer.Verifier().String()}
	for range 3 {
		ra.share(t, 5, nil)
		lines, err := c.CosignFrom(t.Context(), ra.writer.Checkpoint(), 0, func(old, size int64) ([]journal.Hash, error) {
			return journal.ProveConsistency(ra.own, old, size)
		})
		if err != nil {
			t.Fatal(err)
		}
		signed := append(bytes.Clone(ra.writer.Checkpoint()), lines...)
		if _, err := ra.writer.Keyring().VerifyCheckpoint(signed); err != nil {
			t.Errorf("with the cosignature: %v", err)
		}
	}
	last := ra.writer.Head().Size
	if lines, err := c.Cosign(t.Context(), forkOf(t, ra, int(last)+3), last, nil); err == nil {
		t.Errorf("a fork was cosigned: %s", lines)
	}
}

func waitFor(t *testing.T, network, addr string) {
	t.Helper()
	for range 200 {
		if c, err := net.Dial(network, addr); err == nil {
			c.Close()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("nothing listens at %s", addr)
}
