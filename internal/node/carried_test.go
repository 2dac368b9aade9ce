package node

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"

	"filippo.io/age"
)

// allocated is how many bytes f allocates, freed or not, with all that runs beside it.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// hostileAge are files that begin like age files (C2SP age) and are none that anybody
// should spend much on. good is a true one for the reader's key.
func hostileAge(t *testing.T, good []byte) map[string][]byte {
	t.Helper()
	b64 := base64.RawStdEncoding
	line := b64.EncodeToString(make([]byte, 48)) // a full line of a stanza's body
	mac := "--- " + b64.EncodeToString(make([]byte, 32)) + "\n"
	scrypt := func(factor int) string {
		return fmt.Sprintf("-> scrypt %s %d\n%s\n", b64.EncodeToString(make([]byte, 16)), factor, b64.EncodeToString(make([]byte, 32)))
	}
	x25519 := "-> X25519 " + b64.EncodeToString(bytes.Repeat([]byte{9}, 32)) + "\n" + b64.EncodeToString(make([]byte, 32)) + "\n"
	hybrid := "-> mlkem768x25519 " + b64.EncodeToString(bytes.Repeat([]byte{9}, 1120)) + "\n" + b64.EncodeToString(make([]byte, 32)) + "\n"
	rest := strings.Repeat("x", 200)
	head := bytes.Index(good, []byte("\n---")) + 1
	end := head + bytes.IndexByte(good[head:], '\n') + 1 // of the header
	wrong := bytes.Clone(good)
	copy(wrong[head+4:], b64.EncodeToString(bytes.Repeat([]byte{1}, 32)))
	added := append(append(bytes.Clone(good[:head]), x25519...), good[head:]...)
	other, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	var foreign bytes.Buffer
	w, err := age.Encrypt(&foreign, other.Recipient())
	if err == nil {
		_, err = io.WriteString(w, rest)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"a million stanzas":           []byte(ageIntro + strings.Repeat("-> x y\n\n", 1<<20) + mac + rest),
		"as many hybrid ones as go":   []byte(ageIntro + strings.Repeat(hybrid, 1024) + mac + rest),
		"one more than go":            []byte(ageIntro + strings.Repeat("-> x y\n\n", 1025) + mac + rest),
		"a body of 64 MiB":            []byte(ageIntro + "-> x y\n" + strings.Repeat(line+"\n", 1<<20)),
		"a line of 64 MiB":            []byte(ageIntro + "-> x " + strings.Repeat("y", 64<<20)),
		"a body line of 64 MiB":       []byte(ageIntro + "-> x y\n" + strings.Repeat("A", 64<<20)),
		"a wrong line of 1.9 MiB":     []byte(ageIntro + strings.Repeat("\x1b[2J", 490000) + "\n" + mac),
		"a wrong body of 1.9 MiB":     []byte(ageIntro + "-> x y\n" + strings.Repeat("%", 2000000) + "\n" + mac),
		"a key in a body":             []byte(ageIntro + "-> x y\n" + other.String() + "\n" + mac),
		"a million arguments":         []byte(ageIntro + "-> x" + strings.Repeat(" y", 1<<20) + "\n\n" + mac + rest),
		"a MAC of 64 MiB":             []byte(ageIntro + hybrid + "--- " + strings.Repeat("A", 64<<20) + "\n"),
		"scrypt of work factor 22":    []byte(ageIntro + scrypt(22) + mac + rest),
		"scrypt of work factor 63":    []byte(ageIntro + scrypt(63) + mac + rest),
		"scrypt of work factor 10^18": []byte(ageIntro + scrypt(1e18) + mac + rest),
		"a hundred of scrypt":         []byte(ageIntro + strings.Repeat(scrypt(20), 100) + mac + rest),
		"scrypt beside the true one":  append(append(bytes.Clone(good[:head]), scrypt(22)...), good[head:]...),
		"X25519 for a hybrid key":     []byte(ageIntro + x25519 + mac + rest),
		"one more in a true header":   added,
		"a hybrid one of zeros":       []byte(ageIntro + "-> mlkem768x25519 " + b64.EncodeToString(make([]byte, 1120)) + "\n" + b64.EncodeToString(make([]byte, 32)) + "\n" + mac + rest),
		"a hybrid one too short":      []byte(ageIntro + "-> mlkem768x25519 AAAA\nAAAA\n" + mac + rest),
		"a hybrid one without any":    []byte(ageIntro + "-> mlkem768x25519\nAAAA\n" + mac + rest),
		"a wrong MAC":                 wrong,
		"a header without end":        []byte(ageIntro + hybrid),
		"no stanza":                   []byte(ageIntro + mac + rest),
		"a header and nothing else":   good[:end],
		"half a nonce":                good[:end+7],
		"cut in the first chunk":      good[:end+16+100],
		"cut at the end":              good[:len(good)-1],
		"something behind the end":    append(bytes.Clone(good), 0),
		"for somebody else":           foreign.Bytes(),
		"terminal escapes":            []byte(ageIntro + "\x1b]0;owned\a\x1b[2J\u202e\n"),
		"terminal escapes, stanza":    []byte(ageIntro + "-> x \x1b[31m\n\x1b[2J\n" + mac),
		"invalid UTF-8":               []byte(ageIntro + "-> \xff\xfe\n\n" + mac),
		"a private key":               []byte(ageIntro + other.String() + "\n"),
		"a private key alone":         []byte(other.String() + "\n"),
		"armour":                      []byte("-----BEGIN AGE ENCRYPTED FILE-----\n" + strings.Repeat(line+"\n", 1<<20)),
		"empty":                       {},
		"version 2":                   []byte("age-encryption.org/v2\n" + hybrid + mac + rest),
	}
	return files
}

