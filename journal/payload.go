package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Errors of payloads.
var (
	// ErrCommitment marks a payload that is not the one its entry commits to.
	ErrCommitment = errors.New("journal: the payload is not the one that the entry commits to")
	// ErrPayloadTooLarge marks a payload beyond the bounds, compressed or not.
	ErrPayloadTooLarge = errors.New("journal: the payload is larger than allowed")
	// ErrPayloadDamaged marks a payload that cannot be decompressed.
	ErrPayloadDamaged = errors.New("journal: the payload cannot be decompressed")
)

const (
	// payloadWindow bounds the zstd window (RFC 8878 section 3.1.1.1.2), which is
	// memory that a sender makes the receiver allocate.
	payloadWindow = 8 << 20
	// payloadRatio bounds how much a payload may grow, beyond what is free.
	payloadRatio = 1000
	payloadFree  = 1 << 20
	// skippableMagic begins a skippable frame, of which skippableHeader bytes come before its content.
	skippableMagic  = 0x184D2A50
	skippableHeader = 8
	// smallPlain is the room that a first frame gets which does not say how long it is. The
	// encoder leaves that out where the content is shorter than 256 bytes.
	smallPlain = 1 << 10
)

// Commit returns the commitment of a payload:
// SHA-256("entente/payload/v1\n" salt compressed). Without the salt, which dies
// with the payload, nobody can test a guess of the content against it.
func Commit(salt [32]byte, compressed []byte) Hash {
	h := sha256.New()
	h.Write([]byte("entente/payload/v1\n"))
	h.Write(salt[:])
	h.Write(compressed)
	return Hash(h.Sum(nil))
}

// SealPayload compresses content with zstd (RFC 8878) and commits to it. The
// salt has to be 32 fresh random bytes. The caller sets the type of the
// reference before it goes into a draft.
func SealPayload(salt [32]byte, plain []byte) (compressed []byte, ref PayloadRef, err error) {
	if len(plain) > MaxPlain {
		return nil, PayloadRef{}, fmt.Errorf("%w: %d bytes, %d are allowed", ErrPayloadTooLarge, len(plain), int64(MaxPlain))
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, PayloadRef{}, fmt.Errorf("journal: zstd: %w", err)
	}
	defer enc.Close()
	compressed = padded(enc.EncodeAll(plain, make([]byte, 0, len(plain)/4+64)), int64(len(plain)))
	if len(compressed) > MaxPayload {
		return nil, PayloadRef{}, fmt.Errorf("%w: %d bytes compressed, %d are allowed; split the content", ErrPayloadTooLarge, len(compressed), MaxPayload)
	}
	return compressed, PayloadRef{Commitment: Commit(salt, compressed), Size: int64(len(compressed))}, nil
}

// padded makes compressed content as long as it has to be for so much to come out of it: what is
// nearly all zeros, as disks are, becomes smaller than a receiver lets through. What is added is a
// skippable frame (RFC 8878 section 3.1.2).
func padded(compressed []byte, plain int64) []byte {
	least := (plain - payloadFree + payloadRatio - 1) / payloadRatio
	missing := least - int64(len(compressed))
	if missing <= 0 {
		return compressed
	}
	missing = max(missing, skippableHeader)
	compressed = binary.LittleEndian.AppendUint32(compressed, skippableMagic)
	compressed = binary.LittleEndian.AppendUint32(compressed, uint32(missing-skippableHeader))
	return append(compressed, make([]byte, missing-skippableHeader)...)
}

// OpenPayload checks size and commitment and only then decompresses, to at most
// maxPlain bytes ([MaxPlain] if it is 0 or less) and with bounded memory.
// Errors wrap [ErrCommitment], [ErrPayloadTooLarge] or [ErrPayloadDamaged].
func OpenPayload(ref PayloadRef, salt [32]byte, compressed []byte, maxPlain int64) ([]byte, error) {
	if maxPlain <= 0 {
		maxPlain = MaxPlain
	}
	if len(compressed) > MaxPayload {
		return nil, fmt.Errorf("%w: %d bytes compressed, %d are allowed", ErrPayloadTooLarge, len(compressed), MaxPayload)
	}
	if int64(len(compressed)) != ref.Size || Commit(salt, compressed) != ref.Commitment {
		return nil, ErrCommitment
	}
	maxPlain = min(maxPlain, payloadFree+payloadRatio*int64(len(compressed)))
	announced, err := checkFrame(compressed, maxPlain)
	if err != nil {
		return nil, err
	}
	// A payload as SealPayload makes it is one frame that says how long it is, unless it is so
	// small that it need not, and has the room it needs. Everything else gets all the room there may be at once: left to itself
	// the decoder makes room anew, and copies all it has, for every frame that says how
	// long it is, which keeps it busy for minutes where there are a hundred thousand.
	if announced == 0 {
		announced = min(smallPlain, maxPlain)
	}
	plain, err := decompress(compressed, announced, maxPlain, true)
	if err != nil {
		plain, err = decompress(compressed, maxPlain, maxPlain, false)
	}
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, fmt.Errorf("%w: more than %d bytes decompressed", ErrPayloadTooLarge, maxPlain)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrPayloadDamaged, err)
	case int64(len(plain)) > maxPlain:
		return nil, fmt.Errorf("%w: more than %d bytes decompressed", ErrPayloadTooLarge, maxPlain)
	}
	if cap(plain) > 2*len(plain) { // what was made room for and is not there is given back
		plain = slices.Clone(plain)
	}
	return plain, nil
}

// decompress opens all frames of a payload into room for so many bytes; if it is strict
// there is no more. It holds one window and what comes out.
func decompress(compressed []byte, room, maxPlain int64, strict bool) ([]byte, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(strict),
		zstd.WithDecoderMaxWindow(payloadWindow), zstd.WithDecoderMaxMemory(uint64(maxPlain)))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	defer dec.Close()
	return dec.DecodeAll(compressed, make([]byte, 0, room))
}

// checkFrame refuses what does not start with a data frame, needs a
// dictionary, or announces more than it may hold, before memory is allocated. It
// returns how much the first frame announces, 0 if it does not.
func checkFrame(compressed []byte, maxPlain int64) (int64, error) {
	var h zstd.Header
	if err := h.Decode(compressed[:min(len(compressed), zstd.HeaderMaxSize)]); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrPayloadDamaged, err)
	}
	switch {
	case h.Skippable || h.DictionaryID != 0:
		return 0, fmt.Errorf("%w: not a plain zstd frame", ErrPayloadDamaged)
	case h.HasFCS && h.FrameContentSize > uint64(maxPlain):
		return 0, fmt.Errorf("%w: it announces %d bytes, %d are allowed", ErrPayloadTooLarge, h.FrameContentSize, maxPlain)
	case !h.SingleSegment && h.WindowSize > payloadWindow:
		return 0, fmt.Errorf("%w: it needs a window of %d bytes, %d are allowed", ErrPayloadTooLarge, h.WindowSize, payloadWindow)
	case h.HasFCS:
		return int64(h.FrameContentSize), nil
	}
	return 0, nil
}
