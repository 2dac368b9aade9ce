package demo

import (
	"fmt"
	"io"
	"strings"
)

// narrator prints the story for people.
type narrator struct {
	out   io.Writer
	quiet bool
	step  int
}

// begin opens a step.
func (n *narrator) begin(title string) {
	n.step++
	n.plain("")
	n.plain("%2d. %s", n.step, title)
}

// did tells what somebody did.
func (n *narrator) did(format string, args ...any) { n.plain("    "+format, args...) }

// proved tells what the step has shown.
func (n *narrator) proved(format string, args ...any) {
	n.plain("    → proved: "+format, args...)
}

// end closes the story.
func (n *narrator) end(text string) {
	n.plain("")
	n.plain("%s", text)
	n.plain("")
}

func (n *narrator) plain(format string, args ...any) {
	if n.quiet {
		return
	}
	// Names and texts in a story come from two nodes that do not trust each other.
	line := strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '·'
		}
		return r
	}, fmt.Sprintf(format, args...))
	fmt.Fprintln(n.out, line)
}