// refusedWell holds an error to what a person can use: coded, short, one line, without
// anything that a terminal would obey, without a key.
func refusedWell(t *testing.T, name string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code == "" || e.What == "" || e.Why == "" || e.Next == "" || e.Status >= 500 {
		t.Errorf("%s: %T %.300v", name, err, err)
		return
	}
	text := e.Error()
	if len(text) > 1000 || !utf8.ValidString(text) || strings.IndexFunc(text, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }) >= 0 {
		t.Errorf("%s: told in %d bytes: %.300q", name, len(text), text)
	}
	if strings.Contains(strings.ToUpper(text), "SECRET-KEY") {
		t.Errorf("%s: a key is shown: %s", name, text)
	}
}

// maxOfHeader bounds what is allocated to refuse a header, which age takes up to 2 MiB
// of: its lines, what they say, and an error's text.
const maxOfHeader = 48 << 20

// TestHostileAgeHeaders gives a node courier files whose encryption is an attack. Each
// is refused with a code, without much memory, and nothing of it is kept.
func TestHostileAgeHeaders(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	shareOne(t, a, 1, "carried.example")
	good := letter(t, a, b, true)
	before := b.footprint(t, "")
	for name, file := range hostileAge(t, good) {
		var err error
		used := allocated(func() { _, err = b.ImportCourier(ctx, bytes.NewReader(file)) })
		refusedWell(t, name, err)
		if used > maxOfHeader {
			t.Errorf("%s: %d bytes were allocated for a file of %d", name, used, len(file))
		}
		if after := b.footprint(t, ""); after != before || b.uses("carried.example") {
			t.Fatalf("%s: something of it was kept: %+v, was %+v", name, after, before)
		}
		if left, err := os.ReadDir(b.at.spool()); err == nil && len(left) > 0 {
			t.Errorf("%s: %d files are left in the spool", name, len(left))
		}
	}
	must[*CourierReport](t)(b.ImportCourier(ctx, bytes.NewReader(good)))
	if !b.uses("carried.example") {
		t.Error("the true file is not used")
	}
}

