package intake

import "errors"

// Bounds on what is read.
const (
	// MaxLine is the longest line of a list and the longest row of a table, in bytes.
	MaxLine = 64 << 10
	// MaxPage is the longest page or text, in bytes.
	MaxPage = 8 << 20
	// MaxFindings is the number of different things taken from one text.
	MaxFindings = 50_000
	// MaxColumns is the number of columns of a table.
	MaxColumns = 256
	// MaxText is the longest main text that a draft carries, in bytes.
	MaxText = 256 << 10
	// maxNodes and maxDepth bound the tree of a page.
	maxNodes = 400_000
	maxDepth = 400
)

// Sentinel errors.
var (
	// ErrTooLong means that a page, a text or a line is longer than is read.
	ErrTooLong = errors.New("longer than is read")
	// ErrLayout means that a declared layout cannot be understood, or that none
	// could be detected.
	ErrLayout = errors.New("the layout of the table is not known")
	// ErrNoText means that a page holds no text that could be its subject.
	ErrNoText = errors.New("no main text was found")
)
