package peer

import (
	"time"

	"entente/journal"
)

// Bounds of the packet format. They are part of the protocol: a frame beyond them
// is refused by every implementation.
const (
	// MaxHelloBytes bounds the hello frame: MaxJournals heads and MaxWant
	// commitments fit with room to spare.
	MaxHelloBytes = 1 << 20
	// MaxJournals bounds the journals one hello may speak of.
	MaxJournals = 1024
	// MaxWant bounds the payloads one hello may ask for.
	MaxWant = 4096
	// MaxEntryBytes bounds one entry (the bundle limit of C2SP tlog-tiles).
	MaxEntryBytes = journal.MaxEntry
	// MaxCheckpointBytes bounds a signed checkpoint with all its cosignatures.
	MaxCheckpointBytes = journal.MaxCheckpoint
	// MaxPayloadBytes bounds the compressed bytes of one payload.
	MaxPayloadBytes = journal.MaxPayload
	// MaxRunEntries and MaxRunBytes bound what lies between two checkpoints that
	// are sent, and so what a receiver must hold before it can verify. A writer
	// has to cut checkpoints at least this often, or its journal could not travel.
	MaxRunEntries = journal.MaxBatchEntries
	MaxRunBytes   = journal.MaxBatchBytes
	// MaxRefusals bounds the refusals of one packet, MaxRefusalBytes each one.
	MaxRefusals     = 1024
	MaxRefusalBytes = 4096
	// MaxOptionalFrames and MaxOptionalBytes bound what a reader skips.
	MaxOptionalFrames = 1024
	MaxOptionalBytes  = 1 << 20
	// MaxEndBytes bounds the end frame.
	MaxEndBytes = 4096

	// payloadHeader is the commitment and the salt before the bytes of a payload.
	payloadHeader = 64
	// frameHeader is the type and the length before every frame's bytes.
	frameHeader = 5
)

// Limits are the bounds one side chooses within those of the protocol. The zero
// value of a field means its default.
type Limits struct {
	// PacketBytes bounds one packet; default 64 MiB. What does not fit comes in
	// the next round. It is raised to what one full run or payload needs.
	PacketBytes int64
	// PacketEntries bounds the entries of one packet; default 262,144.
	PacketEntries int64
	// PacketPayloads bounds the payloads of one packet; default 16,384.
	PacketPayloads int64
	// Rounds bounds the packets of one sync session; default 4,096.
	Rounds int
	// Window and WindowBytes are the slowest speed a peer may have: WindowBytes
	// (default 64 KiB) must move in each Window (default 30 s) spent waiting for
	// it. Waits caused by our own work are not charged to the peer.
	Window      time.Duration
	WindowBytes int64
	// Header bounds the TLS handshake, and the head of a request; default 10 s. Idle is
	// how long a connection may rest between two requests; default 2 minutes.
	Header time.Duration
	Idle   time.Duration
	// Answer bounds the wait for the first byte of an answer; default 2 minutes.
	Answer time.Duration
	// Poll is how long a poll for a hint may wait; default one minute.
	Poll time.Duration
	// Session bounds one whole exchange at the server; default 15 minutes.
	Session time.Duration
	// Exchanges bounds the exchanges a server serves at once; default 32. One peer
	// never has more than one.
	Exchanges int
	// Connections bounds a server's open connections; default 256. One address (an
	// IPv6 /64) has at most a quarter of them.
	Connections int
	// Memory bounds what exchanges hold together. Where it is left out each server,
	// client or packet has one of its own.
	Memory *Memory

	// small lets tests have packets that a full run would not fit in.
	small bool
}

const (
	minPacketBytes     = max(MaxRunBytes+MaxRunEntries*frameHeader, MaxPayloadBytes) + MaxHelloBytes + MaxCheckpointBytes + 1<<20
	defaultPacketBytes = 64 << 20
)

// withDefaults fills what was left at zero and raises a packet bound that could
// not hold one run and one payload: such a bound would stop a sync forever.
func (l Limits) withDefaults() Limits {
	def := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&l.PacketBytes, defaultPacketBytes)
	def(&l.PacketEntries, 1<<18)
	if !l.small {
		l.PacketBytes = max(l.PacketBytes, minPacketBytes)
		l.PacketEntries = max(l.PacketEntries, MaxRunEntries)
	}
	def(&l.PacketPayloads, 1<<14)
	def(&l.WindowBytes, 64<<10)
	if l.Rounds <= 0 {
		l.Rounds = 4096
	}
	if l.Window <= 0 {
		l.Window = 30 * time.Second
	}
	if l.Header <= 0 {
		l.Header = 10 * time.Second
	}
	if l.Idle <= 0 {
		l.Idle = 2 * time.Minute
	}
	if l.Answer <= 0 {
		l.Answer = 2 * time.Minute
	}
	if l.Poll <= 0 {
		l.Poll = defaultPollWait
	}
	if l.Session <= 0 {
		l.Session = 15 * time.Minute
	}
	if l.Exchanges <= 0 {
		l.Exchanges = 32
	}
	if l.Connections <= 0 {
		l.Connections = 256
	}
	if l.Memory == nil {
		l.Memory = NewMemory("", DefaultWork)
	}
	return l
}
