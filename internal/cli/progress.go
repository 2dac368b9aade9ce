package cli

import (
	"os"
	"strings"
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

// doings are the words for stages of work: what a node names, and operations that take long.
var doings = map[string]string{
	"import": "doing.import", "courier.import": "doing.import", "backup": "doing.backup", "restore": "doing.restore", "rebuild": "doing.rebuild",
	"share": "doing.share", "sync": "doing.sync", "verify": "doing.verify", "exhibit.verify": "doing.verify", "hash": "doing.hash",
	"attach": "doing.attach", "exhibit.add": "doing.attach", "exhibit.content": "doing.attach", "exhibit.custody": "doing.custody",
	"reseal": "doing.reseal", "exhibit.rekey": "doing.reseal", "export": "doing.export", "audit.export": "doing.export", "courier.export": "doing.export",
	"dossier.export": "doing.export", "feed.get": "doing.export", "journal.file": "doing.export", "review.report": "doing.export",
	"statement.export": "doing.export", "hunt": "doing.hunt", "watch": "doing.watch", "doctor": "doing.doctor", "pull": "doing.pull", "push": "doing.push",
	"guard.add": "doing.guard",
}

// doing tells a stage of work in words; a file that is read or written stands for itself.
func (a *app) doing(stage string) string {
	if key, ok := doings[stage]; ok {
		return a.catalog().Text(key)
	}
	if name, ok := strings.CutPrefix(stage, "sync with "); ok {
		return a.catalog().Text("doing.sync-with", "name", name)
	}
	return stage
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
			progressbar.OptionSetDescription(cleanLine(p.a.doing(s.Stage))),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(cleanLine(p.a.catalog().Code("each", s.Unit))),
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
