package misp

// The default bounds on what is read.
const (
	DefaultMaxElementBytes = 64 << 20
	DefaultMaxHeaderBytes  = 64 << 20
	DefaultMaxEventBytes   = 256 << 20
	DefaultMaxDepth        = 64
	DefaultMaxElements     = 1 << 22
)

// Limits bound what one stream of events may cost. A zero field means its default.
type Limits struct {
	// MaxElementBytes is the largest text of one attribute, object or event report,
	// with the base64 of its attachments; default 64 MiB.
	MaxElementBytes int
	// MaxHeaderBytes is the largest text of all other members of one event; default
	// 64 MiB.
	MaxHeaderBytes int
	// MaxEventBytes is the largest text of one whole event where events are put
	// together, as by [Reader.Events] and [Parse]; default 256 MiB.
	MaxEventBytes int
	// MaxDepth is how deep objects and arrays may be nested in an element or a
	// header, the outermost counting as 1; default 64, never above 1000.
	MaxDepth int
	// MaxElements is how many attributes, objects, event reports and events one
	// stream may hold, refused ones included; default 4,194,304.
	MaxElements int
}

const maxDepth = 1000

func (l Limits) orDefault() Limits {
	set := func(p *int, def int) {
		if *p <= 0 {
			*p = def
		}
	}
	set(&l.MaxElementBytes, DefaultMaxElementBytes)
	set(&l.MaxHeaderBytes, DefaultMaxHeaderBytes)
	set(&l.MaxEventBytes, DefaultMaxEventBytes)
	set(&l.MaxDepth, DefaultMaxDepth)
	set(&l.MaxElements, DefaultMaxElements)
	l.MaxDepth = min(l.MaxDepth, maxDepth)
	return l
}
