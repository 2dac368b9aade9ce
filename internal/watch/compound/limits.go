package compound

import "time"

const (
	// MaxPatterns is the most patterns of an engine.
	MaxPatterns = 1 << 18
	// MaxPattern is the longest pattern in bytes.
	MaxPattern = 64 << 10
	// MaxParts is the most parts "[...]" of a pattern.
	MaxParts = 64
	// MaxNeeded is the most observations that a match of a pattern may need, as with REPEATS.
	MaxNeeded = 512
	// MaxKept is the most observations that are kept for one pattern and host and one
	// set of parts that they satisfy. Of more the ones in the middle are given up.
	MaxKept = 1024
	// MaxStates is the most pairs of pattern and host that something is kept for. The one
	// that was used longest ago is given up.
	MaxStates = 1 << 16
	// MaxObservations is the most observations that are kept in all.
	MaxObservations = 1 << 18
	// MaxSaved is the most observations that [Engine.Save] writes, those of the states used last first.
	MaxSaved = 1 << 15
	// MaxState is the most that [Engine.Save] writes and [Engine.Load] reads, in bytes.
	MaxState = 64 << 20
	// MaxNote is the most that a caller notes of an observation, in bytes; of more nothing is kept.
	MaxNote = 4 << 10
	// MaxFields is the most fields of a record that are looked at.
	MaxFields = 512
	// maxSteps is the budget of one look at one pattern and host.
	maxSteps = 200_000
	// DefaultHorizon and DefaultLate are what Options have for zero.
	DefaultHorizon = 24 * time.Hour
	DefaultLate    = time.Minute
)
