package cli

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"entente/internal/node"
)

// progress draws how long work goes on standard error, if that is a terminal.
type progress struct {
	a     *app
	shown bool
	bar   *progressbar.ProgressBar
	stage string
}

func (a *app) progress(stage string) *progress {
	f, ok := a.err.(*os.File)
	return &progress{a: a, stage: stage, shown: ok && !a.quiet && !a.json && term.IsTerminal(int(f.Fd()))}
}

// set shows one step.
func (p *progress) set(s node.Progress) {
	if !p.shown {
		return
	}
	if p.bar == nil || s.Stage != p.stage {
		p.done()
		p.stage = s.Stage
		total := s.Total
		if total <= 0 {
			total = -1 // not known: a spinner
		}
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.a.err),
			progressbar.OptionSetDescription(cleanLine(s.Stage)),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(cleanLine(s.Unit)),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionShowElapsedTimeOnFinish(),
		)
	}
	if s.Total > 0 && p.bar.GetMax64() != s.Total {
		p.bar.ChangeMax64(s.Total)
	}
	_ = p.bar.Set64(s.Done) // a broken terminal must not break the work
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}