// TestHostileAgeBackups is the same for backups, restored and planned.
func TestHostileAgeBackups(t *testing.T) {
	a := newParty(t, "North")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	good := a.backup()
	dir := filepath.Join(t.TempDir(), "new")
	for name, file := range hostileAge(t, good) {
		var planned, restored error
		used := allocated(func() {
			_, planned = PlanRestore(t.Context(), dir, bytes.NewReader(file), RestoreOptions{OrgKey: a.org, Node: testOptions(t)})
		})
		used = max(used, allocated(func() {
			_, restored = Restore(t.Context(), dir, bytes.NewReader(file), RestoreOptions{OrgKey: a.org, Node: testOptions(t)})
		}))
		refusedWell(t, name+", planned", planned)
		refusedWell(t, name+", restored", restored)
		if used > maxOfHeader {
			t.Errorf("%s: %d bytes were allocated for a file of %d", name, used, len(file))
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%s: something is left: %v", name, err)
		}
	}
	// Encrypted properly, to a key that anybody may know, with names meant for the terminal.
	recipient := must[*age.HybridRecipient](t)(age.ParseHybridRecipient(a.config.Backup.Recipient))
	for _, name := range []string{"\x1b]0;owned\a", strings.Repeat("x", 900<<10), "units/" + strings.Repeat("\u202e", 300<<10), "units/\xff\xfe"} {
		var file bytes.Buffer
		enc := must[io.WriteCloser](t)(age.Encrypt(&file, recipient))
		tw := tar.NewWriter(enc)
		if err := errors.Join(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}), tw.Close(), enc.Close()); err != nil {
			t.Fatal(err)
		}
		_, err := PlanRestore(t.Context(), dir, bytes.NewReader(file.Bytes()), RestoreOptions{OrgKey: a.org, Node: testOptions(t)})
		refusedWell(t, "a name, planned", err)
		_, err = Restore(t.Context(), dir, bytes.NewReader(file.Bytes()), RestoreOptions{OrgKey: a.org, Node: testOptions(t)})
		refusedWell(t, "a name, restored", err)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("something is left: %v", err)
		}
	}
	res := must[*RestoreResult](t)(Restore(t.Context(), dir, bytes.NewReader(good), RestoreOptions{OrgKey: a.org, Node: testOptions(t)}))
	if len(res.Units) != 1 {
		t.Errorf("the true one brings back %+v", res.Units)
	}
}

// TestHostileFramesOfPayloads is a partner whose payloads are made to keep a reader busy or to
// fill its memory, by what they announce and by how many pieces they have. They arrive
// over the wire, travel in a dossier and in a backup, and are opened again by a rebuild.
// None costs more than its bound, and each is held back.
func TestHostileFramesOfPayloads(t *testing.T) {
	frame := func(header []byte, n int, last byte) []byte {
		return append(append([]byte{0x28, 0xb5, 0x2f, 0xfd}, header...), last|2|byte(n)<<3, byte(n>>5), byte(n>>13), 'x')
	}
	small := frame([]byte{0x20, 255}, 255, 1)
	for name, data := range map[string][]byte{
		"65,000 frames":           bytes.Repeat(small, 65000),
		"a million frames":        bytes.Repeat(small, 1<<20),
		"a window of 3.75 TiB":    frame([]byte{0, 0xff}, 1, 1),
		"the same behind another": append(bytes.Clone(small), frame([]byte{0, 0xff}, 1, 1)...),
		"an EiB announced":        frame([]byte{0xe0, 0, 0, 0, 0, 0, 0, 0, 16}, 1, 1),
		"a frame without end":     append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x58}, bytes.Repeat([]byte{2, 0, 0x10, 'x'}, 1000)...),
	} {
		t.Run(name, func(t *testing.T) {
			a, r, _ := hostileWorldFor(t, false)
			a.unbounded()
			salt := [32]byte{7}
			ref := &journal.PayloadRef{Type: journal.PayloadSTIX, Size: int64(len(data)), Commitment: journal.Commit(salt, data)}
			run := r.next(r.entry(r.last, unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "clear"), ref, nil))
			const most = 512 << 20 // packets, spool, and a handful of openings of 16 MiB
			check := func(what string, f func()) {
				if used := allocated(f); used > most {
					t.Errorf("%s: %d bytes were allocated", what, used)
				}
			}
			check("taking it in", func() {
				if got := r.say([]peer.Run{run}, peer.Payload{Commitment: ref.Commitment, Salt: salt, Data: data}); len(got.codes()) > 0 {
					t.Errorf("answered with %q", got.codes())
				}
				if err := a.drainIntake(t.Context()); err != nil {
					t.Error(err)
				}
			})
			if st := must[*StatusResponse](t)(a.Status(t.Context())); st.Objects.Accepted != 0 {
				t.Errorf("something of it is used: %+v", st.Objects)
			}
			var file []byte
			check("a dossier of it", func() { file = a.exported("") })
			check("verifying that", func() {
				if rep, err := VerifyDossier(bytes.NewReader(file), nil); err != nil || !rep.OK {
					t.Errorf("%+v, %v", rep, err)
				}
			})
			var backup []byte
			check("a backup", func() { backup = a.backup() })
			a.stop()
			var b *testParty
			check("restoring that", func() { b, _ = a.restored(backup, RestoreOptions{OrgKey: a.org}) })
			check("a rebuild", func() {
				if rb := must[*RebuildResponse](t)(b.Rebuild(t.Context(), nil)); rb.Before != rb.Digest {
					t.Error("a rebuild gives another digest")
				}
			})
		})
	}
}
