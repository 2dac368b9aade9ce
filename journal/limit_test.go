package journal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLimits reaches the bounds of docs/limits.md: at each one what is allowed is
// taken, and one more is refused.
func TestLimits(t *testing.T) {
	parse := func(rest string) error {
		_, err := ParseEntry(sample(2, rest))
		return err
	}
	change := func(old, with string) error {
		_, err := ParseEntry([]byte(strings.Replace(string(sample(2, "")), old, with, 1)))
		return err
	}
	nested := func(n int) string { return `,"x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) }
	list := func(n int, one string) string {
		return strings.TrimSuffix(strings.Repeat(one+",", n), ",")
	}
	name := func(n int) string { return strings.Repeat("n", n) }
	hashes := func(n int) []Hash { return make([]Hash, n) }
	entries := func(n, size int) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			out[i] = make([]byte, size)
		}
		return out
	}
	org, node := fixedKey(1), fixedKey(2)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	identity := func(change func(*Identity)) error {
		id := Identity{Name: "North", Node: node.Public(), Created: at, Expires: at.AddDate(1, 0, 0)}
		change(&id)
		_, err := NewIdentity(org, id)
		return err
	}
	schedule := func(n int) error {
		k := &Keyring{origin: testOrigin, keys: make([]ScheduledKey, n), verify: make([]keyVerifiers, n)}
		_, err := k.add(ScheduledKey{int64(n), org.Public()})
		var r *Refusal
		if errors.As(err, &r) && r.Code == CodeOversize {
			return err
		}
		return nil // whatever else is wrong with a schedule of empty keys
	}
	oversize := func(err error) error {
		if CodeOf(err) == CodeOversize {
			return err
		}
		return nil
	}
	sealed := func(n int) error {
		_, _, err := SealPayload([32]byte{}, make([]byte, n))
		return err
	}
	opened := func(n int) error {
		_, err := OpenPayload(PayloadRef{Size: int64(n)}, [32]byte{}, make([]byte, n), 0)
		if errors.Is(err, ErrPayloadTooLarge) {
			return err
		}
		return nil
	}
	signed, err := SignCheckpoint(testOrigin, Head{Size: 1}, at, org)
	if err != nil {
		t.Fatal(err)
	}
	long := func(err error, word string) error {
		if err != nil && strings.Contains(err.Error(), word) {
			return err
		}
		return nil
	}
	for _, x := range []struct {
		limit  string
		within error
		beyond error
	}{
		{"MaxDepth", parse(nested(MaxDepth)), parse(nested(MaxDepth + 1))},
		{"MaxRelease", parse(`,"release":[` + list(MaxRelease, `{"agency":"a","role":"b"}`) + `]`), parse(`,"release":[` + list(MaxRelease+1, `{"agency":"a","role":"b"}`) + `]`)},
		{"MaxName", change(`"CERT"`, `"`+name(MaxName)+`"`), change(`"CERT"`, `"`+name(MaxName+1)+`"`)},
		{"maxIndex", change(`"index":2`, fmt.Sprintf(`"index":%d`, int64(maxIndex))), change(`"index":2`, fmt.Sprintf(`"index":%d`, int64(maxIndex)+1))},
		{"maxEpoch", change(`"epoch":0`, fmt.Sprintf(`"epoch":%d`, maxEpoch)), change(`"epoch":0`, fmt.Sprintf(`"epoch":%d`, maxEpoch+1))},
		{"maxYear", change("2026-", fmt.Sprint(maxYear, "-")), change("2026-", fmt.Sprint(maxYear+1, "-"))},
		{"MaxAddresses", identity(func(i *Identity) { i.Addresses = strings.Split(list(MaxAddresses, "a:1"), ",") }), identity(func(i *Identity) { i.Addresses = strings.Split(list(MaxAddresses+1, "a:1"), ",") })},
		{"MaxPins", identity(func(i *Identity) {
			for n := range MaxPins {
				i.TLS = append(i.TLS, Hash{byte(n + 1)})
			}
		}), identity(func(i *Identity) {
			for n := range MaxPins + 1 {
				i.TLS = append(i.TLS, Hash{byte(n + 1)})
			}
		})},
		{"maxVKey", nil, long(identity(func(i *Identity) { i.Witness = name(maxVKey + 1) }), "longer than")},
		{"maxRecipient", nil, long(checkRecipient("age1"+name(maxRecipient-3)), "at most")},
		{"maxKeyFile", nil, long(second(ParsePrivateKey(make([]byte, maxKeyFile+1))), "")},
		{"MaxFounding", nil, long(second(ParseFounding(name(MaxFounding+1))), "larger")},
		{"MaxStatement", oversize(Signed{Text: name(MaxStatement)}.check()), oversize(Signed{Text: name(MaxStatement + 1)}.check())},
		{"maxSignatures", oversize(Signed{Text: "x", Signatures: make([]KeySignature, maxSignatures)}.check()), oversize(Signed{Text: "x", Signatures: make([]KeySignature, maxSignatures+1)}.check())},
		{"MaxCheckpoint", oversize(third(CheckpointHead(make([]byte, MaxCheckpoint)))), oversize(third(CheckpointHead(make([]byte, MaxCheckpoint+1))))},
		{"MaxMissing", ReceiptBody{Origin: testOrigin, Size: 1, Missing: hashes(MaxMissing)}.check(), ReceiptBody{Origin: testOrigin, Size: 1, Missing: hashes(MaxMissing + 1)}.check()},
		{"MaxMissing destroyed", DestroyedBody{Commitments: hashes(MaxMissing), Reason: "x"}.check(), DestroyedBody{Commitments: hashes(MaxMissing + 1), Reason: "x"}.check()},
		{"MaxProof", (Prefix{Size: 1, Proof: hashes(MaxProof)}).Check(), (Prefix{Size: 1, Proof: hashes(MaxProof + 1)}).Check()},
		{"maxProofText", nil, long(third(VerifyProof(nil, make([]byte, maxProofText+1), nil)), "")},
		{"maxWitnesses", nil, oversize(fourth(Cosignatures(signed, make([]string, maxWitnesses+1)...)))},
		{"MaxRotations", schedule(MaxRotations - 1), schedule(MaxRotations)},
		{"MaxBatchEntries", (&Mirror{}).bounds(entries(MaxBatchEntries, 1)), (&Mirror{}).bounds(entries(MaxBatchEntries+1, 1))},
		{"MaxBatchBytes", (&Mirror{}).bounds(entries(MaxBatchBytes>>15, 1<<15)), (&Mirror{}).bounds(append(entries(MaxBatchBytes>>15, 1<<15), []byte{1}))},
		{"MaxPayload", opened(MaxPayload), opened(MaxPayload + 1)},
		{"MaxPlain", sealed(MaxPlain), sealed(MaxPlain + 1)},
		{"MaxRecord", second(recordLength([]byte{1, 2, 0, 0, 0})), second(recordLength([]byte{1, 2, 0, 0, 1}))},
	} {
		if x.within != nil || x.beyond == nil {
			t.Errorf("%s: within it %v, beyond it %v", x.limit, x.within, x.beyond)
		}
	}
	if MaxRecord != 2<<24 {
		t.Error("the record above is not one byte beyond the bound")
	}
	// A bomb is stopped at the bound, whatever it announces.
	plain := bytes.Repeat([]byte("0123456789abcdef"), MaxPlain/16)
	data, ref, err := SealPayload([32]byte{}, plain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPayload(ref, [32]byte{}, data, MaxPlain-1); !errors.Is(err, ErrPayloadTooLarge) {
		t.Errorf("a payload one byte too large for its reader: %v", err)
	}
}

func fixedKey(b byte) *PrivateKey {
	k, err := GenerateKey(bytes.NewReader(bytes.Repeat([]byte{b}, 1<<10)))
	if err != nil {
		panic(err)
	}
	return k
}

func second[A any](_ A, err error) error                 { return err }
func third[A, B any](_ A, _ B, err error) error          { return err }
func fourth[A, B, C any](_ A, _ B, _ C, err error) error { return err }
