package past

const (
	// maxValues is the most values of one hunt.
	maxValues = 1 << 20
	// maxDays is the most days that a builder takes between two flushes.
	maxDays = 4096
	// maxEntries is how many entries a builder keeps in memory, of 32 bytes each.
	maxEntries = 1 << 20
	// maxRuns is how many sorted runs a builder keeps on disk before it makes one of them.
	maxRuns = 64
	// maxSpans is the most stretches of log files in one part.
	maxSpans = 1 << 16
	// maxSource is the longest name of a log file in bytes.
	maxSource = 4096
	// maxParts is how many parts a day may have before they are made one.
	maxParts = 8
	// maxBlock is the largest block of a part in bytes.
	maxBlock = 1 << 24
	// maxPlaces is the largest list of log files of a part in bytes.
	maxPlaces = 1 << 26
	// maxOpen is how many parts a hunt reads at the same time.
	maxOpen = 16
)
